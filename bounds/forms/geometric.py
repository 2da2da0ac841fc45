"""The geometric form: no lambda, no grid K, no Sigma (section 5, form (3)).

Let W_k be predictable with W_k >= Delta >= X_k (X: smoothed losses), and Z_k = W_k - X_k >= 0.

1.  Z_k / E[Z_k | F_(k-1)] has conditional mean 1 (where the mean is 0, Z_k is 0 almost surely
    and the step is left out).  So the product of these ratios is a non-negative supermartingale
    that starts at 1.
2.  By Markov's inequality, weighted over all models by 2^(-L(h)), with probability >= 1 - delta,
    simultaneously for every model:
        mean ln E[Z_k|F] >= mean ln Z_k - C,     C = [L*ln 2 + ln(1/delta)] / D.
3.  The logarithm is concave, so  ln mean E[Z_k|F] >= mean ln E[Z_k|F]  (Jensen).
4.  W_k is predictable:  mean E[Z_k|F] = mean W_k - R.  Together

        R  <=  mean W_k  -  exp( mean ln(W_k - X_k)  -  C ).                              (3)

It is never larger than form (1) at equal C.  Take W = Y + 1/lambda, put m = mean ln(lambda*Z), and
(3) reads  mean Y + 1/lambda - exp(m - C)/lambda.  From exp(t) >= 1 + t at t = m - C,

    (3)  <=  mean Y - (m - C)/lambda  =  mean[ Y - ln(1 + lambda*(Y-X))/lambda ] + C/lambda,

which is (1), since lambda*Z = 1 + lambda*(Y - X).  Form (1) is the tangent of (3) at m = C.

Losses rounded up keep it valid: rounding is a fixed monotone map r, the steps above hold for r(X)
in place of X, and E[r(X)^s] >= R (section 6).

Z is never formed as a difference: with t = ln[(1-alpha)*V*exp(-X)/alpha],
Z = ln(1 + exp(t)) + (W - Delta) (section 5, *Exact numbers*).
"""

import math
from dataclasses import dataclass, replace
from functools import cache

import numpy as np

from bounds.codes.complexity import PAPER_GRID_SIZE, complexity
from bounds.forms.result import RiskBound, require_every_token
from bounds.forms.shared.martingale import s_grid
from bounds.grid_search import Index, pattern_search
from bounds.losses.histogram import coarsened
from bounds.losses.smoothing import (
    ALPHA_GRID,
    log_slack_below_range,
    loss_range_nats,
    smoothed,
    smoothing_weight,
)
from bounds.losses.token_losses import TokenLosses


@dataclass(frozen=True)
class Control:
    """A choice of smoothing and control variate:  W = max(Delta, offset*Delta + slope*H).

    Attributes:
        alpha: smoothing weight.
        offset: w/Delta, the control variate at entropy 0 in units of the loss range.
        slope: c, its increase per nat of predictive entropy.
    """

    alpha: float
    offset: float
    slope: float

    def margin(self, entropy_nats: np.ndarray, loss_range_nats: float) -> np.ndarray:
        """W - Delta at each entropy, same shape, in nats; never below 0."""
        line = (self.offset - 1.0) * loss_range_nats + self.slope * np.asarray(entropy_nats)
        return np.maximum(0.0, line)


@dataclass(frozen=True)
class ControlGrid:
    """All controls that may be chosen after seeing the data, fixed in advance; paid in bits.

    ``offsets`` reach far above 1 because with little complexity a W well above the loss range is
    best (it linearizes the logarithm), and below 1 because a slope then raises W only where the
    entropy is high.
    """

    alphas: tuple[float, ...] = ALPHA_GRID
    offsets: tuple[float, ...] = tuple(np.geomspace(0.25, 64.0, 128).tolist())
    slopes: tuple[float, ...] = tuple((np.arange(64) / 16).tolist())

    @property
    def size(self) -> int:
        """Number of controls."""
        return len(self.alphas) * len(self.offsets) * len(self.slopes)

    @property
    def choice_bits(self) -> float:
        """log2 of the size: bits that a free choice among the controls adds to the code length."""
        return math.log2(self.size)

    def at(self, index: Index) -> Control:
        """The control at one place of the grid."""
        i, j, k = index
        return Control(self.alphas[i], self.offsets[j], self.slopes[k])


def geometric_bound(
    training_loss_nats: float,
    quantized: TokenLosses,
    control: Control,
    *,
    code_bits: float,
    train_tokens: int,
    vocab_size: int,
    failure_probability: float,
) -> RiskBound:
    """Form (3) at one control.

    Its addends:  smoothing is mean X^s - mean X;  loss variation is the arithmetic minus the
    geometric mean of Z, which vanishes if Z is constant;  complexity is the geometric mean
    times 1 - exp(-C).

    Args:
        training_loss_nats: R_hat(h) of the unquantized model.
        quantized: losses and entropies of the decoded quantized model on all D tokens.
        control: fixed in advance, or chosen from a grid that ``code_bits`` pays for.
        code_bits: L(h), including the choice of control.
        train_tokens: D.
        vocab_size: V.
        failure_probability: delta, in (0, 1).

    Raises:
        ValueError: an argument is out of range, or the losses do not cover all D tokens.
    """
    require_every_token(quantized, train_tokens)
    per_token = complexity(code_bits, train_tokens, failure_probability, grid_size=1)
    mixed = smoothed(quantized, control.alpha, vocab_size)
    delta = loss_range_nats(control.alpha, vocab_size)
    margin = control.margin(quantized.entropy_nats, delta)
    log_slack = log_slack_below_range(quantized.loss_nats, control.alpha, vocab_size)
    mean_slack, geometric_mean = _slack_means(quantized, log_slack, margin)
    mean_variate = delta + quantized.mean(margin)
    return RiskBound(
        form="geometric",
        total_nats=mean_variate - geometric_mean * math.exp(-per_token.total_nats),
        training_loss_nats=training_loss_nats,
        complexity_nats=-geometric_mean * math.expm1(-per_token.total_nats),
        loss_variation_nats=mean_slack - geometric_mean,
        smoothing_nats=mixed.mean_loss_nats - quantized.mean_loss_nats,
        quantization_gap_nats=quantized.mean_loss_nats - training_loss_nats,
        complexity_per_token=per_token,
        alpha=control.alpha,
        loss_range_nats=delta,
        parameters={"offset": control.offset, "slope": control.slope},
    )


def chosen_geometric_bound(
    training_loss_nats: float,
    quantized: TokenLosses,
    *,
    code_bits: float,
    train_tokens: int,
    vocab_size: int,
    failure_probability: float,
    grid: ControlGrid | None = None,
) -> RiskBound:
    """Form (3) at a control chosen from ``grid``, whose ``choice_bits`` are added to the code.

    Every control of the grid is valid at once, so the search need not find the best one: it
    searches the grid on a coarsened histogram, and then computes the bound on the full one.

    Args, Raises: as ``geometric_bound``; ``code_bits`` without the choice of control.
    """
    require_every_token(quantized, train_tokens)
    grid = grid or ControlGrid()
    paid_bits = code_bits + grid.choice_bits
    c = complexity(paid_bits, train_tokens, failure_probability, grid_size=1).total_nats
    control = grid.at(_search(coarsened(quantized), vocab_size, c, grid))
    return geometric_bound(
        training_loss_nats,
        quantized,
        control,
        code_bits=paid_bits,
        train_tokens=train_tokens,
        vocab_size=vocab_size,
        failure_probability=failure_probability,
    )


def geometric_bound_at_entropy(
    training_loss_nats: float, quantized: TokenLosses, *, code_bits: float, **arguments
) -> RiskBound:
    """Form (3) with the paper's own choices: alpha = C/(1+C), W = H + Delta/s, s anywhere in K.

    Form (1) linearizes it, so the difference between the two is the gain by the logarithm
    alone; the choice of s is paid for in both.  Arguments, errors: as
    ``chosen_geometric_bound``.
    """
    c = complexity(
        code_bits,
        arguments["train_tokens"],
        arguments["failure_probability"],
        PAPER_GRID_SIZE,
    ).total_nats
    offsets = tuple((1.0 / s_grid(PAPER_GRID_SIZE)).tolist())
    grid = ControlGrid((smoothing_weight(c),), offsets, (1.0,))
    return replace(
        chosen_geometric_bound(
            training_loss_nats, quantized, code_bits=code_bits, grid=grid, **arguments
        ),
        form="geometric_at_entropy",
    )


#: Below this ln(1 + exp(t)) is exp(t) to the last digit, so that its logarithm is t.
_NEGLIGIBLE = -40.0


def _slack_means(
    losses: TokenLosses, log_slack: np.ndarray, margin: np.ndarray
) -> tuple[float, float]:
    """Arithmetic and geometric mean over the tokens of Z = ln(1 + exp(t)) + (W - Delta).

    Args:
        log_slack: t, shape (n,), of ``smoothing.log_slack_below_range``.
        margin: W - Delta >= 0, shape (n,).
    """
    slack = np.logaddexp(0.0, log_slack) + margin
    # Where Z itself underflows, its logarithm does not.
    tiny = (log_slack < _NEGLIGIBLE) & (margin == 0.0)
    log_z = np.where(tiny, log_slack, np.log(np.where(tiny, 1.0, slack)))
    return losses.mean(slack), math.exp(losses.mean(log_z))


def _search(losses: TokenLosses, vocab_size: int, c: float, grid: ControlGrid) -> Index:
    """Index of a control with a small bound on ``losses``."""

    @cache
    def slack_at(place: int) -> tuple[np.ndarray, float]:
        alpha = grid.alphas[place]
        log_slack = log_slack_below_range(losses.loss_nats, alpha, vocab_size)
        return log_slack, loss_range_nats(alpha, vocab_size)

    def bound_at(index: Index) -> float:
        log_slack, delta = slack_at(index[0])
        margin = grid.at(index).margin(losses.entropy_nats, delta)
        geometric_mean = _slack_means(losses, log_slack, margin)[1]
        return delta + losses.mean(margin) - geometric_mean * math.exp(-c)

    def nearest(values: tuple[float, ...], target: float) -> int:
        return int(np.argmin(np.abs(np.array(values) - target)))

    alpha = nearest(grid.alphas, c / (1.0 + c))
    # With much complexity W stays near the loss range, raised where the entropy is high; with
    # little, it is well above.
    starts = [
        (alpha, nearest(grid.offsets, offset), nearest(grid.slopes, slope))
        for offset, slope in ((0.9, 0.75), (1.0 + 0.3 / math.sqrt(c), 1.0), (1.0, 1.0))
    ]
    sizes = (len(grid.alphas), len(grid.offsets), len(grid.slopes))
    return pattern_search(bound_at, sizes, starts)
