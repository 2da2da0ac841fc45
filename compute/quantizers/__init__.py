"""Quantizers, one file each, behind one small interface.

A quantizer is a function ``quantize(weight, hessian, bits, group_size=None) ->
QuantizedTensor`` of one matrix whose rows are output channels.
"""

from collections.abc import Callable

import torch

from compute.quantizers import rtn
from compute.quantizers.tensors import QuantizedTensor, RawTensor, StoredTensor
from compute.setting import Setting

__all__ = ["QuantizedTensor", "RawTensor", "StoredTensor", "quantize_parameters"]

_MATRIX_QUANTIZERS: dict[str, Callable[..., QuantizedTensor]] = {"rtn": rtn.quantize}

#: Tensors a setting does not quantize keep this dtype in the stored model.
_RAW_DTYPES = {"none": torch.float32}


def raw_dtype(setting: Setting) -> torch.dtype:
    """Stored dtype of what ``setting`` leaves unquantized: float32 for none, else bfloat16."""
    return _RAW_DTYPES.get(setting.quantizer, torch.bfloat16)


def is_quantized(setting: Setting, shape: tuple[int, ...]) -> bool:
    """Whether ``setting`` turns a parameter of this shape into integer codes.

    Matrices (embeddings and head included) are; norms and biases stay as they are.
    """
    return setting.quantizer in _MATRIX_QUANTIZERS and len(shape) == 2


def quantize_parameters(
    parameters: dict[str, torch.Tensor], setting: Setting
) -> dict[str, StoredTensor]:
    """Every parameter of a model as it will be stored, by name, in the same order.

    Raises:
        ValueError: no such quantizer here, or a parameter holds a value that is not finite.
    """
    if setting.quantizer not in (*_MATRIX_QUANTIZERS, "none", "cast"):
        raise ValueError(f"the quantizer {setting.quantizer!r} is not implemented")
    stored: dict[str, StoredTensor] = {}
    for name, parameter in parameters.items():
        if not torch.isfinite(parameter).all():
            raise ValueError(f"the parameter {name} holds values that are not finite")
        if is_quantized(setting, tuple(parameter.shape)):
            quantize = _MATRIX_QUANTIZERS[setting.quantizer]
            stored[name] = quantize(parameter, None, setting.bits, setting.group_size)
        else:
            stored[name] = RawTensor(parameter.to(raw_dtype(setting)))
    return stored
