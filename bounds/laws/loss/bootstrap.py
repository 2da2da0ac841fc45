"""Uncertainty of a fitted L(N, D): the fit repeated on resamples of the runs (section 11)."""

from dataclasses import dataclass, fields

import numpy as np

from bounds.laws.loss.law import LossLaw
from bounds.laws.loss.least_huber import BLOCK, descend
from bounds.laws.loss.objective import LossObjective

#: Resamples for 95 % percentile intervals (Efron & Tibshirani 1993, chapter 13: at least 1000).
BOOTSTRAP_RESAMPLES = 2000

#: Fewer leave less than three resamples in each tail of a 95 % interval.
FEWEST_RESAMPLES = 100


#: Share of resamples, the farthest from the middle, that must not dominate a variance.
FARTHEST = 0.01

#: Share of a number below which its error is only rounding.
NEGLIGIBLE = 1e-6


@dataclass(frozen=True)
class Estimate:
    """A fitted number, its bootstrap standard error and its percentile interval (low, high).

    The standard error is None if the data do not determine it.  All of these numbers are
    greater than 0.  If the error exceeds the number, or one hundredth of the resamples
    causes it, the data determine only the logarithm.
    """

    value: float
    standard_error: float | None
    low: float
    high: float


def resampled_optima(
    objective: LossObjective, optimum: np.ndarray, resamples: int, seed: int
) -> np.ndarray:
    """The optimum of every resample of the runs with replacement, shape (resamples, 5).

    Args:
        objective: of the runs.
        optimum: shape (5,), of all runs; the descent for every resample starts there.
        resamples: how many.
        seed: of the resampling.
    """
    rng = np.random.default_rng(seed)
    runs = objective.log_n.size
    draws = np.tile(optimum, (resamples, 1))
    for first in range(0, resamples, BLOCK):
        block = draws[first : first + BLOCK]
        counts = rng.multinomial(runs, np.full(runs, 1.0 / runs), size=len(block))
        block[:], _ = descend(objective, block, counts.astype(np.float64))
    return draws


def estimates(
    point: np.ndarray, draws: np.ndarray, edge: np.ndarray, level: float
) -> dict[str, Estimate]:
    """Estimates of every field of ``LossLaw``, and of ``optimal_params_exponent``.

    Percentiles follow a monotone function, so those of E, A and B are computed from their
    logarithms.  They use all resamples.  A standard error leaves out the few resamples that ran
    to an edge, because they would dominate it.

    Args:
        point: shape (5,), (ln E, ln A, ln B, alpha, beta) of the fit.
        draws: shape (resamples, 5), the same of every resample.
        edge: shape (resamples,), True where a parameter ran to an edge.
        level: probability that the intervals aim to cover.
    """
    tail = 50.0 * (1.0 - level)
    found = {}
    for k, field in enumerate(fields(LossLaw)):
        ends = np.percentile(draws[:, k], [tail, 100.0 - tail])
        transform = np.exp if k < 3 else np.positive
        value = float(transform(point[k]))
        error = _standard_error(value, transform(draws[~edge, k]))
        found[field.name] = Estimate(value, error, *map(float, transform(ends)))
    with np.errstate(divide="ignore"):
        optimal = draws[:, 4] / (draws[:, 3] + draws[:, 4])
    value = float(point[4] / (point[3] + point[4]))
    found["optimal_params_exponent"] = Estimate(
        value,
        _standard_error(value, optimal[~edge]),
        *map(float, np.percentile(optimal, [tail, 100.0 - tail])),
    )
    return found


def _standard_error(value: float, draws: np.ndarray) -> float | None:
    """Standard deviation of the draws, or None if it is meaningless for ``value``."""
    error = float(draws.std(ddof=1))
    if error <= NEGLIGIBLE * abs(value):
        return error
    squares = np.sort((draws - np.median(draws)) ** 2)
    farthest = int(np.ceil(FARTHEST * draws.size))
    ruled_by_few = squares[-farthest:].sum() > 0.5 * squares.sum()
    return error if error <= abs(value) and not ruled_by_few else None
