"""Trends of quantities over model size that the interval of an exponent supports."""

from enum import Enum

from dashboard.analysis.laws.fits import Law, Unfitted


class Trend(Enum):
    """The trend of a quantity as models grow."""

    FALLS = "falls"
    RISES = "rises"
    FLAT = "shows no clear trend"
    UNKNOWN = "has no law"


def trend(law: Law) -> Trend:
    """The sign of a law's exponent if its whole interval has it."""
    return Trend.UNKNOWN if isinstance(law, Unfitted) else trend_of(law.exponent_interval)


def trend_of(interval: tuple[float, float]) -> Trend:
    """The trend for an interval of p in N^-p."""
    low, high = interval
    if low > 0:
        return Trend.FALLS
    return Trend.RISES if high < 0 else Trend.FLAT
