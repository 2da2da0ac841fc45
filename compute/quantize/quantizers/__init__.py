"""Quantizers, one file each, behind one small interface.

A quantizer of a linear layer is a function ``quantize(weight, hessian, ...) -> QuantizedTensor``
of a matrix whose rows are output channels and the second moment of the layer's inputs.
``quantize`` here chooses by setting and by the kind of the parameter.
"""

from enum import StrEnum

import torch

from compute.base.setting import Setting
from compute.models.layout import Kind, Parameter
from compute.quantize.quantizers import gptq, gptq_step, ldlq, ldlq_rotated, rtn, watersic
from compute.quantize.quantizers.rotation import Rotation
from compute.quantize.quantizers.tensors import (
    QuantizedTensor,
    RawTensor,
    StoredTensor,
    all_finite,
    with_rotation,
)

__all__ = [
    "ACT_ORDER",
    "WITHOUT_INPUTS",
    "Form",
    "QuantizedTensor",
    "RawTensor",
    "StoredTensor",
    "form_of",
    "quantize",
    "raw_dtype",
    "rotation_of",
]


#: Quantizers that round columns by falling diagonal of the Hessian.
ACT_ORDER = ("gptq_actorder", "gptq_step", "watersic", "watersic_priced")

#: Quantizers with a step for each column.
COLUMN_STEPS = ("watersic", "watersic_priced")

#: Quantizers on a grid that do not use inputs.
WITHOUT_INPUTS = ("rtn",)


class Form(StrEnum):
    """How a parameter is stored at a setting; known to the decoder."""

    RAW = "raw"
    CLIPPED = "clipped"
    UNCLIPPED = "unclipped"
    COLUMNS = "unclipped, with a step for each column"


def form_of(parameter: Parameter, setting: Setting) -> Form:
    """Whether a parameter is put on a grid.

    Matrices of layers and embeddings are, by every quantizer; vectors (norms and biases) only by
    those with a grid for entropy coding.
    """
    if setting.quantizer in ("none", "cast"):
        return Form.RAW
    if setting.quantizer in COLUMN_STEPS and parameter.kind == Kind.LINEAR:
        return Form.COLUMNS
    if setting.quantizer in ("gptq_step", *COLUMN_STEPS):
        on_grid = parameter.kind != Kind.OTHER or len(parameter.shape) == 1
        return Form.UNCLIPPED if on_grid else Form.RAW
    return Form.RAW if parameter.kind == Kind.OTHER else Form.CLIPPED


def rotation_of(parameter: Parameter, setting: Setting) -> Rotation | None:
    """The rotation of a parameter, which follows from the setting's seed.

    Rows of embeddings and of the output layer are tokens, frequent and rare ones: they are not
    mixed.
    """
    if setting.quantizer != "ldlq_rotated" or parameter.kind == Kind.OTHER:
        return None
    return Rotation(setting.quantizer_seed, parameter.name, rows=not parameter.per_token)


def raw_dtype(setting: Setting) -> torch.dtype:
    """Stored dtype of unquantized values at ``setting``: float32 for none, else bfloat16."""
    return torch.float32 if setting.quantizer == "none" else torch.bfloat16


def quantize(
    parameter: Parameter, values: torch.Tensor, moment: torch.Tensor | None, setting: Setting
) -> StoredTensor:
    """One parameter as it will be stored.

    Args:
        parameter: which one.
        values: its values as a matrix with outputs as rows (``Parameter.to_matrix``).
        moment: of a linear layer, the mean of x x^T over calibration inputs x, shape (columns,
            columns); of an embedding, the mean of one-hot inputs, shape (entries,); None where it
            is not known, as of a layer that was never run.

    Returns:
        On the CPU.

    Raises:
        ValueError: a value is not finite, the setting's numbers are out of range, or the layer
            cannot be quantized.
    """
    if not all_finite(values):
        raise ValueError("it holds values that are not finite")
    if moment is not None and not all_finite(moment):
        raise ValueError("its inputs are not finite during calibration")
    if setting.quantizer == "watersic_priced":  # whole models have a step for each matrix
        setting = Setting("watersic", step=watersic.UNPRICED_STEP)
    if form_of(parameter, setting) == Form.RAW:
        tensor: StoredTensor = RawTensor(values.to(raw_dtype(setting)).cpu())
    elif parameter.kind == Kind.LINEAR:
        tensor = _quantize_linear(parameter, values, moment, setting)
    else:
        tensor = _quantize_rounding(parameter, values, moment, setting)
    if not all_finite(tensor.dequantize()):
        raise ValueError("its values are too large for the stored scales")
    return tensor


def _quantize_linear(
    parameter: Parameter, weight: torch.Tensor, hessian: torch.Tensor | None, setting: Setting
) -> QuantizedTensor:
    if hessian is None:  # equal and uncorrelated inputs: every quantizer rounds to nearest
        hessian = torch.eye(weight.shape[1], device=weight.device)
    bits, group_size = setting.bits, setting.group_size
    match setting.quantizer:
        case "rtn":
            return rtn.quantize(weight, None, bits, group_size)
        case "gptq":
            return gptq.quantize(weight, hessian, bits, group_size)
        case "gptq_actorder":
            return gptq.quantize(weight, hessian, bits, group_size, act_order=True)
        case "ldlq":
            return ldlq.quantize(weight, hessian, bits, group_size)
        case "ldlq_rotated":
            rotation = rotation_of(parameter, setting)
            return ldlq_rotated.quantize(weight, hessian, bits, group_size, rotation=rotation)
        case "gptq_step":
            return gptq_step.quantize(weight, hessian, setting.step)
        case "watersic":
            return watersic.quantize(weight, hessian, setting.step)
    raise ValueError(f"the quantizer {setting.quantizer!r} is not implemented")


def _quantize_rounding(
    parameter: Parameter, values: torch.Tensor, frequencies: torch.Tensor | None, setting: Setting
) -> QuantizedTensor:
    """An embedding or a vector, rounded to nearest.

    Inputs of an embedding are one-hot, so their second moment is diagonal and there is no error
    to feed back.
    """
    if setting.quantizer == "watersic":
        if parameter.kind == Kind.OTHER:
            return gptq_step.nearest(values.reshape(1, -1), watersic.VECTOR_STEP)
        if frequencies is not None:
            return watersic.by_frequency(values, frequencies, setting.step)
        return gptq_step.nearest(values, setting.step)
    if setting.quantizer == "gptq_step":
        if parameter.kind == Kind.OTHER:
            return gptq_step.nearest(values.reshape(1, -1), gptq_step.VECTOR_STEP)
        if frequencies is not None:  # unused entries are set to 0: zeros are cheap
            used = (frequencies > 0).to(values.device)
            values = torch.where(used[:, None], values, 0.0)
        return gptq_step.nearest(values, setting.step)
    rotation = rotation_of(parameter, setting)
    if rotation is None:
        return rtn.quantize(values, None, setting.bits, setting.group_size)
    rotated = rotation.matrix(values.double())
    return with_rotation(rtn.quantize(rotated, None, setting.bits, setting.group_size), rotation)
