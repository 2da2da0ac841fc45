"""Round-to-nearest on a min-max grid per row or group of columns (section 7)."""

import torch

from compute.quantize.quantizers.grid import min_max_grid
from compute.quantize.quantizers.tensors import QuantizedTensor, by_rows


def quantize(
    weight: torch.Tensor,
    hessian: torch.Tensor | None,
    bits: int,
    group_size: int | None = None,
) -> QuantizedTensor:
    """Round each weight to the nearest of 2**bits equally spaced levels.

    Args:
        weight: shape (rows, columns), float; rows are output channels.
        hessian: unused; rounding to nearest looks at weights alone.
        bits: b, 1 to 8.
        group_size: columns that share a scale; None for whole rows.

    Raises:
        ValueError: ``bits`` or ``group_size`` is out of range.
    """

    def rounded(rows: torch.Tensor) -> QuantizedTensor:
        grid = min_max_grid(rows, bits, group_size)
        return grid.tensor(grid.nearest(rows.double()))

    return by_rows(weight, rounded)
