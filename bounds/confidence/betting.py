"""A betting confidence bound (Waudby-Smith and Ramdas 2024, section 4, one-sided).

For a candidate mean m, the capital of a gambler who bets that the draws fall *below* m is
prod_t (1 + lambda_t(m) * (m - X_t)), with lambda_t chosen from the draws before t.  If the mean is
m this is a non-negative martingale, so by Ville's inequality it ever reaches 1/delta with
probability at most delta; candidates at which it does are rejected.  Capital rises with m, so the
rejected ones form an upper interval, and its lower end is the bound.
"""

import math

import numpy as np

from bounds.checks import require_probability
from bounds.confidence.draws import require_unit_draws

#: Bets are limited so that no single draw can cost more than this share of the capital.
LARGEST_LOSS = 0.75

#: Halvings of the interval of candidates; the bound is rounded up by at most 2**-40.
BISECTIONS = 40


def upper_mean_betting(draws: np.ndarray, failure_probability: float) -> float:
    """The smallest rejected candidate, rounded up.

    The bets are the predictable plug-in ones of the paper for a fixed number of draws,
    lambda_t = sqrt(2*ln(1/delta) / (n * variance of the draws before t)), whose mean and variance
    start from a prior worth one draw (1/2 and 1/4).

    Args:
        draws: shape (n,), in [0, 1], in the order they were drawn; independent, or at least
            each with the same conditional mean given the ones before.
        failure_probability: delta, in (0, 1).

    Raises:
        ValueError: a draw is outside [0, 1], fewer than 2 draws, or delta out of range.
    """
    x = require_unit_draws(draws)
    log_threshold = -math.log(require_probability("failure_probability", failure_probability))
    n = x.size
    t = np.arange(1, n + 1)
    means = (0.5 + np.cumsum(x)) / (t + 1)
    variances = (0.25 + np.cumsum((x - means) ** 2)) / (t + 1)
    before = np.concatenate([[0.25], variances[:-1]])  # (n,), from the draws before t
    bets = np.sqrt(2.0 * log_threshold / (n * before))

    def rejected(candidate: float) -> bool:
        # X_t - m is at most 1 - m, so a bet of LARGEST_LOSS/(1-m) keeps the capital positive.
        cut = np.minimum(bets, LARGEST_LOSS / max(1.0 - candidate, 1e-300))
        log_capital = np.cumsum(np.log1p(cut * (candidate - x)))
        return bool(log_capital.max() >= log_threshold)

    low, high = float(x.mean()), 1.0
    if not rejected(high):
        return 1.0
    for _ in range(BISECTIONS):
        middle = 0.5 * (low + high)
        if rejected(middle):
            high = middle
        else:
            low = middle
    return high
