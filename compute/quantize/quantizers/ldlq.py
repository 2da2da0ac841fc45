"""LDLQ: rounding with error feedback through a factor of the layer Hessian (Chee et al. 2023).

With H = B diag(d) B^T, B upper triangular with ones on its diagonal, the proxy loss of a row's
error e is  e H e^T = sum over k of d_k * (e_k + sum over j < k of e_j B_jk)^2.  Columns are
rounded in order; each first compensates the effect of earlier errors on its bracket, so
only its own rounding error remains in it.  GPTQ (Frantar et al. 2023) does the
same through the inverse of H.
"""

from collections.abc import Callable

import torch

from compute.quantize.quantizers.damping import unit_upper_factor, with_damping
from compute.quantize.quantizers.grid import Grid, min_max_grid
from compute.quantize.quantizers.tensors import (
    QuantizedTensor,
    by_rows,
    column_factors,
    group_of_columns,
)

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
    return round_with_feedback(
        weight, hessian, lambda rows, _: min_max_grid(rows, bits, group_size)
    )


def repaired_moment(hessian: torch.Tensor) -> tuple[torch.Tensor, torch.Tensor]:
    """float64 copy with the mean moment for inputs that are always 0, and a mask of these inputs.

    The damping is as it would be without them. The mask has shape (columns,).
    """
    hessian = hessian.double().clone()
    diagonal = hessian.diagonal()
    dead = diagonal == 0
    diagonal[dead] = diagonal[~dead].mean() if (~dead).any() else 1.0
    return hessian, dead


def without_inputs(weight: torch.Tensor, dead: torch.Tensor) -> torch.Tensor:
    """float64 copy in which inputs that are always 0 have weight 0."""
    weight = weight.to(torch.float64, copy=True)
    weight[:, dead] = 0.0
    return weight


def order_of_columns(hessian: torch.Tensor, act_order: bool) -> torch.Tensor:
    """Order in which columns are rounded: unchanged, or by falling diagonal of the Hessian.

    The latter is GPTQ's act-order: the most important inputs first, while all others can still
    compensate their errors.  No decoder needs to know it.
    """
    diagonal = hessian.diagonal()
    if act_order:
        return torch.argsort(diagonal, descending=True, stable=True)
    return torch.arange(len(diagonal), device=diagonal.device)


def round_with_feedback(
    weight: torch.Tensor,
    hessian: torch.Tensor,
    grid_of: Callable[[torch.Tensor, torch.Tensor], Grid],
    act_order: bool = False,
) -> QuantizedTensor:
    """Codes of ``weight`` on a grid by LDLQ; more damping if the factor needs it.

    Args:
        weight: shape (rows, columns).
        hessian: shape (columns, columns).
        grid_of: grid of some of the rows, in float64, and of d, the weight of each column's own
            rounding error in the proxy loss, shape (columns,).
        act_order: see ``order_of_columns``.
    """
    hessian, dead = repaired_moment(hessian)
    order = order_of_columns(hessian, act_order)
    if act_order:
        hessian = hessian[order][:, order]
    (factor, ordered), damping = with_damping(lambda share: unit_upper_factor(hessian, share))
    losses = torch.empty_like(ordered)
    losses[order] = ordered
    if dead.any() and not dead.all():  # nothing is lost there: they take the mean of the others
        losses[dead] = losses[~dead].log().mean().exp()

    def rounded(rows: torch.Tensor) -> QuantizedTensor:
        rows = without_inputs(rows, dead)
        grid = grid_of(rows, losses)
        codes = _feedback_codes(rows, factor, grid, order if act_order else None)
        return grid.tensor(codes, damping=damping)

    # Some rows as wide as all columns take no more memory than the Hessian does.
    return by_rows(weight, rounded, least=weight.shape[1])


def _feedback_codes(
    weight: torch.Tensor, factor: torch.Tensor, grid: Grid, order: torch.Tensor | None
) -> torch.Tensor:
    """Codes of some rows, shape (rows, columns).

    Args:
        weight: float64, with columns in their original order.
        factor: B, with columns in the order of rounding.
        grid: of these rows.
        order: in which columns are rounded; None for the original order.
    """
    columns = weight.shape[1]
    group = group_of_columns(columns, grid.group_size)
    wider = torch.ones(columns, dtype=torch.float64, device=weight.device)
    if grid.column_steps is not None:
        wider = column_factors(grid.column_steps)
    if order is not None:
        weight, group, wider = weight[:, order], group[order.cpu()], wider[order]
    groups, wider = group.tolist(), wider.tolist()
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
            scale, zero = scales[groups[k]] * wider[k], zeros[groups[k]]
            rounded = grid.codes(work[k], scale, zero)
            codes[k] = rounded
            work[k] = weight[:, k] - scale * (rounded - zero)

    round_range(0, columns)
    if order is not None:
        codes = codes[torch.argsort(order)]
    return codes.T
