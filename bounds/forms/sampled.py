"""Form (1) where only a sample of windows is evaluated (section 6).

The mean over all D training predictions is replaced by an upper confidence bound from windows that
were drawn independently, uniformly and with replacement.  Everything the summand depends on (the
quantized model and its code, alpha, the control variate, lambda) is fixed before those windows are
evaluated: it is chosen on *other* windows, from a grid whose size the code pays for.
"""

import math
from dataclasses import dataclass
from functools import cache

import numpy as np

from bounds.checks import require_count, require_probability
from bounds.codes.complexity import PAPER_GRID_SIZE, complexity
from bounds.confidence import METHODS
from bounds.forms.result import RiskBound
from bounds.forms.shared.martingale import s_grid
from bounds.grid_search import Index, pattern_search
from bounds.losses.smoothing import (
    loss_interval_nats,
    loss_range_nats,
    smooth_losses_nats,
    smoothing_weight,
)


@dataclass(frozen=True)
class WindowLosses:
    """Losses of sampled windows: the window, not the token, is the independent unit.

    Attributes:
        loss_nats, entropy_nats: shape (windows, positions); positions are all of a window or
            drawn uniformly inside it.
    """

    loss_nats: np.ndarray
    entropy_nats: np.ndarray

    def __post_init__(self) -> None:
        loss = np.asarray(self.loss_nats, dtype=np.float64)
        entropy = np.asarray(self.entropy_nats, dtype=np.float64)
        if loss.ndim != 2 or loss.shape != entropy.shape or not loss.size:
            raise ValueError(
                f"loss_nats {loss.shape} and entropy_nats {entropy.shape} must both be "
                "(windows, positions) and not empty"
            )
        if not (np.isfinite(loss).all() and np.isfinite(entropy).all()):
            raise ValueError("sampled losses and entropies must be finite")
        if (loss < 0).any() or (entropy < 0).any():
            raise ValueError("sampled losses and entropies must be >= 0")
        object.__setattr__(self, "loss_nats", loss)
        object.__setattr__(self, "entropy_nats", entropy)

    @property
    def mean_loss_nats(self) -> float:
        """Mean loss of the sample, in nats per token."""
        return float(self.loss_nats.mean())

    @property
    def mean_loss_se_nats(self) -> float:
        """Standard error of the mean, with windows as the independent units; NaN for a single
        one."""
        means = self.loss_nats.mean(axis=1)
        return float(means.std(ddof=1) / math.sqrt(means.size)) if means.size > 1 else math.nan


@dataclass(frozen=True)
class Summand:
    """All parameters of Z:  Y = max(floor, slope*H),  lambda = s/(Delta - floor).

    Attributes:
        alpha: smoothing weight.
        floor: y0 in nats, an a-priori lower end of Y, below the loss range.
        slope: c.
        s: in (0, 1).
    """

    alpha: float
    floor: float
    slope: float
    s: float

    def inverse_lambda(self, vocab_size: int) -> float:
        """1/lambda in nats.

        Raises:
            ValueError: the floor does not lie in [0, loss range), or s not in (0, 1).
        """
        room = loss_range_nats(self.alpha, vocab_size) - self.floor
        if not (room > 0 and self.floor >= 0 and 0 < self.s < 1):
            raise ValueError(
                f"floor={self.floor} must lie in [0, {room + self.floor:.4g}) and s={self.s} "
                "in (0, 1)"
            )
        return room / self.s

    def values(self, losses: WindowLosses, vocab_size: int) -> np.ndarray:
        """Z = Y - ln(1 + lambda*(Y - X^s))/lambda, shape (windows, positions)."""
        mixed = smooth_losses_nats(losses.loss_nats, self.alpha, vocab_size)
        return self.values_of(mixed, losses.entropy_nats, vocab_size)

    def values_of(
        self, smoothed_nats: np.ndarray, entropy_nats: np.ndarray, vocab_size: int
    ) -> np.ndarray:
        """Z for losses that are already smoothed with ``alpha``."""
        # An entropy can exceed ln V only by rounding, and the interval relies on the limit.
        entropy = np.minimum(entropy_nats, math.log(vocab_size))
        variate = np.maximum(self.floor, self.slope * entropy)
        return self._z(variate, smoothed_nats, vocab_size)

    def interval(self, vocab_size: int) -> tuple[float, float]:
        """An interval that contains every Z: Z increases with X, and with Y decreases, then
        increases."""
        low, high = loss_interval_nats(self.alpha, vocab_size)
        variates = np.array([self.floor, max(self.floor, self.slope * math.log(vocab_size))])
        return low, float(self._z(variates, high, vocab_size).max())

    def _z(self, variate: np.ndarray, mixed: np.ndarray | float, vocab_size: int) -> np.ndarray:
        scale = self.inverse_lambda(vocab_size)
        return variate - scale * np.log1p((variate - mixed) / scale)


@dataclass(frozen=True)
class SummandGrid:
    """All summands that may be chosen; fixed in advance and paid for with ``choice_bits``."""

    alphas: tuple[float, ...] = tuple(np.geomspace(2.0**-20, 0.5, 128).tolist())
    floors: tuple[float, ...] = tuple((np.arange(32) / 8).tolist())
    slopes: tuple[float, ...] = tuple((np.arange(33) / 16).tolist())
    s: tuple[float, ...] = tuple((np.arange(1, 128) / 128).tolist())

    @property
    def sizes(self) -> tuple[int, int, int, int]:
        """Length of each axis."""
        return len(self.alphas), len(self.floors), len(self.slopes), len(self.s)

    @property
    def choice_bits(self) -> float:
        """log2 of the number of summands."""
        return math.log2(math.prod(self.sizes))

    def at(self, index: Index) -> Summand:
        """The summand at one place of the grid."""
        i, j, k, m = index
        return Summand(self.alphas[i], self.floors[j], self.slopes[k], self.s[m])


def paper_grid(code_bits: float, train_tokens: int, failure_probability: float) -> SummandGrid:
    """The paper's own choices as a grid: alpha = C/(1+C), Y = H, s anywhere in K."""
    c = complexity(code_bits, train_tokens, failure_probability, PAPER_GRID_SIZE).total_nats
    return SummandGrid((smoothing_weight(c),), (0.0,), (1.0,), tuple(s_grid().tolist()))


@dataclass(frozen=True)
class Confidence:
    """The division of the failure probability, and the method that bounds the mean.

    Attributes:
        bound: delta of the inequality, for all ``forms_shown`` together.
        sample: delta of the sampling, for all ``settings_shown`` together.
        settings_shown: M: if the best of M settings is shown, each gets sample/M.
        method: a key of ``bounds.confidence.METHODS``.
        forms_shown: number of forms (1) with their own summand for one model and code:
            if the best of them is shown, each gets bound/forms_shown.  No code names the form, so
            its choice is paid for here.
    """

    bound: float
    sample: float
    settings_shown: int = 1
    method: str = "betting"
    forms_shown: int = 1

    def __post_init__(self) -> None:
        require_probability("delta of the bound", self.bound)
        require_probability("delta of the sampling", self.sample)
        require_probability("total failure probability", self.total)
        require_count("settings_shown", self.settings_shown)
        require_count("forms_shown", self.forms_shown)
        if self.method not in METHODS:
            raise ValueError(f"method={self.method!r} is not one of {', '.join(METHODS)}")

    @property
    def total(self) -> float:
        """delta = delta of the bound + delta of the sampling."""
        return self.bound + self.sample

    @property
    def per_setting(self) -> float:
        """delta of the sampling for one setting."""
        return self.sample / self.settings_shown

    @property
    def per_form(self) -> float:
        """delta of the inequality for one form."""
        return self.bound / self.forms_shown


def choose_summand(
    selection: WindowLosses,
    grid: SummandGrid,
    evaluation_windows: int,
    *,
    code_bits: float,
    train_tokens: int,
    vocab_size: int,
    confidence: Confidence,
) -> Summand:
    """The summand of ``grid`` with the smallest predicted bound *plus* sampling term.

    Args:
        selection: windows that will not be evaluated.
        grid: fixed in advance.
        evaluation_windows: how many windows will be evaluated.
        code_bits: without the choice.

    The prediction is a Bernstein estimate; an error in it costs tightness, not validity.
    """
    c = complexity(
        code_bits + grid.choice_bits, train_tokens, confidence.per_form, grid_size=1
    ).total_nats
    log_term = -math.log(confidence.per_setting)

    @cache
    def smoothed_at(place: int) -> np.ndarray:
        return smooth_losses_nats(selection.loss_nats, grid.alphas[place], vocab_size)

    @cache
    def promise(index: Index) -> float:
        summand = grid.at(index)
        if summand.floor >= loss_range_nats(summand.alpha, vocab_size):
            return math.inf
        mixed = smoothed_at(index[0])
        means = summand.values_of(mixed, selection.entropy_nats, vocab_size).mean(axis=1)
        low, high = summand.interval(vocab_size)
        spread = math.sqrt(2.0 * means.var() * log_term / evaluation_windows)
        spread += (high - low) * log_term / (3.0 * evaluation_windows)
        return float(means.mean()) + c * summand.inverse_lambda(vocab_size) + spread

    def nearest(values: tuple[float, ...], target: float) -> int:
        return int(np.argmin(np.abs(np.array(values) - target)))

    starts = [
        (
            nearest(grid.alphas, c / (1.0 + c)),
            nearest(grid.floors, floor),
            nearest(grid.slopes, 0.75),
            nearest(grid.s, s),
        )
        for floor, s in ((0.5, 0.9), (1.0, 0.6), (0.5, 0.2))
    ]
    return grid.at(pattern_search(promise, grid.sizes, starts))


def sampled_bound(
    evaluation: WindowLosses,
    summand: Summand,
    choice_bits: float,
    *,
    training_loss_nats: float,
    training_loss_se_nats: float = 0.0,
    code_bits: float,
    train_tokens: int,
    vocab_size: int,
    confidence: Confidence,
) -> RiskBound:
    """R <= upper confidence bound of mean Z  +  C/lambda, at confidence 1 - delta in total.

    Args:
        evaluation: windows drawn i.i.d. uniformly with replacement from all training windows,
            independent of everything the summand was chosen on.
        summand: fixed before ``evaluation`` was seen.
        choice_bits: of the grid that the summand was chosen from.
        training_loss_nats: R_hat(h) of the unquantized model, estimated; only for display,
            since the total does not depend on it.
        training_loss_se_nats: its standard error, which the gap has too; 0 if it is exact.
        code_bits: L(h), without the choice of summand.
        train_tokens: D.
        vocab_size: V.
        confidence: the two failure probabilities and the method.
    """
    paid_bits = code_bits + choice_bits
    per_token = complexity(paid_bits, train_tokens, confidence.per_form, grid_size=1)
    z = summand.values(evaluation, vocab_size)
    means = z.mean(axis=1)
    low, high = summand.interval(vocab_size)
    draws = (means - low) / (high - low)
    if draws.min() < -1e-9 or draws.max() > 1 + 1e-9:
        raise ValueError(f"a window's mean {means.min()} or {means.max()} leaves [{low}, {high}]")
    draws = np.clip(draws, 0.0, 1.0)
    upper = METHODS[confidence.method](draws, confidence.per_setting)
    mixed = smooth_losses_nats(evaluation.loss_nats, summand.alpha, vocab_size)
    point, smoothed_mean, mean = float(z.mean()), float(mixed.mean()), evaluation.loss_nats.mean()
    upper_mean = low + upper * (high - low)
    complexity_term = per_token.total_nats * summand.inverse_lambda(vocab_size)
    return RiskBound(
        form="sampled",
        total_nats=upper_mean + complexity_term,
        training_loss_nats=training_loss_nats,
        complexity_nats=complexity_term,
        loss_variation_nats=point - smoothed_mean,
        smoothing_nats=smoothed_mean - float(mean),
        quantization_gap_nats=float(mean) - training_loss_nats,
        sampling_nats=upper_mean - point,
        training_loss_se_nats=training_loss_se_nats,
        complexity_per_token=per_token,
        alpha=summand.alpha,
        loss_range_nats=loss_range_nats(summand.alpha, vocab_size),
        parameters={"floor_nats": summand.floor, "slope": summand.slope, "s": summand.s},
    )
