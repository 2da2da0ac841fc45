"""Prediction smoothing: mixing in the uniform distribution bounds the loss (section 3)."""

import numpy as np

from bounds.checks import require_count, require_positive, require_probability
from bounds.losses.token_losses import TokenLosses

#: Weights that a form may choose from after seeing the data, fixed in advance.  They are dense near
#: 0 and near 1: a model with too long a code should be smoothed almost completely, which keeps the
#: bound from exceeding ln V by more than a small amount.
ALPHA_GRID = (
    *np.geomspace(2.0**-20, 0.5, 112).tolist(),
    *(1.0 - np.geomspace(0.45, 2.0**-20, 16)).tolist(),
)


def smoothing_weight(complexity_nats: float) -> float:
    """alpha = C/(1+C), the minimizer of -ln(1-alpha) + C*ln(1/alpha) (Lemma 3.2).

    It is a function of the code length alone, so choosing it costs no bits.
    """
    c = require_positive("complexity_nats", complexity_nats)
    return c / (1.0 + c)


def loss_range_nats(alpha: float, vocab_size: int) -> float:
    """Delta = ln(V/alpha): the largest loss a smoothed model can have, in nats."""
    require_probability("alpha", alpha)
    require_count("vocab_size", vocab_size, at_least=2)
    return float(np.log(vocab_size / alpha))


def loss_interval_nats(alpha: float, vocab_size: int) -> tuple[float, float]:
    """Smallest and largest loss that a smoothed model can have, in nats: certainty mixed with
    uniform, and 0 mixed with uniform.  The width is ln(1 + (1-alpha)*V/alpha)."""
    high = loss_range_nats(alpha, vocab_size)
    return float(-np.log1p(-alpha * (1.0 - 1.0 / vocab_size))), high


def smooth_losses_nats(loss_nats: np.ndarray, alpha: float, vocab_size: int) -> np.ndarray:
    """X^s = -ln((1-alpha)*exp(-X) + alpha/V): losses of the smoothed model, same shape as X.

    Rises in X and is at most ``loss_range_nats(alpha, vocab_size)``, even where X is infinite.
    """
    delta = loss_range_nats(alpha, vocab_size)
    smoothed = -np.logaddexp(np.log1p(-alpha) - np.asarray(loss_nats, dtype=np.float64), -delta)
    # Rounding may overshoot the range by an ulp, which would put A_k below -1.
    return np.minimum(smoothed, delta)


def log_slack_below_range(loss_nats: np.ndarray, alpha: float, vocab_size: int) -> np.ndarray:
    """ln[(1-alpha)*V*exp(-X)/alpha], same shape as X: the t of  Delta - X^s = ln(1 + exp(t)).

    The slack itself is ``np.logaddexp(0, t)``.  A difference of Delta and X^s, both near Delta
    where X is large, would keep a few ulps at X = 40, and the geometric mean of such numbers
    can be far too large: a bound too small (section 5, *Exact numbers*).
    """
    delta = loss_range_nats(alpha, vocab_size)  # raises for an alpha that is not in (0, 1)
    return np.log1p(-alpha) + delta - np.asarray(loss_nats, dtype=np.float64)


def smoothed(losses: TokenLosses, alpha: float, vocab_size: int) -> TokenLosses:
    """``losses`` of the smoothed model; entropies stay those of the unsmoothed one (section 0)."""
    mixed = smooth_losses_nats(losses.loss_nats, alpha, vocab_size)
    return TokenLosses(mixed, losses.entropy_nats, losses.tokens)


def smoothing_cost_nats(complexity_nats: float) -> float:
    """sqrt(2*C), the paper's closed form for the price of smoothing, equation (2), in nats."""
    return float(np.sqrt(2.0 * require_positive("complexity_nats", complexity_nats)))


def exact_smoothing_cost_nats(complexity_nats: float) -> float:
    """(1+C)*ln(1+C) - C*ln(C), the value that sqrt(2*C) rounds up, equation (2), in nats."""
    c = require_positive("complexity_nats", complexity_nats)
    return float((1.0 + c) * np.log1p(c) - c * np.log(c))
