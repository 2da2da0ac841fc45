"""Bounds as they are printed: rounded up, never to nearest, and parts that add up to them.

A guarantee "at most 2.0994" printed as 2.099 claims more than was proved.  All code that prints an
upper bound, or a gap that ends at one, uses this module.
"""

import math
from collections.abc import Sequence
from decimal import ROUND_CEILING, ROUND_FLOOR, Decimal


def rounded_up(value: float, digits: int = 3) -> float:
    """The smallest number with so many decimals that is not below ``value``; infinity stays.

    A float counts as its shortest decimal, so that 1.272 stays 1.272.
    """
    if not math.isfinite(value):
        return float(value)
    return float(_ceiling(value, digits)) + 0.0  # no negative zero


def upper_text(value: float, digits: int = 3) -> str:
    """``value`` rounded up, as text with so many decimals: ``2.0994`` is ``2.100``."""
    return f"{rounded_up(value, digits):.{digits}f}"


def parts_text(parts: Sequence[float], total: float, digits: int = 3) -> list[str]:
    """Parts of an upper bound as text, whose printed sum is ``upper_text(total, digits)``.

    Each part is rounded down or up: those that lose most by rounding down are rounded up (largest
    remainders), as many as needed, so that no part is off by more than a last digit.

    Args:
        parts: finite, at least one; they may be negative.
        total: their sum, up to the rounding of floats.
        digits: decimals.
    """
    unit = Decimal(1).scaleb(-digits)
    exact = [Decimal(repr(float(part))) for part in parts]
    floors = [part.quantize(unit, rounding=ROUND_FLOOR) for part in exact]
    missing = int((_ceiling(total, digits) - sum(floors)) / unit)
    by_loss = sorted(range(len(exact)), key=lambda i: floors[i] - exact[i])
    raised = set(by_loss[: max(0, missing)])
    printed = [
        float(floor + unit) if i in raised else float(floor) for i, floor in enumerate(floors)
    ]
    return [f"{part + 0.0:.{digits}f}" for part in printed]


def _ceiling(value: float, digits: int) -> Decimal:
    return Decimal(repr(float(value))).quantize(Decimal(1).scaleb(-digits), rounding=ROUND_CEILING)
