"""The result of quantizing a parameter: integer codes on a grid, or the values themselves."""

from collections.abc import Callable, Iterator
from dataclasses import dataclass, replace

import torch

from compute.quantize.quantizers.rotation import Rotation

#: Stored width of a scale: bfloat16 has float32's range.
SCALE_DTYPE = torch.bfloat16

#: Entries of a matrix that are processed at once, about: each takes tens of bytes in between, and
#: an output layer has as many rows as there are tokens.
ROW_ENTRIES = 2**21

#: The same on a GPU: 2 GiB of float64.
GPU_ENTRIES = 2**28


@dataclass(frozen=True)
class QuantizedTensor:
    """A matrix as integer codes: value = scale * (code - zero), rotated back if it was rotated.

    Rows are output channels.  A vector is a matrix of one row.

    Attributes:
        codes: shape (rows, columns); uint8 in [0, 2**bits) on a clipped grid, int16 on an
            unclipped one.
        scales: shape (rows, groups), bfloat16, positive: rounded to their stored width
            *before* the codes were computed.
        zeros: shape (rows, groups), uint8, in [0, 2**bits): the code of the value 0; None on
            an unclipped grid, where it is 0.
        bits: b; None on an unclipped grid.
        group_size: columns that share a scale; None for whole rows.
        column_steps: shape (columns,), int8, of an unclipped grid: the scales of a column are
            multiplied by 2^(n/4); None where all columns have the scale of the row.
        rotation: of the matrix before it was rounded, or None.
        damping: share of its mean that was added to the Hessian's diagonal, or None if no
            Hessian was factored.  It records how the codes were found; no decoder needs it.
    """

    codes: torch.Tensor
    scales: torch.Tensor
    zeros: torch.Tensor | None
    bits: int | None
    group_size: int | None
    column_steps: torch.Tensor | None = None
    rotation: Rotation | None = None
    damping: float | None = None

    def grid_values(self) -> torch.Tensor:
        """The values on the grid, before any rotation back; shape (rows, columns), float32."""
        columns, values = self.codes.shape[1], torch.empty(self.codes.shape, dtype=torch.float32)
        for part in row_chunks(*self.codes.shape):
            steps = self.codes[part].float()
            if self.zeros is not None:
                steps -= to_columns(self.zeros[part].float(), columns, self.group_size)
            scales = to_columns(self.scales[part].float(), columns, self.group_size)
            torch.mul(scales, steps, out=values[part])
        if self.column_steps is not None:
            values *= column_factors(self.column_steps).float()
        return values

    def rows(self, part: slice) -> "QuantizedTensor":
        """Some of its rows, as a matrix that was not rotated."""
        zeros = None if self.zeros is None else self.zeros[part]
        return replace(self, codes=self.codes[part], scales=self.scales[part], zeros=zeros)

    def dequantize(self) -> torch.Tensor:
        """The values that the decoded model has, shape (rows, columns), float32."""
        values = self.grid_values()
        if self.rotation is None:
            return values
        return self.rotation.inverse(values.double()).float()


@dataclass(frozen=True)
class RawTensor:
    """A parameter that is not quantized, in its stored dtype."""

    values: torch.Tensor

    def dequantize(self) -> torch.Tensor:
        """The values, same shape, float32."""
        return self.values.float()


StoredTensor = QuantizedTensor | RawTensor

#: 2^(k/4) for k = 0 ... 3, rounded once, so that every machine multiplies by the same numbers.
_QUARTER_OCTAVES = torch.tensor(
    [1.0, 1.189207115002721, 1.4142135623730951, 1.681792830507429], dtype=torch.float64
)


def column_factors(steps: torch.Tensor) -> torch.Tensor:
    """2^(n/4) of each n, float64, same shape."""
    octaves = torch.div(steps.int(), 4, rounding_mode="floor")
    quarters = _QUARTER_OCTAVES.to(steps.device)[(steps.int() - 4 * octaves).long()]
    return torch.ldexp(quarters, octaves)


def group_count(columns: int, group_size: int | None) -> int:
    """Groups that the columns of a row fall into; the last may be smaller."""
    return -(-columns // min(group_size or columns, columns))


def group_of_columns(columns: int, group_size: int | None) -> torch.Tensor:
    """Group of each column, shape (columns,)."""
    return torch.arange(columns) // min(group_size or columns, columns)


def to_columns(of_groups: torch.Tensor, columns: int, group_size: int | None) -> torch.Tensor:
    """Numbers of groups, shape (rows, groups), for every column, shape (rows, columns).

    Do not write to it: those of whole rows are not copied.
    """
    if of_groups.shape[1] == 1:
        return of_groups.expand(-1, columns)
    return of_groups[:, group_of_columns(columns, group_size).to(of_groups.device)]


def with_rotation(tensor: QuantizedTensor, rotation: Rotation) -> QuantizedTensor:
    """The same codes, to be rotated back when they are decoded."""
    return replace(tensor, rotation=rotation)


def row_chunks(rows: int, columns: int, least: int = 1) -> Iterator[slice]:
    """Ranges of rows of a matrix that are worked on at once, each of at least so many."""
    step = max(least, ROW_ENTRIES // columns)
    return (slice(start, start + step) for start in range(0, rows, step))


def by_rows(
    weight: torch.Tensor, quantize: Callable[[torch.Tensor], QuantizedTensor], least: int = 1
) -> QuantizedTensor:
    """``quantize`` for a few rows at a time: no row depends on another.

    Args:
        weight: shape (rows, columns).
        quantize: of a matrix with some of the rows.
        least: rows at a time, if there are so many.
    """
    if weight.is_cuda:  # a few rows take as long as many
        least = max(least, GPU_ENTRIES // weight.shape[1])
    parts = [quantize(weight[part]) for part in row_chunks(*weight.shape, least)]
    if len(parts) == 1:
        return parts[0]
    return replace(
        parts[0],
        codes=torch.cat([part.codes for part in parts]),
        scales=torch.cat([part.scales for part in parts]),
        zeros=None if parts[0].zeros is None else torch.cat([part.zeros for part in parts]),
    )


def all_finite(values: torch.Tensor) -> bool:
    """Whether no value is NaN or infinite: then the sum is finite, unless it overflows."""
    return bool(torch.isfinite(values.sum())) or bool(torch.isfinite(values).all())
