"""Round-to-nearest on a min-max grid per row or group of columns (section 7)."""

import torch

from compute.quantizers.tensors import SCALE_DTYPE, QuantizedTensor

#: Codes are kept in one byte.
MAX_BITS = 8


def quantize(
    weight: torch.Tensor,
    hessian: torch.Tensor | None,
    bits: int,
    group_size: int | None = None,
) -> QuantizedTensor:
    """Round each weight to the nearest of 2**bits equally spaced levels.

    The grid of a row (or group) spans its smallest to largest weight, and always 0, which is
    a level, so that pruned weights stay 0.

    Args:
        weight: shape (rows, columns), float; rows are output channels.
        hessian: unused; rounding to nearest looks at weights alone.
        bits: b, 1 to 8.
        group_size: columns that share a scale; None for whole rows.

    Raises:
        ValueError: ``bits`` or ``group_size`` is out of range.
    """
    if bits is None or not 1 <= bits <= MAX_BITS:
        raise ValueError(f"bits={bits} must lie between 1 and {MAX_BITS}")
    if group_size is not None and group_size < 1:
        raise ValueError(f"group_size={group_size} must be at least 1")
    rows, columns = weight.shape
    width = group_size or columns
    weight = weight.double()
    # Padding the last group with 0 leaves its grid as it is: 0 belongs to every grid.
    padded = torch.nn.functional.pad(weight, (0, -columns % width))
    groups = padded.reshape(rows, -1, width)  # (rows, groups, width)
    low = groups.amin(dim=2).clamp(max=0.0)
    high = groups.amax(dim=2).clamp(min=0.0)  # (rows, groups)
    top = 2**bits - 1
    scales = ((high - low) / top).to(SCALE_DTYPE)
    # A row of zeros (or of numbers below the smallest scale) needs some positive scale.
    scales = torch.where(scales > 0, scales, torch.ones_like(scales))
    step = scales.double()
    zeros = (-low / step).round().clamp(0, top)
    codes = ((groups / step[..., None]).round() + zeros[..., None]).clamp(0, top)
    return QuantizedTensor(
        codes=codes.reshape(rows, -1)[:, :columns].to(torch.uint8).contiguous(),
        scales=scales,
        zeros=zeros.to(torch.uint8),
        bits=bits,
        group_size=group_size,
    )
