"""Token losses of any model, measured elsewhere: from a file to every form of the bound."""

from dataclasses import dataclass
from pathlib import Path

import numpy as np

from bounds import FORMS, RiskBound, TokenLosses, shortest_code_bits
from bounds.forms.sampled import (
    Confidence,
    SummandGrid,
    WindowLosses,
    choose_summand,
    paper_grid,
    sampled_bound,
)
from compute.errors import InputError
from compute.table_file import numbers, read_table, require_column, require_one_measurement

#: Share of delta that a sampled bound gives to the sampling.
SAMPLE_SHARE = 0.1

#: Decides, before any loss is seen, which draws choose the parameters and which are evaluated.
SPLIT_SEED = 0


@dataclass(frozen=True)
class Measurement:
    """What a person knows of a model besides its losses.

    Attributes:
        params_total: N.
        train_tokens: D.
        vocab_size: V.
        code_bits: lengths of one or several codes for the evaluated model; the choice among
            several is paid for.
        failure_probability: delta, everything included.
        training_loss_nats: mean training loss of the unquantized model; None to count the gap
            from the losses given.
    """

    params_total: int
    train_tokens: int
    vocab_size: int
    code_bits: tuple[float, ...]
    failure_probability: float
    training_loss_nats: float | None = None

    @property
    def divided_delta(self) -> tuple[float, float]:
        """The failure probability of a sampled bound: (of the inequality, of the sampling)."""
        sample = self.failure_probability * SAMPLE_SHARE
        return self.failure_probability - sample, sample

    def check(self) -> None:
        """Raise InputError, naming the first value that is out of range."""
        counts = (("--params", self.params_total, 1), ("--train-tokens", self.train_tokens, 1))
        for name, value, least in (*counts, ("--vocab", self.vocab_size, 2)):
            if value < least:
                raise InputError(f"{name} must be at least {least}, not {value}.")
        for bits in self.code_bits:
            if not (np.isfinite(bits) and bits > 0):
                raise InputError(f"--code-bits must be greater than 0, not {bits}.")
        start = self.training_loss_nats
        if start is not None and not (np.isfinite(start) and start >= 0):
            raise InputError(f"--training-loss must be finite and not negative, not {start}.")
        if not 0.0 < self.failure_probability < 1.0:
            raise InputError(
                f"--delta must lie strictly between 0 and 1, not {self.failure_probability}."
            )


def bounds_of_file(path: Path, measurement: Measurement) -> dict[str, RiskBound]:
    """Every form that the file allows, by name.

    The file is Parquet or CSV with a column ``loss_nats`` and, if known, ``entropy_nats``
    (predictive entropies; without them the control variate is a constant).  Either it holds all D
    training tokens (a column ``tokens`` may count repeated rows), or a sample of windows drawn
    independently and uniformly with replacement: then a column ``window`` holds the *draw* that
    each row belongs to, equally many rows a draw.  A window drawn twice is two draws with two
    names.

    Raises:
        InputError: the file or a value cannot be used; nothing has been computed then.
    """
    measurement.check()
    columns = _read(path, measurement.vocab_size)
    paid = shortest_code_bits(*measurement.code_bits)
    if "window" in columns:
        try:
            return _sampled(path, columns, measurement, paid)
        except ValueError as error:
            raise InputError(f"No bound can be computed from these values: {error}.") from None
    losses = TokenLosses(columns["loss_nats"], columns["entropy_nats"], columns["tokens"])
    if losses.total_tokens != measurement.train_tokens:
        raise InputError(
            f"{path} covers {losses.total_tokens:,.0f} tokens and --train-tokens says "
            f"{measurement.train_tokens:,}: give the loss of every training token, or a sample of "
            "windows with a column 'window'."
        )
    start = measurement.training_loss_nats
    training_loss = losses.mean_loss_nats if start is None else start
    try:
        return {
            name: form(
                training_loss,
                losses,
                code_bits=paid,
                train_tokens=measurement.train_tokens,
                vocab_size=measurement.vocab_size,
                failure_probability=measurement.failure_probability,
            )
            for name, form in FORMS.items()
        }
    except ValueError as error:
        raise InputError(f"No bound can be computed from these values: {error}.") from None


def _sampled(
    path: Path, columns: dict[str, np.ndarray], measurement: Measurement, code_bits: float
) -> dict[str, RiskBound]:
    """Sampled form (1), its parameters chosen on half of the draws and evaluated on the others.

    Which half a draw falls into is drawn with a fixed seed, and so is the order of evaluation: the
    order of the file may follow the corpus, and then neither half alone would stand for it.
    """
    windows = _by_draw(path, columns)
    order = np.random.default_rng(SPLIT_SEED).permutation(len(windows.loss_nats))
    selection, evaluation = (
        WindowLosses(windows.loss_nats[part], windows.entropy_nats[part])
        for part in np.array_split(order, 2)
    )
    bound_delta, sample_delta = measurement.divided_delta
    # Two settings are shown below, so each gets half of the sampling's share.
    confidence = Confidence(bound=bound_delta, sample=sample_delta, settings_shown=2)
    shared = {
        "code_bits": code_bits,
        "train_tokens": measurement.train_tokens,
        "vocab_size": measurement.vocab_size,
        "confidence": confidence,
    }
    start = measurement.training_loss_nats
    training_loss = float(evaluation.loss_nats.mean()) if start is None else start
    grids = {
        "sampled": SummandGrid(),
        "sampled, paper's choices": paper_grid(
            code_bits, measurement.train_tokens, confidence.bound
        ),
    }
    found = {}
    for name, grid in grids.items():
        summand = choose_summand(selection, grid, len(evaluation.loss_nats), **shared)
        found[name] = sampled_bound(
            evaluation, summand, grid.choice_bits, training_loss_nats=training_loss, **shared
        )
    return found


def _read(path: Path, vocab_size: int) -> dict[str, np.ndarray]:
    """Columns of the file as float64, checked; ``window`` as numbers 0, 1, ... if it is there."""
    table = read_table(path)
    require_column(table, "loss_nats", path)
    require_one_measurement(table, path)
    columns = {}
    if "window" in table.column_names:
        names = table.column("window").combine_chunks()
        if names.null_count:
            raise InputError(f"The column 'window' of {path} holds empty values.")
        columns["window"] = names.dictionary_encode().indices.to_numpy()
    for name in ("loss_nats", "entropy_nats", "tokens"):
        if name not in table.column_names:
            continue
        values = numbers(table, name, path)
        bad = ~np.isfinite(values) | (values < 0)
        if bad.any():
            row = int(np.flatnonzero(bad)[0])
            raise InputError(
                f"The column '{name}' of {path} holds {values[row]} in row {row + 1}; every value "
                "must be finite and not negative."
            )
        columns[name] = values
    if not len(columns["loss_nats"]):
        raise InputError(f"{path} holds no rows.")
    columns.setdefault("entropy_nats", np.zeros_like(columns["loss_nats"]))
    columns.setdefault("tokens", np.ones_like(columns["loss_nats"]))
    if not np.all((columns["tokens"] > 0) & (columns["tokens"] % 1 == 0)):
        raise InputError(f"The column 'tokens' of {path} must hold whole numbers above 0.")
    most = np.log(vocab_size) + 1e-3
    if columns["entropy_nats"].max() > most:
        raise InputError(
            f"The column 'entropy_nats' of {path} holds {columns['entropy_nats'].max():.4g}, and "
            f"no prediction over {vocab_size:,} classes has an entropy above ln V = {most:.4f} "
            "nats; are these bits?"
        )
    return columns


def _by_draw(path: Path, columns: dict[str, np.ndarray]) -> WindowLosses:
    """Rows grouped into (draws, positions), draws in the order of their first row."""
    draws = columns["window"]
    counts = np.bincount(draws)
    if len(set(counts)) != 1 or len(counts) < 4:
        raise InputError(
            f"{path} holds {len(counts)} windows of {counts.min()} to {counts.max()} rows; at "
            "least 4 with equally many rows are needed. A window drawn twice must carry two names."
        )
    if not np.all(columns["tokens"] == 1):
        raise InputError(f"{path} has both 'window' and 'tokens' other than 1; leave one out.")
    order = np.argsort(draws, kind="stable")
    shape = (len(counts), counts[0])
    return WindowLosses(
        columns["loss_nats"][order].reshape(shape), columns["entropy_nats"][order].reshape(shape)
    )
