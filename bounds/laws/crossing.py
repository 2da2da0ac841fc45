"""Where two power laws meet."""

from dataclasses import dataclass

import numpy as np

from bounds.laws.power_law import PowerLaw, interval


@dataclass(frozen=True)
class Crossing:
    """The size N at which two laws without floors are equal.

    Attributes:
        n: of the fits themselves; infinite or 0 where they are too far off for a float.
        low, high: interval over the resamples, which the two laws share.
        share_beyond: share of resamples in which the laws meet above all measured sizes.
        closing: whether the laws come closer as N grows beyond the measured sizes.
    """

    n: float
    low: float
    high: float
    share_beyond: float
    closing: bool


def crossing(one: PowerLaw, other: PowerLaw) -> Crossing:
    """Solve c1 N^-p1 = c2 N^-p2 for the fits and for every resample.

    Args:
        one, other: laws of the same models, so that their resamples go together.

    Raises:
        ValueError: a law has a floor, or the laws are of different models.
    """
    if one.offset or other.offset:
        raise ValueError("only laws without a floor cross in closed form")
    if one.draws.shape != other.draws.shape or one.widening != other.widening:
        raise ValueError("the laws must be of the same models")
    fits = np.array([[np.log(law.coefficient), law.exponent] for law in (one, other)])  # (2, 2)
    draws = np.stack([one.draws[:, :2], other.draws[:, :2]])  # (2, resamples, 2)
    draws = fits[:, None, :] + one.widening * (draws - fits[:, None, :])
    log_n = _meet(fits[:, None, :])[0]
    log_draws = _meet(draws)
    low, high = interval(log_draws, one.level)
    largest = np.log(max(one.largest, other.largest))
    above = np.log(one.at(one.largest) / other.at(one.largest))
    with np.errstate(over="ignore"):
        return Crossing(
            n=float(np.exp(log_n)),
            low=float(np.exp(low)),
            high=float(np.exp(high)),
            share_beyond=float(np.mean(log_draws > largest)),
            closing=bool(above * (other.exponent - one.exponent) < 0),
        )


def _meet(laws: np.ndarray) -> np.ndarray:
    """ln N where pairs of (ln c, p), shape (2, pairs, 2), are equal; infinite if parallel."""
    difference = laws[0] - laws[1]
    with np.errstate(divide="ignore", invalid="ignore"):
        log_n = difference[:, 0] / difference[:, 1]
    return np.where(np.isfinite(log_n), np.clip(log_n, -1e4, 1e4), 1e4)
