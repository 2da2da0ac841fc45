"""Grid-step GPTQ: error feedback onto an unclipped grid, for entropy coding (section 7).

A clipped grid spends b bits on every weight, in the middle or in the tail.  On
an unclipped grid of one step per row, an entropy coder spends few bits on the frequent small
codes and more on the rare large ones; at high rate that is within 0.25 bits per weight of the
best that any quantizer can do (Gish & Pierce 1968).
"""

import torch

from compute.quantize.quantizers.grid import unclipped_grid
from compute.quantize.quantizers.ldlq import round_with_feedback
from compute.quantize.quantizers.tensors import QuantizedTensor, by_rows

#: Step of vectors (norms and biases) in units of their root mean square.  They are about one
#: parameter in a hundred, and much depends on each.
VECTOR_STEP = 1 / 32


def quantize(weight: torch.Tensor, hessian: torch.Tensor, step: float) -> QuantizedTensor:
    """LDLQ in act-order onto multiples of ``step`` times the row's root mean square.

    Args:
        weight: shape (rows, columns), float; rows are output channels.
        hessian: second moment of the layer's inputs, shape (columns, columns).
        step: in units of the row's root mean square.

    Raises:
        ValueError: ``step`` is not positive or so small that codes overflow, or no damping
            makes the Hessian positive definite.
    """
    return round_with_feedback(
        weight, hessian, lambda rows, _: unclipped_grid(rows, step), act_order=True
    )


def nearest(weight: torch.Tensor, step: float) -> QuantizedTensor:
    """Nearest multiples of ``step`` times the row's root mean square, without error feedback.

    For parameters without inputs, or with inputs that have a diagonal second moment.
    """

    def rounded(rows: torch.Tensor) -> QuantizedTensor:
        grid = unclipped_grid(rows, step)
        return grid.tensor(grid.nearest(rows.double()))

    return by_rows(weight, rounded)
