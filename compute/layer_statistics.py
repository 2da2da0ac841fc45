"""What rounding did to one layer, and what theory expects (section 7)."""

import math
from dataclasses import dataclass

import torch

from compute.layout import Parameter
from compute.quantizers.damping import unit_upper_factor, with_damping
from compute.quantizers.grid import LARGEST_CODE, Grid
from compute.quantizers.ldlq import order_of_columns
from compute.quantizers.ldlq import without_dead_inputs as _repaired
from compute.quantizers.tensors import QuantizedTensor, group_of_columns


@dataclass(frozen=True)
class LayerStatistics:
    """One quantized matrix W_q beside the W it was made of, and the second moment H of its inputs.

    Where W is rotated before it is rounded, incoherence, tr(D) and codes are those of the rotated
    layer; the traces of H and sqrt(H) are the same before and after.

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
        trace_sqrt_h: tr(sqrt(H)).
        incoherence: mu = sqrt(n) * largest entry of H's eigenvectors, between 1 and sqrt(n).
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
    moment: torch.Tensor,
    act_order: bool = False,
) -> LayerStatistics:
    """Statistics of one layer.

    Args:
        weight: W before quantization, shape (rows, columns).
        tensor: W_q.
        moment: H, shape (columns, columns); of an embedding its diagonal, shape (rows,), the
            frequencies of its entries: the layer is then W^T, whose inputs are one-hot.
        act_order: whether columns were rounded by falling diagonal of H, on which D depends.
    """
    device = moment.device  # of the products and factors, whose time grows with columns cubed
    weight, moment = weight.double().cpu(), moment.double().cpu()
    quantized = tensor.dequantize().double()
    rotation = tensor.rotation
    rotated = weight
    if rotation is not None:
        rotated = rotation.matrix(weight if moment.ndim == 1 else _repaired(weight, moment)[0])
    grid = _grid_of(tensor)
    codes = grid.nearest(rotated)
    rounded = (
        grid.tensor(codes.clamp(-LARGEST_CODE, LARGEST_CODE), rotation=rotation)
        .dequantize()
        .double()
    )
    squared_steps = _squared_steps(tensor)  # (rows, columns)
    if moment.ndim == 1:
        losses = [_diagonal_loss(w - weight, moment) for w in (quantized, rounded)]
        predicted = (squared_steps.sum(dim=1) * moment).sum().item() / 12
        predicted_rounding = predicted
        roots, mu = moment.sqrt(), math.sqrt(len(moment))  # eigenvectors are unit vectors
    else:
        losses = [_proxy_loss(w - weight, moment, device) for w in (quantized, rounded)]
        repaired = _repaired(weight, moment)[1]
        if rotation is not None:
            moment, repaired = rotation.hessian(moment), rotation.hessian(repaired)
        roots, mu = _spectrum(moment.to(device))
        # Squared steps of all rows, weighted as the trace weights columns: groups may differ.
        predicted = (
            squared_steps * _expected_loss(moment, repaired, tensor, act_order, device)
        ).sum().item() / 12
        predicted_rounding = (squared_steps * moment.diagonal()).sum().item() / 12
    rms = rotated.square().mean().sqrt().item()
    return LayerStatistics(
        layer=parameter.name,
        kind=parameter.kind.value,
        rows=weight.shape[0],
        columns=weight.shape[1],
        proxy_loss=losses[0],
        rounding_proxy_loss=losses[1],
        predicted_proxy_loss=predicted,
        predicted_rounding_proxy_loss=predicted_rounding,
        trace_h=(moment if moment.ndim == 1 else moment.diagonal()).sum().item(),
        trace_sqrt_h=roots.sum().item(),
        incoherence=mu,
        weight_incoherence=rotated.abs().max().item() / rms if rms else 0.0,
        mean_squared_weight=weight.square().mean().item(),
        weight_entropy_bits=code_entropy_bits(tensor),
        clipped_share=_clipped_share(tensor),
        damping=tensor.damping,
    )


def code_entropy_bits(tensor: QuantizedTensor) -> float:
    """Empirical entropy of the integer codes, bits per weight."""
    _, counts = torch.unique(tensor.codes, return_counts=True)
    shares = counts.double() / counts.sum()
    return max(0.0, -(shares * shares.log2()).sum().item())


def _grid_of(tensor: QuantizedTensor) -> Grid:
    zeros = tensor.scales.double() * 0.0 if tensor.zeros is None else tensor.zeros.double()
    return Grid(tensor.scales, zeros, tensor.bits, tensor.group_size)


def _squared_steps(tensor: QuantizedTensor) -> torch.Tensor:
    group = group_of_columns(tensor.codes.shape[1], tensor.group_size)
    return tensor.scales.double().square()[:, group]


def _expected_loss(
    hessian: torch.Tensor,
    repaired: torch.Tensor,
    tensor: QuantizedTensor,
    act_order: bool,
    device: torch.device,
) -> torch.Tensor:
    """Proxy loss per squared rounding residual of each column, shape (columns,).

    With the damped H' = B diag(d) B^T that was factored, and independent residuals r, the error
    is e = r B^-1, and the mean of e H e^T the sum over k of (B^-1 H B^-T)_kk times the mean of
    r_k^2.  For H = H' that factor is d_k.

    Args:
        hessian: H.
        repaired: H with the moments of dead inputs put in, as it was damped and factored.
        device: to work on; the result is on the CPU.
    """
    hessian, repaired = hessian.to(device), repaired.to(device)
    order = order_of_columns(repaired, act_order)
    ordered = repaired[order][:, order]
    if tensor.damping is None:  # rounded to nearest: what feedback would have reached
        (factor, _), _ = with_damping(lambda share: unit_upper_factor(ordered, share))
    else:
        factor, _ = unit_upper_factor(ordered, tensor.damping)
    inverse = torch.linalg.solve_triangular(
        factor,
        torch.eye(len(factor), dtype=factor.dtype, device=device),
        upper=True,
        unitriangular=True,
    )
    expected = ((inverse @ hessian[order][:, order]) * inverse).sum(dim=1)
    return expected.clamp(min=0.0)[torch.argsort(order)].cpu()


def _spectrum(hessian: torch.Tensor) -> tuple[torch.Tensor, float]:
    """Square roots of the eigenvalues, and mu of the eigenvectors; NaN where LAPACK gives up."""
    try:
        values, vectors = torch.linalg.eigh(hessian)
    except torch.linalg.LinAlgError:
        return torch.tensor([math.nan]), math.nan
    return values.clamp(min=0.0).sqrt().cpu(), math.sqrt(len(hessian)) * vectors.abs().max().item()


def _clipped_share(tensor: QuantizedTensor) -> float:
    if tensor.bits is None:
        return 0.0
    ends = (tensor.codes == 0) | (tensor.codes == 2**tensor.bits - 1)
    return ends.double().mean().item()


def _proxy_loss(error: torch.Tensor, hessian: torch.Tensor, device: torch.device) -> float:
    error, hessian = error.to(device), hessian.to(device)
    return max(0.0, ((error @ hessian) * error).sum().item())


def _diagonal_loss(error: torch.Tensor, frequencies: torch.Tensor) -> float:
    return (error.square().sum(dim=1) * frequencies).sum().item()
