"""One-sided confidence bounds for the mean of bounded draws, one method a file (section 6).

Each function takes independent draws in [0, 1] and returns a number that the mean exceeds with
probability at most delta.
"""

from collections.abc import Callable

import numpy as np

from bounds.confidence.betting import upper_mean_betting
from bounds.confidence.empirical_bernstein import upper_mean_empirical_bernstein

METHODS: dict[str, Callable[[np.ndarray, float], float]] = {
    "betting": upper_mean_betting,
    "empirical_bernstein": upper_mean_empirical_bernstein,
}
