"""One-variable scaling laws y = c * N^(-p) along the compute-optimal frontier (section 11)."""

from dataclasses import dataclass

import numpy as np

from bounds.laws.unfittable import UnfittableError

#: Resamples of the bootstrap: the usual count for 95 % percentile intervals (Efron &
#: Tibshirani, An Introduction to the Bootstrap, 1993, chapter 13, asks for at least 1000).
BOOTSTRAP_RESAMPLES = 2000


@dataclass(frozen=True)
class PowerLaw:
    """A fitted law y = coefficient * N^(-exponent) and its bootstrap over models.

    Attributes:
        coefficient: c, in the unit of y.
        exponent: p; positive when y shrinks with N.
        exponent_interval: percentile interval of p, (low, high).
        smallest, largest: range of N that was fitted; anything outside is extrapolation.
        log_residual_rms: root mean square of ln y - ln fit.
        draws: shape (resamples, 2), (ln c, p) of every resample, for bands at any N.
        level: probability that the intervals aim to cover.
    """

    coefficient: float
    exponent: float
    exponent_interval: tuple[float, float]
    smallest: float
    largest: float
    log_residual_rms: float
    draws: np.ndarray
    level: float

    def at(self, n: np.ndarray) -> np.ndarray:
        """The fitted y at model sizes ``n``, same shape."""
        return self.coefficient * np.asarray(n, dtype=np.float64) ** (-self.exponent)

    def band(self, n: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
        """Pointwise percentile interval (low, high) of the fitted y at sizes ``n``, shape (m,)."""
        log_n = np.log(np.atleast_1d(np.asarray(n, dtype=np.float64)))  # (m,)
        log_y = self.draws[:, :1] - self.draws[:, 1:] * log_n  # (resamples, m)
        tail = 50.0 * (1.0 - self.level)
        low, high = np.percentile(log_y, [tail, 100.0 - tail], axis=0)
        return np.exp(low), np.exp(high)


def fit_power_law(n: np.ndarray, y: np.ndarray, *, level: float = 0.95, seed: int = 0) -> PowerLaw:
    """Least squares of ln y on ln N, with a bootstrap that resamples models.

    Args:
        n: shape (models,), model sizes N.
        y: shape (models,), the quantity, every value greater than 0.
        level: probability that the percentile intervals aim to cover.
        seed: of the bootstrap, so that a view is reproducible.

    Raises:
        UnfittableError: fewer than three sizes, or a value that is not positive and finite.
    """
    n, y = np.asarray(n, dtype=np.float64), np.asarray(y, dtype=np.float64)
    if n.shape != y.shape or n.ndim != 1:
        raise ValueError(f"n {n.shape} and y {y.shape} must be one-dimensional and equally long")
    if np.unique(n).size < 3:
        raise UnfittableError(f"a power law needs at least 3 model sizes, not {np.unique(n).size}")
    bad = ~(np.isfinite(y) & (y > 0))
    if bad.any():
        raise UnfittableError(
            f"a power law needs positive values, and it is {y[bad][0]:.3g} at N={n[bad][0]:.0f}"
        )
    log_n, log_y = np.log(n), np.log(y)
    (log_c, p) = _weighted_fit(log_n, log_y, np.ones((1, n.size)))[0]
    rng = np.random.default_rng(seed)
    counts = rng.multinomial(n.size, np.full(n.size, 1.0 / n.size), size=BOOTSTRAP_RESAMPLES)
    sizes = np.unique(n)
    distinct = np.stack([(counts[:, n == size] > 0).any(axis=1) for size in sizes]).sum(axis=0)
    # A resample of a single size has no slope.
    draws = _weighted_fit(log_n, log_y, counts[distinct >= 2].astype(np.float64))
    tail = 50.0 * (1.0 - level)
    low, high = np.percentile(draws[:, 1], [tail, 100.0 - tail])
    residuals = log_y - (log_c - p * log_n)
    return PowerLaw(
        coefficient=float(np.exp(log_c)),
        exponent=float(p),
        exponent_interval=(float(low), float(high)),
        smallest=float(n.min()),
        largest=float(n.max()),
        log_residual_rms=float(np.sqrt(np.mean(residuals**2))),
        draws=draws,
        level=level,
    )


def _weighted_fit(log_n: np.ndarray, log_y: np.ndarray, weights: np.ndarray) -> np.ndarray:
    """(ln c, p) per row of ``weights``: (rows, models) -> (rows, 2)."""
    total = weights.sum(axis=1)
    mean_x = weights @ log_n / total
    mean_y = weights @ log_y / total
    x = log_n - mean_x[:, None]  # (rows, models), centred for accuracy
    slope = (weights * x * (log_y - mean_y[:, None])).sum(axis=1) / (weights * x**2).sum(axis=1)
    return np.stack([mean_y - slope * mean_x, -slope], axis=1)
