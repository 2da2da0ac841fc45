"""The check of draws that every confidence method starts with."""

import numpy as np


def require_unit_draws(draws: np.ndarray) -> np.ndarray:
    """The draws as float64, shape (n,).

    Raises:
        ValueError: fewer than 2 draws, more than one dimension, or one outside [0, 1].
    """
    x = np.asarray(draws, dtype=np.float64)
    if x.ndim != 1 or x.size < 2:
        raise ValueError(f"draws have shape {x.shape}; expected one dimension of at least 2")
    if not np.all((x >= 0.0) & (x <= 1.0)):
        raise ValueError(f"draws span {x.min()} to {x.max()}; every one must lie in [0, 1]")
    return x
