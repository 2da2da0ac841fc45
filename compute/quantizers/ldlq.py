"""LDLQ: rounding with error feedback through a factor of the layer Hessian (Chee et al. 2023).

With H = B diag(d) B^T, B upper triangular with ones on its diagonal, the proxy loss of a row's
error e is  e H e^T = sum over k of d_k * (e_k + sum over j < k of e_j B_jk)^2.  Columns are
rounded in order; each first takes over what the errors before it have done to its bracket, so
only the rounding error of the column itself is left in it.  GPTQ (Frantar et al. 2023) does the
same through the inverse of H.
"""

import torch

from compute.quantizers.damping import unit_upper_factor, with_damping
from compute.quantizers.grid import Grid, min_max_grid
from compute.quantizers.tensors import QuantizedTensor, group_of_columns

#: Columns handled one by one; wider ranges are split in halves, so that most of the feedback
#: is matrix products.
NARROW = 16


def quantize(
    weight: torch.Tensor,
    hessian: torch.Tensor,
    bits: int,
    group_size: int | None = None,
) -> QuantizedTensor:
    """LDLQ on the clipped grid that rounding to nearest uses.

    Args:
        weight: shape (rows, columns), float; rows are output channels.
        hessian: second moment of the layer's inputs, shape (columns, columns).
        bits: b, 1 to 8.
        group_size: columns that share a scale; None for whole rows.

    Raises:
        ValueError: ``bits`` or ``group_size`` is out of range, or no damping makes the Hessian
            positive definite.
    """
    weight, hessian = without_dead_inputs(weight, hessian)
    return round_with_feedback(weight, hessian, min_max_grid(weight, bits, group_size))


def without_dead_inputs(
    weight: torch.Tensor, hessian: torch.Tensor
) -> tuple[torch.Tensor, torch.Tensor]:
    """float64 copies in which inputs that are always 0 have weight 0 and the mean moment of the
    others, which leaves the damping as it would be without them."""
    weight, hessian = weight.double().clone(), hessian.double().clone()
    diagonal = hessian.diagonal()
    dead = diagonal == 0
    weight[:, dead] = 0.0
    diagonal[dead] = diagonal[~dead].mean() if (~dead).any() else 1.0
    return weight, hessian


def order_of_columns(hessian: torch.Tensor, act_order: bool) -> torch.Tensor:
    """Order in which columns are rounded: as they lie, or by falling diagonal of the Hessian
    (GPTQ's act-order): the inputs that matter most first, while all others can still make up for
    their errors.  No decoder needs to know it."""
    diagonal = hessian.diagonal()
    if act_order:
        return torch.argsort(diagonal, descending=True, stable=True)
    return torch.arange(len(diagonal), device=diagonal.device)


def round_with_feedback(
    weight: torch.Tensor, hessian: torch.Tensor, grid: Grid, act_order: bool = False
) -> QuantizedTensor:
    """Codes of ``weight`` on ``grid`` by LDLQ; more damping where the factor needs it.

    Args:
        weight: shape (rows, columns), float64.
        hessian: shape (columns, columns), float64, no zero on the diagonal.
        act_order: see ``order_of_columns``.
    """
    columns = weight.shape[1]
    order = order_of_columns(hessian, act_order)
    if act_order:
        weight, hessian = weight[:, order], hessian[order][:, order]
    (factor, _), damping = with_damping(lambda share: unit_upper_factor(hessian, share))
    groups = group_of_columns(columns, grid.group_size)[order.cpu()].tolist()
    scales, zeros = grid.scales.double().T.contiguous(), grid.zeros.T.contiguous()
    # Columns become rows of contiguous memory: they are read and written one by one.  Row k
    # holds the weights and the feedback on them until column k is rounded, then its error.
    work = weight.T.clone(memory_format=torch.contiguous_format)
    codes = torch.empty_like(work, dtype=torch.float32)

    def round_range(start: int, stop: int) -> None:
        """Round columns that hold the feedback of all columns before ``start``."""
        if stop - start > NARROW:
            middle = (start + stop) // 2
            round_range(start, middle)
            work[middle:stop] += factor[start:middle, middle:stop].T @ work[start:middle]
            round_range(middle, stop)
            return
        for k in range(start, stop):
            work[k] += factor[start:k, k] @ work[start:k]
            scale, zero = scales[groups[k]], zeros[groups[k]]
            rounded = grid.codes(work[k], scale, zero)
            codes[k] = rounded
            work[k] = weight[:, k] - scale * (rounded - zero)

    round_range(0, columns)
    if act_order:
        codes = codes[torch.argsort(order)]
    return grid.tensor(codes.T, damping=damping)
