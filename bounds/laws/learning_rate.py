"""The best peak learning rate of one size from a sweep, and its law in size (section 11)."""

from dataclasses import dataclass

import numpy as np

from bounds.laws.line import Line, fit_line
from bounds.laws.unfittable import UnfittableError

#: Reasons why a sweep's lowest loss is not a minimum between other rates.
LOWEST, HIGHEST = "the lowest rate tried", "the highest rate tried"
NEXT_DIVERGED = "next to a rate that diverged"
NO_VERTEX = "no minimum of a parabola"


@dataclass(frozen=True)
class BestRate:
    """The best learning rate of one size from a sweep.

    Attributes:
        rate: vertex of the parabola, or the rate of lowest loss where there is none.
        loss_nats: of the parabola at its vertex, or the lowest loss.
        edge: why there is no vertex: ``LOWEST``, ``HIGHEST`` or ``NEXT_DIVERGED`` if the lowest
            loss has no neighbour on one side, ``NO_VERTEX`` if the parabola has no
            minimum among the rates: then the best rate may be elsewhere, and nothing is
            extrapolated.  None at a minimum that was bracketed.
        lower, upper: lowest and highest rate of the parabola's points; NaN where there is none.
    """

    rate: float
    loss_nats: float
    edge: str | None
    lower: float
    upper: float

    @property
    def bracketed(self) -> bool:
        """Whether the minimum is between rates that were tried."""
        return self.edge is None


def best_rate(rates: np.ndarray, loss_nats: np.ndarray) -> BestRate:
    """Vertex of the least-squares parabola in ln(rate) through every loss that did not diverge.

    Near the minimum, seeds change a loss by as much as a factor of two in the rate does, so all of
    a size's losses are averaged.  The vertex is never outside of the tried rates.

    Args:
        rates: shape (k,), peak learning rates, all different.
        loss_nats: shape (k,), loss after training at each; NaN where training diverged.

    Raises:
        UnfittableError: fewer than three rates, or training diverged at all of them.
        ValueError: a rate is not positive and finite or comes twice, shapes differ, or a loss is
            infinite.
    """
    rates, loss = (np.asarray(v, dtype=np.float64) for v in (rates, loss_nats))
    if rates.shape != loss.shape or rates.ndim != 1:
        raise ValueError(f"rates {rates.shape} and losses {loss.shape} must be equally long")
    if not np.all(np.isfinite(rates) & (rates > 0)):
        raise ValueError(f"every learning rate must be finite and above 0: {rates}")
    if np.unique(rates).size < rates.size:
        raise ValueError(f"every learning rate may come once: {np.sort(rates)}")
    if np.any(np.isinf(loss)):
        raise ValueError(f"a loss must be finite, or NaN where training diverged: {loss}")
    if rates.size < 3:
        raise UnfittableError(f"a sweep needs at least 3 rates, not {rates.size}")
    if np.all(np.isnan(loss)):
        raise UnfittableError(f"training diverged at every rate from {rates.min():g} on")
    order = np.argsort(rates)
    rates, loss = rates[order], loss[order]
    lowest = int(np.nanargmin(loss))
    edge = _edge(loss, lowest)
    if edge is not None:
        return BestRate(float(rates[lowest]), float(loss[lowest]), edge, np.nan, np.nan)
    finite = np.isfinite(loss)
    kept = rates[finite]
    middle = np.log(rates[lowest])
    constant, slope, curvature = np.polynomial.polynomial.polyfit(
        np.log(kept) - middle, loss[finite], 2
    )
    vertex = middle - slope / (2 * curvature) if curvature > 0 else np.inf
    if not np.log(kept[0]) <= vertex <= np.log(kept[-1]):
        return BestRate(float(rates[lowest]), float(loss[lowest]), NO_VERTEX, np.nan, np.nan)
    return BestRate(
        rate=float(np.exp(vertex)),
        loss_nats=float(constant - slope**2 / (4 * curvature)),
        edge=None,
        lower=float(kept[0]),
        upper=float(kept[-1]),
    )


def _edge(loss: np.ndarray, lowest: int) -> str | None:
    if lowest == 0:
        return LOWEST
    if lowest == loss.size - 1:
        return HIGHEST
    return NEXT_DIVERGED if np.isnan(loss[[lowest - 1, lowest + 1]]).any() else None


@dataclass(frozen=True)
class RateRule:
    """ln(best rate) = a - p ln N.

    Attributes:
        line: of ln(rate) in ln N.
    """

    line: Line

    @property
    def exponent(self) -> float:
        """p; positive where the rate falls with size."""
        return -self.line.slope

    @property
    def exponent_interval(self) -> tuple[float, float]:
        """Interval of p, (low, high)."""
        low, high = self.line.slope_interval
        return -high, -low

    def at(self, n: float) -> float:
        """The rule's rate at ``n`` parameters."""
        return float(np.exp(self.line.at(np.log(n))))

    def predict(self, n: float) -> tuple[float, float]:
        """Interval (low, high) for the best rate of one more size."""
        low, high = self.line.predict(np.log(n))
        return float(np.exp(low)), float(np.exp(high))


def fit_rate_rule(n: np.ndarray, rates: np.ndarray, level: float = 0.95) -> RateRule:
    """The rule through the best rates of several sizes.

    The scatter of the best rates about it gives its uncertainty, for any cause of the scatter:
    seeds, text, and the parabola being only an approximation.

    Args:
        n: shape (sizes,), model sizes.
        rates: shape (sizes,), their best rates, of minima that were bracketed.
        level: probability that the intervals aim to cover.

    Raises:
        UnfittableError: fewer than three sizes.
        ValueError: a number is not positive and finite, or shapes differ.
    """
    n, rates = np.asarray(n, dtype=np.float64), np.asarray(rates, dtype=np.float64)
    if not np.all(np.isfinite(n) & (n > 0)) or not np.all(np.isfinite(rates) & (rates > 0)):
        raise ValueError(f"sizes and rates must be finite and above 0: {n}, {rates}")
    return RateRule(fit_line(np.log(n), np.log(rates), level))
