"""Results of a quadrature of a matrix's spectrum: traces of functions, and a density (section
8)."""

from collections.abc import Callable

import numpy as np


def trace_of(
    function: Callable[[np.ndarray], np.ndarray],
    nodes: np.ndarray,
    weights: np.ndarray,
    size: int,
) -> float:
    """Estimate of Tr f(A) from one probe: n times the sum of weights times f(nodes).

    Args:
        function: of an array of eigenvalues, same shape out.
        nodes: shape (m,), Ritz values.
        weights: shape (m,), not negative, summing to 1.
        size: n, order of A.

    Raises:
        ValueError: the weights do not sum to 1.
    """
    weights = np.asarray(weights, dtype=np.float64)
    if not abs(weights.sum() - 1.0) < 1e-6:
        raise ValueError(f"the weights of a quadrature must sum to 1, not {weights.sum():.9g}")
    return float(size * (weights @ function(np.asarray(nodes, dtype=np.float64))))


def positive_root(eigenvalues: np.ndarray) -> np.ndarray:
    """Square root of the positive part."""
    return np.sqrt(np.maximum(eigenvalues, 0.0))


def negative_part(eigenvalues: np.ndarray) -> np.ndarray:
    """Eigenvalues below 0 unchanged, 0 elsewhere."""
    return np.minimum(eigenvalues, 0.0)


def mean_and_error(values: np.ndarray) -> tuple[float, float]:
    """Mean of independent estimates and its standard error.

    Raises:
        ValueError: fewer than two estimates.
    """
    values = np.asarray(values, dtype=np.float64)
    if values.size < 2:
        raise ValueError(f"a standard error needs at least 2 estimates, not {values.size}")
    return float(values.mean()), float(values.std(ddof=1) / np.sqrt(values.size))


def symmetric_log(x: np.ndarray, linear_below: float) -> np.ndarray:
    """Decades from 0 with the sign of x: linear well below ``linear_below``, logarithmic above.

    asinh(x / (2 * linear_below)) / ln 10, so that x = 10^k * linear_below lies near k.
    """
    return np.arcsinh(np.asarray(x, dtype=np.float64) / (2.0 * linear_below)) / np.log(10.0)


def from_symmetric_log(u: np.ndarray, linear_below: float) -> np.ndarray:
    """Inverse of ``symmetric_log``."""
    return 2.0 * linear_below * np.sinh(np.asarray(u, dtype=np.float64) * np.log(10.0))


def spectral_density(
    nodes: np.ndarray,
    weights: np.ndarray,
    at: np.ndarray,
    bandwidth: float,
    linear_below: float,
) -> np.ndarray:
    """Share of eigenvalues per decade of the symmetric-log axis, smoothed by a Gaussian.

    Integrates to 1 over the axis.

    Args:
        nodes: shape (m,), Ritz values.
        weights: shape (m,), summing to 1.
        at: shape (k,), places on the axis, decades.
        bandwidth: standard deviation of the Gaussian, decades, greater than 0.
        linear_below: where the axis turns linear, unit of the eigenvalues.

    Returns:
        Shape (k,).
    """
    if not bandwidth > 0:
        raise ValueError(f"the bandwidth must be greater than 0, not {bandwidth}")
    places = symmetric_log(nodes, linear_below)
    z = (np.asarray(at, dtype=np.float64)[:, None] - places) / bandwidth  # (k, m)
    return np.exp(-0.5 * z**2) @ np.asarray(weights) / (bandwidth * np.sqrt(2.0 * np.pi))


def evenness(trace: float, trace_sqrt: float, size: int) -> float:
    """Tr(sqrt A)^2 / (n Tr A): 1 if all eigenvalues are equal, smaller the faster they decay.

    By Cauchy's inequality it is at most 1 for a matrix without negative eigenvalues.  Times
    Tr A it is the quantization error that remains with error feedback, per parameter (section 7).
    """
    return trace_sqrt**2 / (size * trace)


def evenness_error(trace: tuple[float, float], trace_sqrt: tuple[float, float], size: int) -> float:
    """Standard error of ``evenness`` from independent (value, standard error) of both traces."""
    relative = np.hypot(2.0 * trace_sqrt[1] / trace_sqrt[0], trace[1] / trace[0])
    return float(evenness(trace[0], trace_sqrt[0], size) * relative)
