"""Fit of L(N, D) = E + A/N^alpha + B/D^beta to training runs, with its bootstrap (section 11)."""

import itertools
from dataclasses import dataclass

import numpy as np

from bounds.laws.loss.bootstrap import (
    BOOTSTRAP_RESAMPLES,
    FEWEST_RESAMPLES,
    Estimate,
    estimates,
    resampled_optima,
)
from bounds.laws.loss.far_off import FarOff, far_off
from bounds.laws.loss.identified import at_edge, check_design, check_draws, check_optimum
from bounds.laws.loss.law import LossLaw
from bounds.laws.loss.least_huber import BLOCK, descend
from bounds.laws.loss.objective import LossObjective

#: Starts of (a, b, e, alpha, beta): the grid of Hoffmann et al. 2022, approach 3; 4500 points.
START_GRID = (
    np.arange(0.0, 30.0, 5.0),
    np.arange(0.0, 30.0, 5.0),
    np.arange(-1.0, 1.5, 0.5),
    np.arange(0.0, 2.5, 0.5),
    np.arange(0.0, 2.5, 0.5),
)

#: A start agrees if its descent ends within this share of the least objective.
AGREEMENT = 1e-6


@dataclass(frozen=True)
class LossLawFit:
    """A fitted law, its uncertainty, and the course of the search.

    Attributes:
        law: the fit to all runs.
        estimates: for every field of ``LossLaw``, and for ``optimal_params_exponent``.
        draws: shape (resamples, 5), (ln E, ln A, ln B, alpha, beta) of every resample of the runs.
        level: probability that the intervals aim to cover.
        objective: sum over the runs of Huber's function of the log residuals, at the optimum.
        starts: number of starts.
        agreed: how many of them ended within ``AGREEMENT`` of the optimum.
        runs: number of runs fitted; identical rows are one run.
        repeated: (row, earlier row) of every row that is identical to an earlier one, indices
            of the rows that were given.
        far_off: runs far off the law of the others.
        log_residual_rms: root mean square of ln loss - ln fit.
        n_range, d_range: (smallest, largest) N and D fitted; anything outside is extrapolation.
    """

    law: LossLaw
    estimates: dict[str, Estimate]
    draws: np.ndarray
    level: float
    objective: float
    starts: int
    agreed: int
    runs: int
    repeated: tuple[tuple[int, int], ...]
    far_off: tuple[FarOff, ...]
    log_residual_rms: float
    n_range: tuple[float, float]
    d_range: tuple[float, float]


def fit_loss_law(
    n: np.ndarray,
    d: np.ndarray,
    loss: np.ndarray,
    *,
    resamples: int = BOOTSTRAP_RESAMPLES,
    level: float = 0.95,
    seed: int = 0,
) -> LossLawFit:
    """Least sum of Huber's function of log residuals over a grid of starts, and its bootstrap.

    A row that is identical to another, in N, D and loss, is the same run listed again, and counts
    once: as a separate run it would narrow every interval.

    Args:
        n: shape (runs,), parameters N of every run.
        d: shape (runs,), training tokens D.
        loss: shape (runs,), final loss in nats per token.
        resamples: of the runs, for intervals and standard errors; at least 100.
        level: probability that the percentile intervals aim to cover.
        seed: of the bootstrap.

    Raises:
        ValueError: shapes that differ, a value that is not positive and finite, too few resamples
            or a level outside (0, 1).
        UnfittableError: the runs cannot identify the law; the message says which part, and why.
    """
    n, d, loss = _checked(n, d, loss)
    if resamples < FEWEST_RESAMPLES:
        raise ValueError(f"at least {FEWEST_RESAMPLES} resamples are needed, not {resamples}")
    if not 0.0 < level < 1.0:
        raise ValueError(f"level must lie strictly between 0 and 1, not {level}")
    # Sorted: the sums below round differently in another order; the fit must not depend on it.
    runs, rows, which = np.unique(
        np.column_stack([n, d, loss]), axis=0, return_index=True, return_inverse=True
    )
    earlier = rows[which.ravel()]
    repeated = tuple((row, int(old)) for row, old in enumerate(earlier) if old != row)
    n, d, loss = runs.T.copy()
    check_design(n, d, repeated=bool(repeated))
    objective = LossObjective.of_runs(n, d, loss)
    starts = np.array(list(itertools.product(*START_GRID)))
    ends, values = descend(objective, objective.centred(starts))
    best = int(values.argmin())
    theta, least = ends[best], float(values[best])
    check_optimum(objective, theta)
    draws = resampled_optima(objective, theta, resamples, seed)
    blocks = np.array_split(draws, -(-resamples // BLOCK))
    edge = np.vstack([at_edge(objective, block) for block in blocks])
    check_draws(edge, level)
    # (ln E, ln A, ln B, alpha, beta), the order of a law's fields.
    points = objective.uncentred(np.vstack([theta, draws]))[:, [2, 0, 1, 3, 4]]
    # If losses are exact up to rounding, the objective is 0 and has no share.
    tolerance = AGREEMENT * least + 1e-20 * n.size
    return LossLawFit(
        law=LossLaw(*map(float, (*np.exp(points[0, :3]), *points[0, 3:]))),
        estimates=estimates(points[0], points[1:], edge.any(axis=1), level),
        draws=points[1:],
        level=level,
        objective=least,
        starts=len(starts),
        agreed=int((values <= least + tolerance).sum()),
        runs=n.size,
        repeated=repeated,
        far_off=tuple(far_off(objective, theta, rows)),
        log_residual_rms=float(np.sqrt(np.mean(objective.terms(theta[None])[0] ** 2))),
        n_range=(float(n.min()), float(n.max())),
        d_range=(float(d.min()), float(d.max())),
    )


def _checked(*columns: np.ndarray) -> list[np.ndarray]:
    """N, D and loss as float64, equally long, every value positive and finite."""
    arrays = [np.asarray(column, dtype=np.float64) for column in columns]
    if arrays[0].ndim != 1 or any(array.shape != arrays[0].shape for array in arrays):
        shapes = ", ".join(str(array.shape) for array in arrays)
        raise ValueError(f"N, D and loss must be one-dimensional and equally long, not {shapes}")
    for name, array in zip(("N", "D", "loss"), arrays, strict=True):
        bad = np.flatnonzero(~(np.isfinite(array) & (array > 0)))
        if bad.size:
            raise ValueError(
                f"{name} must be positive and finite, and it is {array[bad[0]]:g} in row "
                f"{bad[0] + 1}"
            )
    return arrays
