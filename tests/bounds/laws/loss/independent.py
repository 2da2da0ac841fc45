"""The objective of the loss law written a second time, for scipy's optimizers."""

from collections.abc import Callable

import numpy as np
from scipy.special import logsumexp

DELTA = 1e-3


def independent_objective(
    n: np.ndarray, d: np.ndarray, loss: np.ndarray
) -> Callable[[np.ndarray], tuple[float, np.ndarray]]:
    """Value and gradient at (a', b', e, alpha, beta), both divided by delta.

    a' and b' belong to the geometric means of ``n`` and ``d``.
    """
    x, z, y = np.log(n), np.log(d), np.log(loss)
    x, z = x - x.mean(), z - z.mean()

    def both(theta: np.ndarray) -> tuple[float, np.ndarray]:
        a, b, e, alpha, beta = theta
        logs = np.stack([a - alpha * x, b - beta * z, np.full_like(x, e)])
        predicted = logsumexp(logs, axis=0)
        r = y - predicted
        small = np.abs(r) <= DELTA
        h = np.where(small, r**2 / 2, DELTA * (np.abs(r) - DELTA / 2))
        slope = -np.where(small, r, DELTA * np.sign(r)) * np.exp(logs - predicted)
        gradient = [*slope.sum(axis=1), -slope[0] @ x, -slope[1] @ z]
        return h.sum() / DELTA, np.array(gradient) / DELTA

    return both
