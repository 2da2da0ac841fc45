"""Empirical Bernstein for independent draws (Maurer and Pontil 2009, Theorem 4)."""

import math

import numpy as np

from bounds.checks import require_probability
from bounds.confidence.draws import require_unit_draws


def upper_mean_empirical_bernstein(draws: np.ndarray, failure_probability: float) -> float:
    """mean + sqrt(2*S*ln(2/delta)/n) + 7*ln(2/delta)/(3*(n-1)), S the unbiased variance.

    Args:
        draws: shape (n,), independent, identically distributed, in [0, 1]; n >= 2.
        failure_probability: delta, in (0, 1).

    Raises:
        ValueError: a draw is outside [0, 1], fewer than 2 draws, or delta out of range.
    """
    x = require_unit_draws(draws)
    log_term = math.log(2.0 / require_probability("failure_probability", failure_probability))
    n = x.size
    spread = math.sqrt(2.0 * x.var(ddof=1) * log_term / n)
    return min(1.0, float(x.mean()) + spread + 7.0 * log_term / (3.0 * (n - 1)))
