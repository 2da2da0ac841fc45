"""Runs far from the law of the other runs (section 11)."""

from dataclasses import dataclass

import numpy as np

from bounds.laws.loss.least_huber import descend
from bounds.laws.loss.objective import LossObjective

#: A run is far off beyond this many robust standard deviations of the residuals.  With Student's t
#: of 4 degrees of freedom, tails as heavy as those of runs, about 3 of 1000 clean runs are.
MOST_DEVIATIONS = 6.0

#: And beyond this log residual (0.5 % of the loss): less can come from rounded losses.
LEAST_RESIDUAL = 5e-3

#: With more runs no single run influences the law much, and it is not fitted without each.
MOST_REFITS = 1000


@dataclass(frozen=True)
class FarOff:
    """A run far off the law of the other runs.

    Attributes:
        row: its index among the runs that were given.
        expected_nats: the loss by the law of the other runs at its N and D.
        log_residual: ln of its loss over that.
    """

    row: int
    expected_nats: float
    log_residual: float


def residuals_without_each(objective: LossObjective, optimum: np.ndarray) -> np.ndarray:
    """Log residual of every run from the law of all other runs, shape (runs,).

    A run at a corner of the table, such as the largest, pulls the law towards itself, so its
    residual from the law of all runs is small even if it is wrong.

    Args:
        objective: of the runs.
        optimum: shape (5,), of all runs; each descent starts there.
    """
    runs = objective.log_n.size
    if runs > MOST_REFITS:
        return objective.terms(optimum[None])[0][0]
    others = 1.0 - np.eye(runs)
    theta, _ = descend(objective, np.tile(optimum, (runs, 1)), others)
    return np.array([objective.terms(theta[k : k + 1])[0][0, k] for k in range(runs)])


def _leverage(objective: LossObjective, optimum: np.ndarray) -> np.ndarray:
    """Leverage of each run, between 0 and 1, shape (runs,)."""
    q, _ = np.linalg.qr(objective.jacobian(optimum))
    return np.minimum((q**2).sum(axis=1), 1.0 - 1e-9)


def far_off(objective: LossObjective, optimum: np.ndarray, rows: np.ndarray) -> list[FarOff]:
    """The runs far off the law of the others, in the order of the rows.

    The scale is 1.4826 times the median of the runs - 5 largest |residuals| from the law of all
    runs, as for least absolute deviations, which pass through 5 runs exactly (Birkes & Dodge 1993,
    chapter 4).  Where a run has leverage h, the law of the others is uncertain, and the scale of
    its residual from it is 1 / sqrt(1 - h) times as large (Cook & Weisberg 1982, section 2.2).

    Args:
        objective: of the runs.
        optimum: shape (5,), of all runs.
        rows: shape (runs,), index of each run among those that were given.
    """
    inside = np.sort(np.abs(objective.terms(optimum[None])[0][0]))
    scale = 1.4826 * float(np.median(inside[optimum.size :]))
    residuals = residuals_without_each(objective, optimum)
    scales = scale / np.sqrt(1.0 - _leverage(objective, optimum))
    limit = np.maximum(MOST_DEVIATIONS * scales, LEAST_RESIDUAL)
    found = [
        FarOff(
            row=int(rows[k]),
            expected_nats=float(np.exp(objective.log_loss[k] - residuals[k])),
            log_residual=float(residuals[k]),
        )
        for k in np.flatnonzero(np.abs(residuals) > limit)
    ]
    return sorted(found, key=lambda run: run.row)
