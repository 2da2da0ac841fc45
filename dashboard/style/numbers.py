"""Large numbers as people write them: ``3.2M``, ``1e9``, ``497k``."""

import math
import re

_FACTORS = {"": 1.0, "k": 1e3, "m": 1e6, "b": 1e9, "g": 1e9, "t": 1e12}

_COUNT = re.compile(
    r"\s*([0-9][0-9_,]*(?:\.[0-9]*)?(?:e[+-]?[0-9]+)?)\s*([kmbgt]?)\s*", re.IGNORECASE
)


#: Ratio from which a rise is stated as a factor instead of in per cent.
LARGE_RISE = 1.5


def parse_count(text: str) -> float | None:
    """The number that ``text`` represents, or None if it is not a finite number."""
    match = _COUNT.fullmatch(text)
    if match is None:
        return None
    digits, suffix = match.groups()
    try:
        value = float(digits.replace(",", "").replace("_", "")) * _FACTORS[suffix.lower()]
    except ValueError:
        return None
    return value if math.isfinite(value) else None


def count_label(value: float) -> str:
    """The shortest way to write a number so that ``parse_count`` gives it back to 4 digits."""
    value = float(f"{value:.4g}")  # otherwise 999,999.9 would be 1000k
    for factor, suffix in ((1e12, "T"), (1e9, "B"), (1e6, "M"), (1e3, "k")):
        if value >= factor:
            return f"{value / factor:.4g}{suffix}"
    return f"{value:.4g}"


def number_label(value: float) -> str:
    """Three decimals near 1, else three digits; powers of ten far from 1."""
    if value == 0 or 0.01 <= abs(value) < 100:
        return f"{value:.3f}"
    if 100 <= abs(value) < 1e6:
        return f"{float(f'{value:.3g}'):,.0f}"
    return f"{value:.3g}"


#: Labels of an axis of counts in Altair, where the format alone writes a billion as ``1G``.
COUNT_TICKS = {"format": "~s", "labelExpr": "replace(datum.label, 'G', 'B')"}


#: Digits and signs of an exponent, raised; a raised dot takes the place of the decimal point.
_RAISED = str.maketrans("0123456789-−.", "⁰¹²³⁴⁵⁶⁷⁸⁹⁻⁻·")


def superscript(exponent: float) -> str:
    """An exponent with three decimals as raised text: ``⁻⁰·¹⁸⁷``."""
    return f"{exponent:.3f}".translate(_RAISED)


def error_label(error: float) -> str:
    """The two known digits of a standard error: ``110``, ``0.0049`` or ``5.2·10⁻⁶``."""
    rounded = float(f"{error:.2g}")
    if rounded == 0 or 1e-4 <= rounded < 1e6:
        return f"{rounded:,.10g}"
    digits, _, exponent = f"{rounded:.1e}".partition("e")
    return f"{digits}·10{str(int(exponent)).translate(_RAISED)}"


def times_label(ratio: float) -> str:
    """``2.5``, ``2,000`` or ``20 million``: two digits."""
    rounded = float(f"{ratio:.2g}")
    for factor, name in ((1e9, " billion"), (1e6, " million")):
        if rounded >= factor:
            return f"{rounded / factor:,g}{name}"
    return f"{rounded:,g}"


def delta_label(delta: float) -> str:
    """A failure probability as it stands in links and under the slider."""
    return f"{delta:g}"


def change_words(before: float, after: float) -> str:
    """A suffix for “from 0.8 to 0.6”: the share of the change, or the factor.

    A rise of more than half is a factor, because 446 % more is hard to imagine.
    """
    ratio = after / before if before > 0 else math.nan
    if not math.isfinite(ratio) or abs(ratio - 1.0) < 0.005:
        return ""
    if ratio < 1.0:
        return f", {1.0 - ratio:.0%} less"
    return (
        f", {ratio - 1.0:.0%} more"
        if ratio < LARGE_RISE
        else f", {times_label(ratio)} times as much"
    )


def duration(seconds: float) -> str:
    """``42 s``, ``12 min``, ``3.4 h``."""
    if seconds < 90:
        return f"{seconds:.0f} s"
    if seconds < 90 * 60:
        return f"{seconds / 60:.0f} min"
    return f"{seconds / 3600:.1f} h"
