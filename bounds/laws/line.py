"""A straight line through few points, with Student's intervals (section 11)."""

from dataclasses import dataclass

import numpy as np
from scipy import stats

from bounds.laws.unfittable import UnfittableError


@dataclass(frozen=True)
class Line:
    """Ordinary least squares of y = intercept + slope * x with independent, normal errors.

    Attributes:
        slope, intercept: of the fit.
        slope_interval: (low, high) of the slope.
        scatter: standard deviation of the errors, estimated with n - 2 degrees of freedom.
        level: probability that the intervals aim to cover.
        x_mean, x_squares: mean of x, and sum of its squared distances from the mean.
        points: n.
    """

    slope: float
    intercept: float
    slope_interval: tuple[float, float]
    scatter: float
    level: float
    x_mean: float
    x_squares: float
    points: int

    def at(self, x: float) -> float:
        """The fitted y at ``x``."""
        return self.intercept + self.slope * x

    def half_width(self, x: np.ndarray | float) -> np.ndarray:
        """Half-width of the interval for one new y at ``x``, including its own error; same
        shape."""
        away = np.asarray(x, dtype=np.float64) - self.x_mean
        variance = 1.0 + 1.0 / self.points + away**2 / self.x_squares
        return _student(self.points, self.level) * self.scatter * np.sqrt(variance)

    def predict(self, x: float) -> tuple[float, float]:
        """Interval (low, high) for one new y at ``x``, including its own error."""
        half = float(self.half_width(x))
        return self.at(x) - half, self.at(x) + half


def fit_line(x: np.ndarray, y: np.ndarray, level: float = 0.95) -> Line:
    """The least-squares line through the points (x, y).

    Args:
        x, y: shape (n,), finite.
        level: probability that the intervals aim to cover.

    Raises:
        UnfittableError: fewer than three distinct x, so that the scatter cannot be estimated.
        ValueError: shapes differ, or a number is not finite.
    """
    x, y = np.asarray(x, dtype=np.float64), np.asarray(y, dtype=np.float64)
    if x.shape != y.shape or x.ndim != 1:
        raise ValueError(f"x {x.shape} and y {y.shape} must be one-dimensional and equally long")
    if not (np.all(np.isfinite(x)) and np.all(np.isfinite(y))):
        raise ValueError(f"every point must be finite: x {x}, y {y}")
    distinct = np.unique(x).size
    if distinct < 3:
        raise UnfittableError(f"a line with an interval needs at least 3 places, not {distinct}")
    u = x - x.mean()
    squares = float(u @ u)
    slope = float(u @ y / squares)
    intercept = float(y.mean() - slope * x.mean())
    residuals = y - intercept - slope * x
    scatter = float(np.sqrt(residuals @ residuals / (x.size - 2)))
    half = _student(x.size, level) * scatter / np.sqrt(squares)
    return Line(
        slope=slope,
        intercept=intercept,
        slope_interval=(float(slope - half), float(slope + half)),
        scatter=scatter,
        level=level,
        x_mean=float(x.mean()),
        x_squares=squares,
        points=x.size,
    )


def _student(points: int, level: float) -> float:
    return float(stats.t.ppf(0.5 + level / 2, points - 2))
