"""The effect of rounding on one layer, and its theoretical expectation (section 7)."""

from collections.abc import Iterator
from dataclasses import dataclass, replace

import numpy as np
import torch

from compute.models.layout import Parameter
from compute.quantize.input_moment import InputMoment, Spectrum, identity_spectrum
from compute.quantize.quantizers.grid import LARGEST_CODE, Grid
from compute.quantize.quantizers.ldlq import without_inputs
from compute.quantize.quantizers.tensors import QuantizedTensor, row_chunks


@dataclass(frozen=True)
class LayerStatistics:
    """One quantized matrix W_q beside the W it was made of, and the second moment H of its inputs.

    Where W is rotated before it is rounded, incoherence, tr(D) and codes are those of the rotated
    layer; the traces of H and sqrt(H) are the same before and after.  tr(sqrt(H)) and the
    incoherence of H may be those of another H, such as that of the trained model.

    Attributes:
        layer: name of the parameter.
        kind: ``linear`` or ``embedding``.
        rows, columns: outputs and inputs; of an embedding its entries and its width.
        proxy_loss: tr((W_q-W) H (W_q-W)^T): mean squared error of the layer's output, summed
            over outputs.
        rounding_proxy_loss: the same for rounding to nearest on the same grid.
        predicted_proxy_loss: sum over rows of step^2/12, times tr(D): what error feedback is
            expected to reach on an unclipped grid.  D is the factor of the damped H that was
            used, and what the damping adds to the loss is taken off again.
        predicted_rounding_proxy_loss: the same with tr(H): what rounding to nearest is.
        trace_h: tr(H).
        trace_sqrt_h: tr(sqrt(H)); NaN where it was not computed.
        incoherence: mu = sqrt(n) * largest entry of H's eigenvectors, between 1 and sqrt(n); NaN
            where they were not computed.
        weight_incoherence: largest weight over root mean square weight.
        mean_squared_weight: of W.
        weight_entropy_bits: empirical entropy of the codes of one weight.
        clipped_share: share of codes at either end of a clipped grid; 0 on an unclipped one.
        damping: share of the mean that was added to H's diagonal; None where H was not factored.
    """

    layer: str
    kind: str
    rows: int
    columns: int
    proxy_loss: float
    rounding_proxy_loss: float
    predicted_proxy_loss: float
    predicted_rounding_proxy_loss: float
    trace_h: float
    trace_sqrt_h: float
    incoherence: float
    weight_incoherence: float
    mean_squared_weight: float
    weight_entropy_bits: float
    clipped_share: float
    damping: float | None


def layer_statistics(
    parameter: Parameter,
    weight: torch.Tensor,
    tensor: QuantizedTensor,
    moment: torch.Tensor | InputMoment,
    act_order: bool = False,
    spectrum: Spectrum | None = None,
) -> LayerStatistics:
    """Statistics of one layer.

    Args:
        weight: W before quantization, shape (rows, columns).
        tensor: W_q.
        moment: H, shape (columns, columns), which layers with the same inputs may share; of an
            embedding its diagonal, shape (rows,), the frequencies of its entries: the layer is
            then W^T, whose inputs are one-hot.
        act_order: whether columns were rounded by falling diagonal of H, on which D depends.
        spectrum: of H, if it is known.
    """
    if isinstance(moment, torch.Tensor) and moment.ndim == 2:
        moment = InputMoment(moment)
    if isinstance(moment, InputMoment):
        inputs, rotated = moment, moment.rotated(tensor.rotation)
        diagonal = rotated.hessian.diagonal().cpu()
        if spectrum is None:
            spectrum = rotated.spectrum()
        elif rotated is not inputs:  # its eigenvectors are its own
            spectrum = replace(spectrum, incoherence=rotated.incoherence_if_small())
        expected = rotated.expected_losses(tensor.damping, act_order)
    else:
        inputs, diagonal = None, moment.double().cpu()
        spectrum, expected = identity_spectrum(diagonal), None
    sums = torch.zeros(6, dtype=torch.float64)
    largest = 0.0
    for part in _parts(weight, tensor, inputs):
        losses = part.losses(inputs, diagonal)
        steps = part.squared_steps
        # Squared steps of all rows, weighted as the trace weights columns: groups may differ.
        if inputs is not None:
            predicted = (steps * expected).sum(), (steps * diagonal).sum()
        else:
            predicted = ((steps.sum(dim=1) * diagonal[part.place]).sum(),) * 2
        squares = part.rotated.square().sum(), part.weight.square().sum()
        sums += torch.stack([*losses, *predicted, *squares]).cpu()
        largest = max(largest, part.rotated.abs().max().item())
    size = weight.numel()
    proxy, rounding, predicted, predicted_rounding, rotated_squares, squares = sums.tolist()
    rms = (rotated_squares / size) ** 0.5
    counts = _code_counts(tensor)
    return LayerStatistics(
        layer=parameter.name,
        kind=parameter.kind.value,
        rows=weight.shape[0],
        columns=weight.shape[1],
        proxy_loss=proxy,
        rounding_proxy_loss=rounding,
        predicted_proxy_loss=predicted / 12,
        predicted_rounding_proxy_loss=predicted_rounding / 12,
        trace_h=diagonal.sum().item(),
        trace_sqrt_h=spectrum.trace_sqrt,
        incoherence=spectrum.incoherence,
        weight_incoherence=largest / rms if rms else 0.0,
        mean_squared_weight=squares / size,
        weight_entropy_bits=_entropy_bits(counts),
        clipped_share=_clipped_share(tensor, counts),
        damping=tensor.damping,
    )


@dataclass(frozen=True)
class _Part:
    """Some rows of a layer, in float64.

    Attributes:
        place: which rows.
        weight: W.
        rotated: W as it was rounded: rotated, where it was.
        quantized: W_q, rotated back.
        rounded: the same of rounding to nearest on the same grid.
        squared_steps: of each weight.
    """

    place: slice
    weight: torch.Tensor
    rotated: torch.Tensor
    quantized: torch.Tensor
    rounded: torch.Tensor
    squared_steps: torch.Tensor

    def losses(
        self, inputs: InputMoment | None, frequencies: torch.Tensor
    ) -> tuple[torch.Tensor, torch.Tensor]:
        """Proxy losses of W_q and of rounding to nearest.

        Args:
            inputs: of a linear layer.
            frequencies: of an embedding, of all its entries.
        """
        errors = [values - self.weight for values in (self.quantized, self.rounded)]
        if torch.equal(self.quantized, self.rounded):  # a product of matrices less
            del errors[1]
        if inputs is not None:
            losses = [inputs.proxy_loss(error) for error in errors]
        else:
            seen = frequencies[self.place]
            losses = [(error.square().sum(dim=1) * seen).sum() for error in errors]
        return losses[0], losses[-1]


def _parts(
    weight: torch.Tensor, tensor: QuantizedTensor, inputs: InputMoment | None
) -> Iterator[_Part]:
    """The layer, a few rows at a time; as a whole if its rows are mixed."""
    rotation = tensor.rotation
    mixed = rotation is not None and rotation.rows
    for place in [slice(0, len(weight))] if mixed else row_chunks(*weight.shape):
        piece, original = tensor.rows(place), weight[place].double().cpu()
        rotated = original
        if rotation is not None:
            used = original if inputs is None else without_inputs(original, inputs.dead.cpu())
            rotated = rotation.matrix(used)
        grid = _grid_of(piece)
        codes = grid.nearest(rotated).clamp(-LARGEST_CODE, LARGEST_CODE)
        yield _Part(
            place,
            original,
            rotated,
            piece.dequantize().double(),
            grid.tensor(codes, rotation=rotation).dequantize().double(),
            _squared_steps(piece),
        )


def _grid_of(tensor: QuantizedTensor) -> Grid:
    zeros = tensor.scales.double() * 0.0 if tensor.zeros is None else tensor.zeros.double()
    return Grid(tensor.scales, zeros, tensor.bits, tensor.group_size, tensor.column_steps)


def _squared_steps(tensor: QuantizedTensor) -> torch.Tensor:
    return _grid_of(tensor).per_column(tensor.codes.shape[1])[0].square()


def _code_counts(tensor: QuantizedTensor) -> np.ndarray:
    """How often each code occurs, from the smallest that can be stored to the largest."""
    low = 0 if tensor.bits is not None else -LARGEST_CODE - 1
    counts = np.zeros(-2 * low if low else 2**tensor.bits, dtype=np.int64)
    for part in row_chunks(*tensor.codes.shape):
        places = tensor.codes[part].numpy().astype(np.int32).ravel() - low
        counts += np.bincount(places, minlength=len(counts))
    return counts


def _entropy_bits(counts: np.ndarray) -> float:
    shares = torch.from_numpy(counts[counts > 0]).double() / counts.sum()
    return max(0.0, -(shares * shares.log2()).sum().item())


def _clipped_share(tensor: QuantizedTensor, counts: np.ndarray) -> float:
    if tensor.bits is None:
        return 0.0
    return float((counts[0] + counts[-1]) / counts.sum())
