"""The crossing of two power laws."""

from dataclasses import dataclass

import numpy as np

from bounds.laws.power_law import PowerLaw


@dataclass(frozen=True)
class Crossing:
    """The crossing of one law with another beyond the measured sizes, both without a floor.

    Attributes:
        n: size N at which the fits cross; infinite if they do not beyond the largest model.
        low, high: interval over the resamples, which the two laws share; one that does not cross
            beyond the largest model counts as infinite.
        share_ahead: share of resamples that do cross there.
        from_above: whether the one law is above the other at the largest model.
        behind: size at which the fits crossed within the measured range, or None.
    """

    n: float
    low: float
    high: float
    share_ahead: float
    from_above: bool
    behind: float | None


def crossing(one: PowerLaw, other: PowerLaw) -> Crossing:
    """Solve c1 N^-p1 = c2 N^-p2 for the fits and for every resample.

    Args:
        one, other: laws of the same models, so that their resamples go together.

    Raises:
        ValueError: a law has a floor, or the laws are of different models.
    """
    if one.offset or other.offset:
        raise ValueError("only laws without a floor cross in closed form")
    ranges = [(law.smallest, law.largest, law.draws.shape, law.widening) for law in (one, other)]
    if ranges[0] != ranges[1]:
        raise ValueError("the laws must be of the same models")
    fits = np.array([[law.log_coefficient, law.exponent] for law in (one, other)])  # (2, 2)
    draws = np.stack([one.draws[:, :2], other.draws[:, :2]])  # (2, resamples, 2)
    draws = fits[:, None, :] + one.widening * (draws - fits[:, None, :])
    largest = np.log(one.largest)
    log_n = _meet(fits[:, None, :])[0]
    ahead = _meet(draws)
    ahead = np.where(ahead > largest, ahead, np.inf)
    # A percentile between a size and infinity is not a size: use the nearest resample outwards.
    ends = [50.0 * (1.0 - one.level), 50.0 * (1.0 + one.level)]
    low = np.percentile(ahead, ends[0], method="lower")
    high = np.percentile(ahead, ends[1], method="higher")
    above = fits[0] @ [1.0, -largest] > fits[1] @ [1.0, -largest]
    within = np.log(one.smallest) <= log_n <= largest
    with np.errstate(over="ignore"):
        return Crossing(
            n=float(np.exp(log_n)) if log_n > largest else np.inf,
            low=float(np.exp(low)),
            high=float(np.exp(high)),
            share_ahead=float(np.isfinite(ahead).mean()),
            from_above=bool(above),
            behind=float(np.exp(log_n)) if within else None,
        )


def _meet(laws: np.ndarray) -> np.ndarray:
    """ln N where pairs of (ln c, p), shape (2, pairs, 2), are equal; infinite if parallel."""
    difference = laws[0] - laws[1]
    with np.errstate(divide="ignore", invalid="ignore"):
        log_n = difference[:, 0] / difference[:, 1]
    return np.where(np.isnan(log_n), np.inf, log_n)
