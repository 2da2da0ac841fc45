"""Damped Newton descent of the loss objective from many points in parallel."""

import numpy as np

from bounds.laws.loss.objective import HUBER_DELTA, LossObjective

#: Points that are descended together: their arrays of (points, runs) stay in the cache.
BLOCK = 250

#: Steps after which a point is dropped.  Of the starts that reach the optimum, a third to a half
#: are there after 60 steps, the others first cross a plateau.
MOST_STEPS = 300

#: A term whose share of the loss is below this in every run has no gradient that could revive it.
DEAD_SHARE = 1e-6

#: Descent ends with a step that gains less than this share of the objective.
GAIN = 1e-13


def descend(
    objective: LossObjective,
    start: np.ndarray,
    weights: np.ndarray | None = None,
    delta: float = HUBER_DELTA,
) -> tuple[np.ndarray, np.ndarray]:
    """Follow every point downhill: (theta, value), shapes (points, 5) and (points,).

    The step solves (H + damping * M) step = -gradient, with the Hessian H and the majorant M of
    ``LossObjective.derivatives`` (Levenberg and Marquardt's scheme): Newton's method where that
    works, and short steps of reweighted least squares where H is indefinite or uninformative,
    since the Huber function is linear almost everywhere.  It is independent of the scale of the
    objective, and does not stop at a fixed size of the gradient.

    Args:
        objective: of the runs.
        start: shape (points, 5).
        weights: shape (points, runs), how often each run counts for each point; None for once.
        delta: residual from which Huber's function is linear.
    """
    theta = np.array(start, dtype=np.float64)
    if weights is None:
        weights = np.broadcast_to(1.0, (len(theta), objective.log_n.size))
    value, dead = np.empty(len(theta)), np.empty(len(theta), dtype=bool)
    for first in range(0, len(theta), BLOCK):
        block = slice(first, first + BLOCK)
        value[block] = objective.value(theta[block], weights[block], delta)
        dead[block] = _dead(objective, theta[block])
    live = np.flatnonzero(~dead)
    for first in range(0, live.size, BLOCK):
        block = live[first : first + BLOCK]
        theta[block], value[block] = _descend_block(objective, theta[block], weights[block], delta)
    return theta, value


def _descend_block(
    objective: LossObjective, start: np.ndarray, weights: np.ndarray, delta: float
) -> tuple[np.ndarray, np.ndarray]:
    theta = start.copy()
    value, gradient, hessian, majorant = objective.derivatives(theta, weights, delta)
    damping = np.full(len(theta), 1e-3)
    live = np.arange(len(theta))
    for taken in range(MOST_STEPS):
        if taken % 5 == 4:
            live = live[~_dead(objective, theta[live])]
        if not live.size:
            break
        # A little of M's diagonal and of the identity, for directions that M does not see.
        damper = majorant[live]
        damper += 1e-3 * np.eye(5) * damper
        matrix = hessian[live] + damping[live, None, None] * damper + 1e-12 * np.eye(5)
        step = -np.linalg.solve(matrix, gradient[live, :, None])[:, :, 0]
        trial = theta[live] + np.clip(step, -2.0, 2.0)
        found = objective.derivatives(trial, weights[live], delta)
        gain = value[live] - found[0]
        better = gain > 0
        moved = live[better]
        theta[moved] = trial[better]
        for old, new in zip((value, gradient, hessian, majorant), found, strict=True):
            old[moved] = new[better]
        before = damping[live]
        damping[live] = np.where(better, np.maximum(before / 5, 1e-9), np.maximum(before * 6, 1e-2))
        ended = better & (gain <= GAIN * value[live]) & (before < 1.0)
        live = live[~ended & (damping[live] < 1e8)]
    return theta, value


def _dead(objective: LossObjective, theta: np.ndarray) -> np.ndarray:
    """Which points have lost a term, shape (points,)."""
    return (objective.terms(theta)[1].max(axis=2) < DEAD_SHARE).any(axis=0)
