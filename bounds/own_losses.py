"""Every form of the bound for a user's measured losses: from arrays to numbers.

Either all D training tokens were scored, and every form of ``FORMS`` holds; or windows were drawn
independently and uniformly with replacement, and form (1) holds, with a sampling term (section 6).
"""

import math
from dataclasses import dataclass

import numpy as np

from bounds.codes.complexity import shortest_code_bits
from bounds.forms import FORMS
from bounds.forms.result import RiskBound
from bounds.forms.sampled import (
    Confidence,
    SummandGrid,
    WindowLosses,
    choose_summand,
    paper_grid,
    sampled_bound,
)
from bounds.losses.token_losses import TokenLosses

#: Share of delta that a sampled bound gives to the sampling.
SAMPLE_SHARE = 0.1

#: Decides, before any loss is seen, which draws choose the parameters and which are evaluated.
SPLIT_SEED = 0

#: Nats by which rounding may put an entropy above ln V.
ENTROPY_SLACK = 1e-3

#: Forms of a sample by name, each with the grid of its summands as a function of code length, D and
#: delta of the inequality, but not of any loss.
SAMPLED_FORMS = {
    "sampled": lambda code_bits, train_tokens, delta: SummandGrid(),
    "sampled, paper's choices": paper_grid,
}

#: Smallest number of windows, enough to choose parameters and to evaluate.
FEWEST_WINDOWS = 4


class UnusableError(ValueError):
    """A value that makes every bound impossible.

    Attributes:
        where: the attribute of ``Measurement`` or of ``LossColumns`` that is wrong; empty if
            no single one is.
        reason: what is wrong with it, as text that follows its name.
    """

    def __init__(self, where: str, reason: str) -> None:
        super().__init__(f"{where} {reason}".strip())
        self.where, self.reason = where, reason


@dataclass(frozen=True)
class Measurement:
    """Facts about a model besides its losses.

    Attributes:
        params_total: N.
        train_tokens: D.
        vocab_size: V.
        code_bits: lengths of one or several codes for the evaluated model; the choice among
            several is paid for.
        failure_probability: delta, everything included.
        training_loss_nats: mean training loss of the unquantized model; None to count the gap
            from the losses given.

    Raises:
        UnusableError: a value is out of range.
    """

    params_total: int
    train_tokens: int
    vocab_size: int
    code_bits: tuple[float, ...]
    failure_probability: float
    training_loss_nats: float | None = None

    def __post_init__(self) -> None:
        for name, least in (("params_total", 1), ("train_tokens", 1), ("vocab_size", 2)):
            value = getattr(self, name)
            if value < least:
                raise UnusableError(name, f"must be at least {least}, not {value}")
        for bits in self.code_bits:
            if not (math.isfinite(bits) and bits > 0):
                raise UnusableError("code_bits", f"must be greater than 0, not {bits}")
        start = self.training_loss_nats
        if start is not None and not (math.isfinite(start) and start >= 0):
            raise UnusableError(
                "training_loss_nats", f"must be finite and not negative, not {start}"
            )
        delta = self.failure_probability
        if not 0.0 < delta < 1.0:
            raise UnusableError(
                "failure_probability", f"must lie strictly between 0 and 1, not {delta}"
            )

    @property
    def divided_delta(self) -> tuple[float, float]:
        """The failure probability of a sampled bound: (of the inequality, of the sampling)."""
        sample = self.failure_probability * SAMPLE_SHARE
        return self.failure_probability - sample, sample

    @property
    def paid_bits(self) -> float:
        """L: length of the shortest code, including the choice among several."""
        return shortest_code_bits(*self.code_bits)


@dataclass(frozen=True, eq=False)  # compared by identity: arrays have no single truth value
class LossColumns:
    """Measured losses, row by row; every array has shape (rows,).

    Attributes:
        loss_nats: X >= 0.
        entropy_nats: predictive entropies; None for a control variate that is constant.
        tokens: how often a row occurs; None for once.
        window: whole numbers that name the *draw* of a row, equally many rows per draw, in a
            sample; None if all D training tokens are given.  A window drawn twice is two draws.
    """

    loss_nats: np.ndarray
    entropy_nats: np.ndarray | None = None
    tokens: np.ndarray | None = None
    window: np.ndarray | None = None

    def check(self, vocab_size: int) -> None:
        """Raise UnusableError for the first column whose values contradict its meaning."""
        if not self.loss_nats.size:
            raise UnusableError("loss_nats", "holds no rows")
        for name in ("loss_nats", "entropy_nats", "tokens"):
            values = getattr(self, name)
            if values is None:
                continue
            bad = ~np.isfinite(values) | (values < 0)
            if bad.any():
                row = int(np.flatnonzero(bad)[0])
                raise UnusableError(
                    name,
                    f"holds {values[row]} in row {row + 1}; every value must be finite and not "
                    "negative",
                )
        if self.tokens is not None and not np.all((self.tokens > 0) & (self.tokens % 1 == 0)):
            raise UnusableError("tokens", "must hold whole numbers above 0")
        highest = 0.0 if self.entropy_nats is None else float(self.entropy_nats.max())
        if highest > math.log(vocab_size) + ENTROPY_SLACK:
            raise UnusableError(
                "entropy_nats",
                f"holds {highest:.4g}, and no prediction over {vocab_size:,} classes has an "
                f"entropy above ln V = {math.log(vocab_size):.4f} nats; are these bits?",
            )

    @property
    def is_sampled(self) -> bool:
        """Whether these are drawn windows, not all training tokens."""
        return self.window is not None

    def _entropies(self) -> np.ndarray:
        return np.zeros_like(self.loss_nats) if self.entropy_nats is None else self.entropy_nats

    def every_token(self) -> TokenLosses:
        """The rows as the losses of a whole epoch."""
        counts = np.ones_like(self.loss_nats) if self.tokens is None else self.tokens
        return TokenLosses(self.loss_nats, self._entropies(), counts)

    def draws(self) -> WindowLosses:
        """The rows as shape (draws, positions), draws in the order of their first row.

        Raises:
            UnusableError: there are too few, or they differ in their number of rows.
        """
        _, first, draw, counts = np.unique(
            self.window, return_index=True, return_inverse=True, return_counts=True
        )
        if len(set(counts)) != 1 or len(counts) < FEWEST_WINDOWS:
            raise UnusableError(
                "window",
                f"holds {len(counts)} windows of {counts.min()} to {counts.max()} rows; at least "
                f"{FEWEST_WINDOWS} with equally many rows are needed. A window drawn twice must "
                "carry two names",
            )
        if self.tokens is not None and not np.all(self.tokens == 1):
            raise UnusableError("tokens", "must be 1 everywhere beside 'window'; leave one out")
        order = np.argsort(first[draw], kind="stable")
        shape = (len(counts), counts[0])
        return WindowLosses(
            self.loss_nats[order].reshape(shape), self._entropies()[order].reshape(shape)
        )


def every_bound(columns: LossColumns, measurement: Measurement) -> dict[str, RiskBound]:
    """Every form that the losses allow, by name: those of ``FORMS``, or two of a sample.

    Raises:
        UnusableError: a column or a value cannot be used; nothing has been computed then.
    """
    columns.check(measurement.vocab_size)
    bounds = _of_draws if columns.is_sampled else _of_every_token
    try:
        return bounds(columns, measurement)
    except UnusableError:
        raise
    except ValueError as error:
        raise UnusableError("", f"no bound can be computed from these values: {error}") from None


def _of_every_token(columns: LossColumns, measurement: Measurement) -> dict[str, RiskBound]:
    losses = columns.every_token()
    if losses.total_tokens != measurement.train_tokens:
        raise UnusableError(
            "train_tokens",
            f"is {measurement.train_tokens:,}, and the losses cover {losses.total_tokens:,.0f} "
            "tokens: give the loss of every training token, or a sample of windows with a column "
            "'window'",
        )
    start = measurement.training_loss_nats
    training_loss = losses.mean_loss_nats if start is None else start
    return {
        name: form(
            training_loss,
            losses,
            code_bits=measurement.paid_bits,
            train_tokens=measurement.train_tokens,
            vocab_size=measurement.vocab_size,
            failure_probability=measurement.failure_probability,
        )
        for name, form in FORMS.items()
    }


def _of_draws(columns: LossColumns, measurement: Measurement) -> dict[str, RiskBound]:
    """Sampled form (1), with parameters chosen on half of the draws and evaluated on the others.

    A fixed seed assigns the draws to the halves and sets the order of evaluation: the
    order of the rows may follow the corpus, and then neither half would represent it.
    """
    windows = columns.draws()
    order = np.random.default_rng(SPLIT_SEED).permutation(len(windows.loss_nats))
    selection, evaluation = (
        WindowLosses(windows.loss_nats[part], windows.entropy_nats[part])
        for part in np.array_split(order, 2)
    )
    bound_delta, sample_delta = measurement.divided_delta
    # All forms below are shown for one sample, so each gets its part of both shares of delta.
    shown = len(SAMPLED_FORMS)
    confidence = Confidence(bound_delta, sample_delta, settings_shown=shown, forms_shown=shown)
    shared = {
        "code_bits": measurement.paid_bits,
        "train_tokens": measurement.train_tokens,
        "vocab_size": measurement.vocab_size,
        "confidence": confidence,
    }
    start = measurement.training_loss_nats
    estimated = start is None
    training_loss = evaluation.mean_loss_nats if estimated else start
    error = evaluation.mean_loss_se_nats if estimated else 0.0
    found = {}
    for name, grid_of in SAMPLED_FORMS.items():
        grid = grid_of(measurement.paid_bits, measurement.train_tokens, confidence.per_form)
        summand = choose_summand(selection, grid, len(evaluation.loss_nats), **shared)
        found[name] = sampled_bound(
            evaluation,
            summand,
            grid.choice_bits,
            training_loss_nats=training_loss,
            training_loss_se_nats=error,
            **shared,
        )
    return found
