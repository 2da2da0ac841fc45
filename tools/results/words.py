"""Text that follows from numbers, as far as an interval allows."""

import math
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from enum import Enum

from bounds import PowerLaw
from bounds.printed import rounded_up
from dashboard.analysis.laws.fits import Law, Unfitted
from dashboard.views.overview.trends import Trend, trend

#: Standard errors from which two measurements count as different.
CLEAR = 2.0


class Verdict(Enum):
    """The result of comparing a finding of the paper with the measurements here."""

    AGREES = "Agrees with the paper"
    DIFFERS = "Does not agree"
    OPEN = "Undetermined here"


@dataclass(frozen=True)
class Finding:
    """One statement of the paper compared with this ladder.

    Attributes:
        verdict: the result.
        text: the statement and the measurement, whole sentences.
        short: what failed or stays open, for the section of limits; empty for a
            finding that agrees.
    """

    verdict: Verdict
    text: str
    short: str = ""


def trend_words(law: Law) -> str:
    """``falls with size, as N^-0.21 (95 % interval -0.25 to -0.17)``, as far as that holds."""
    found = trend(law)
    if isinstance(law, Unfitted):
        return f"{found.value} ({law.reason})"
    power = f"$N^{{{_plain(-law.exponent)}}}$ ({interval_words(law)})"
    if found is Trend.FLAT:
        return f"{found.value}: {power}"
    return f"{found.value} with size, as {power}"


def interval_words(law: PowerLaw) -> str:
    """The interval of the exponent of N: ``95 %: -0.25 to -0.17``."""
    low, high = law.exponent_interval
    return f"{law.level:.0%} interval {number(-high, 2)} to {number(-low, 2)}".replace("%", " %")


def expected(direction: Trend, law: Law, paper: str, what: str) -> Finding:
    """What the paper finds to fall (or rise), held against a law.

    Args:
        direction: ``FALLS`` or ``RISES``.
        paper: what the paper finds, a sentence.
        what: the quantity, as a sentence about it begins.
    """
    found = trend(law)
    text = f"{paper} Here {what} {trend_words(law)}."
    if found is direction:
        return Finding(Verdict.AGREES, text)
    short = f"{what} {trend_words(law)}"
    opposite = found in (Trend.FALLS, Trend.RISES)
    return Finding(Verdict.DIFFERS if opposite else Verdict.OPEN, text, short)


def compared(difference: float, error: float) -> str:
    """``higher``, ``lower``, or that two standard errors do not distinguish them."""
    if not error >= 0:
        raise ValueError(f"a standard error must be at least 0, not {error}")
    if abs(difference) <= CLEAR * error:
        return "not distinguished by two standard errors"
    return "higher" if difference > 0 else "lower"


def number(value: float, digits: int = 3) -> str:
    """A number with so many decimals, a true minus sign and no negative zero."""
    if not math.isfinite(value):
        return "–"
    text = f"{value:.{digits}f}"
    if float(text) == 0.0:
        text = text.removeprefix("-")
    return text.replace("-", "−")


def upper(value: float, digits: int = 3) -> str:
    """An upper bound, or a gap that ends at one: like ``number``, rounded up."""
    return number(rounded_up(value, digits), digits)


def percent(value: float, digits: int = 1, sign: bool = False) -> str:
    """``12.3 %``, with a true minus sign; ``sign`` puts a plus before what is positive."""
    text = number(100.0 * value, digits)
    plus = "+" if sign and not text.startswith("−") and float(text) > 0 else ""
    return f"{plus}{text} %"


def spread(
    values: Sequence[float], digits: int = 3, write: Callable[[float, int], str] = number
) -> str:
    """``2.170``, or for several seeds the mean with the smallest and largest.

    Args:
        write: how a number becomes text; ``upper`` for bounds.
    """
    mean = write(math.fsum(values) / len(values), digits)
    low, high = write(min(values), digits), write(max(values), digits)
    return mean if low == high else f"{mean} ({low}–{high})"


def listed(items: Sequence[str]) -> str:
    """``a, b and c``."""
    items = list(items)
    return items[0] if len(items) == 1 else f"{', '.join(items[:-1])} and {items[-1]}"


def counted(count: int, noun: str, plural: str = "") -> str:
    """``one model``, ``5 models``, ``no model``."""
    if count == 0:
        return f"no {noun}"
    return f"one {noun}" if count == 1 else f"{count:,} {plural or noun + 's'}"


def _plain(value: float) -> str:
    """Two decimals with an ASCII minus, as formulas need it."""
    return number(value, 2).replace("−", "-")
