"""Grids that weights are rounded to: clipped min-max grids and unclipped ones (section 7)."""

from dataclasses import dataclass

import torch

from compute.quantize.quantizers.tensors import (
    SCALE_DTYPE,
    QuantizedTensor,
    column_factors,
    to_columns,
)

#: Codes of a clipped grid are stored in one byte.
MAX_BITS = 8

#: Codes of an unclipped grid are stored in two.
LARGEST_CODE = 2**15 - 1

#: Rows that are smaller count as zero.
_SMALLEST = torch.finfo(SCALE_DTYPE).tiny

#: Scales of unclipped grids are steps of this many per octave, so that they code in few bits.
SCALES_PER_OCTAVE = 4


@dataclass(frozen=True)
class Grid:
    """Levels scale * (code - zero) for each row and group of columns.

    Attributes:
        scales: shape (rows, groups), bfloat16, positive.
        zeros: shape (rows, groups), float64 integers.
        bits: b of a clipped grid with codes 0 ... 2**b - 1; None where any code will do.
        group_size: columns that share a scale; None for whole rows.
        column_steps: of an unclipped grid, as in ``QuantizedTensor``.
    """

    scales: torch.Tensor
    zeros: torch.Tensor
    bits: int | None
    group_size: int | None
    column_steps: torch.Tensor | None = None

    def per_column(self, columns: int) -> tuple[torch.Tensor, torch.Tensor]:
        """Scale and zero of every entry of a matrix this wide, each (rows, columns), float64."""
        of_groups = (self.scales.double(), self.zeros)
        scales, zeros = (to_columns(numbers, columns, self.group_size) for numbers in of_groups)
        if self.column_steps is not None:
            scales = scales * column_factors(self.column_steps)
        return scales, zeros

    def codes(
        self, values: torch.Tensor, scales: torch.Tensor, zeros: torch.Tensor
    ) -> torch.Tensor:
        """Nearest codes, float64, shapes as broadcast."""
        codes = (values / scales).round_() + zeros
        return codes if self.bits is None else codes.clamp_(0, 2**self.bits - 1)

    def nearest(self, weight: torch.Tensor) -> torch.Tensor:
        """Codes of every weight separately, (rows, columns), float64."""
        return self.codes(weight, *self.per_column(weight.shape[1]))

    def tensor(self, codes: torch.Tensor, **extra: object) -> QuantizedTensor:
        """The matrix with these codes.

        Raises:
            ValueError: a code of an unclipped grid does not fit into two bytes.
        """
        if self.bits is None and codes.abs().max() > LARGEST_CODE:
            raise ValueError(
                f"a weight is {codes.abs().max():.0f} steps from 0, and at most {LARGEST_CODE} "
                "can be stored; choose a larger step"
            )
        clipped = self.bits is not None
        return QuantizedTensor(
            codes=codes.to(torch.uint8 if clipped else torch.int16).cpu().contiguous(),
            scales=self.scales.cpu(),
            zeros=self.zeros.to(torch.uint8).cpu() if clipped else None,
            bits=self.bits,
            group_size=self.group_size,
            column_steps=None if self.column_steps is None else self.column_steps.cpu(),
            **extra,
        )


def min_max_grid(weight: torch.Tensor, bits: int, group_size: int | None = None) -> Grid:
    """2**bits equally spaced levels from the smallest to the largest weight of a row or group.

    0 is always inside and is a level, so that pruned weights stay 0.

    Args:
        weight: shape (rows, columns).
        bits: b, 1 to 8.
        group_size: columns that share a scale; None for whole rows.

    Raises:
        ValueError: ``bits`` or ``group_size`` is out of range.
    """
    if bits is None or not 1 <= bits <= MAX_BITS:
        raise ValueError(f"bits={bits} must be between 1 and {MAX_BITS}")
    if group_size is not None and group_size < 1:
        raise ValueError(f"group_size={group_size} must be at least 1")
    rows, columns = weight.shape
    width = min(group_size or columns, columns)
    # Padding the last group with 0 does not change its grid: 0 belongs to every grid.
    padded = torch.nn.functional.pad(weight.double(), (0, -columns % width))
    groups = padded.reshape(rows, -1, width)  # (rows, groups, width)
    low = groups.amin(dim=2).clamp(max=0.0)
    high = groups.amax(dim=2).clamp(min=0.0)  # (rows, groups)
    top = 2**bits - 1
    scales = _positive(((high - low) / top).to(SCALE_DTYPE))
    zeros = (-low / scales.double()).round().clamp(0, top)
    return Grid(scales, zeros, bits, group_size)


def unclipped_grid(
    weight: torch.Tensor, step: float, column_steps: torch.Tensor | None = None
) -> Grid:
    """All multiples of a step that is ``step`` times the row's root mean square.

    With ``column_steps`` the root mean square is of the row divided by the columns' factors.

    The root mean square is first rounded to a quarter octave: the exact step has almost no
    effect on the error, and a scale then codes in 2 or 3 bits instead of 16.

    Raises:
        ValueError: ``step`` is not positive, or a scale would overflow or vanish.
    """
    if step is None or not step > 0.0:
        raise ValueError(f"step={step} must be positive")
    weight = weight.double()
    if column_steps is not None:
        weight = weight / column_factors(column_steps)
    rms = weight.square().mean(dim=1, keepdim=True).sqrt()  # (rows, 1)
    return Grid(coded_scales(rms, step), torch.zeros_like(rms), None, None, column_steps)


def coded_scales(sizes: torch.Tensor, step: float) -> torch.Tensor:
    """``step`` times each size, the size rounded to a quarter octave; bfloat16, same shape.

    Raises:
        ValueError: a scale would overflow or vanish.
    """
    octaves = (sizes.log2() * SCALES_PER_OCTAVE).round() / SCALES_PER_OCTAVE
    scales = (step * torch.exp2(octaves)).to(SCALE_DTYPE)
    if not torch.isfinite(scales).all() or ((scales == 0) & (sizes > _SMALLEST)).any():
        raise ValueError(f"step={step} puts a scale outside of the range of {SCALE_DTYPE}")
    return _positive(scales)


def _positive(scales: torch.Tensor) -> torch.Tensor:
    """A row of zeros (or of numbers below the smallest scale) needs some positive scale."""
    return torch.where(scales > 0, scales, torch.ones_like(scales))
