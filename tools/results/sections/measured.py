"""What was measured: models, settings, hardware, time and failures."""

import pandas as pd

from dashboard.analysis.bound.units import BITS
from dashboard.artifacts.settings import QUANTIZERS, Setting, setting_of
from dashboard.style.numbers import duration
from tools.results.ladder import Ladder, Size
from tools.results.markdown import Part, bullets, paragraphs, table
from tools.results.words import counted, listed, number, spread

#: Stages in the order of the work.
_STAGES = ["train", "register", "trajectory", "quantize", "measure", "information", "curvature"]

#: Kinds of scoring of a setting, in the order of the table's columns.
_EVERYWHERE, _SOMEWHERE, _DRAWN = "everywhere", "somewhere", "drawn"


def section(ladder: Ladder) -> Part:
    """The section."""
    return Part(
        paragraphs(
            "## 1. What was measured",
            _models_text(ladder),
            _models_table(ladder),
            _losses_text(ladder),
            "### Settings",
            _settings(ladder),
            "### Hardware, time and failures",
            _time(ladder),
        )
    )


def _models_text(ladder: Ladder) -> str:
    models, sizes = ladder.models, ladder.sizes
    ratios = models["train_tokens"] / models["params_total"]
    several = [size for size in sizes if size.seeds > 1]
    counts = [f"{size.seeds} at {size.label}" for size in several]
    seeds = (
        f"Seeds: {listed(counts)}, one for the others."
        if several
        else "One seed was trained at each size."
    )
    return " ".join(
        [
            f"{counted(len(models), 'model').capitalize()} of {counted(len(sizes), 'size')}, from "
            f"{sizes[0].label} to {ladder.largest.label} parameters, embeddings included. {seeds}",
            f"Architecture: {_values(models['family'])}; run in {_values(models['arithmetic'])}; "
            f"context: {_values(models['context_length'])} tokens.",
            f"Text: {_values(models['corpus'])}. {_token(models)}",
            f"Each model saw one epoch of $D$ tokens, {_range(ratios)} per parameter, each token "
            "once.",
        ]
    )


def _token(models: pd.DataFrame) -> str:
    vocabulary, size = _values(models["vocab_size"]), float(models["bytes_per_token"].mean())
    what = "one byte" if size == 1.0 else f"{number(size, 2)} bytes on average"
    return (
        f"A token is {what}, $V$ = {vocabulary}: a nat per token is {number(BITS.of_nats(size))} "
        "bits per byte, and the loss of a uniform guess is $\\ln V$."
    )


def _values(column: pd.Series) -> str:
    return listed([str(value) for value in sorted(set(column))])


def _range(values: pd.Series) -> str:
    low, high = f"{values.min():.2f}", f"{values.max():.2f}"
    return low if low == high else f"{low} to {high}"


def _models_table(ladder: Ladder) -> str:
    header = ["N", "D", "layers", "width", "learning rate", "batch, windows", "seeds"]
    return table([*header, "training loss", "held-out loss"], map(_row, ladder.sizes))


def _row(size: Size) -> list[str]:
    first, rows = size.first, size.models
    # The held-out documents are the same for every seed: their error does not average out.
    error = rows["heldout_loss_se_nats"].mean()
    return [
        f"{size.params:,}",
        f"{int(first['train_tokens']):,}",
        f"{int(first['layers'])}",
        f"{int(first['hidden_size'])}",
        "–" if pd.isna(first["learning_rate"]) else f"{first['learning_rate']:g}",
        "–" if pd.isna(first["batch_windows"]) else f"{int(first['batch_windows'])}",
        str(size.seeds),
        spread(list(rows["train_loss_nats"])),
        f"{spread(list(rows['heldout_loss_nats']))} ± {number(error)}",
    ]


def _losses_text(ladder: Ladder) -> str:
    rows = ladder.models
    whole = (rows["train_tokens_evaluated"] == rows["train_tokens"]).all()
    training = (
        "The training loss is of the unquantized model over all its training tokens: it has no "
        "sampling error."
        if whole
        else "The training loss is of the unquantized model, at some sizes over drawn windows."
    )
    several = any(size.seeds > 1 for size in ladder.sizes)
    of_seeds = " For several seeds the mean comes first, then the smallest and largest."
    heldout = _range_of_counts(rows["heldout_tokens_evaluated"])
    return (
        f"Losses are in nats per token. {training} The held-out loss is over {heldout} tokens of "
        "documents that no model was trained on, ± one standard error with documents as "
        f"independent units.{of_seeds if several else ''}"
    )


def _range_of_counts(column: pd.Series) -> str:
    low, high = int(column.min()), int(column.max())
    return f"{low:,}" if low == high else f"{low:,} to {high:,}"


def _settings(ladder: Ladder) -> str:
    status = _scored(ladder)
    header = ["quantizer", "every training token, all models", "every training token, some models"]
    rows = []
    for quantizer in QUANTIZERS:
        found = [(setting, *rest) for setting, *rest in status if setting.family == quantizer]
        if found:
            cells = [_rates(found, kind) for kind in (_EVERYWHERE, _SOMEWHERE, _DRAWN)]
            unit = "step" if found[0][0].step is not None else "bits"
            rows.append([f"{quantizer.label}, {unit}", *cells])
    counts = (
        f"{counted(len(status), 'setting').capitalize()}. A bound needs every training token of "
        "its model; with only random windows there is a mean loss and no bound."
    )
    return paragraphs(counts, table([*header, "random windows only"], rows))


def _scored(ladder: Ladder) -> list[tuple[Setting, str, int, int]]:
    """Every setting with its kind of scoring, models with all tokens, and all models."""
    counts = ladder.suite.query(
        """
        SELECT q.quantizer, q.bits, q.group_size, q.step, q.quantizer_seed,
               count(*) AS models, count(*) FILTER (
                   q.train_tokens_evaluated = m.train_tokens) AS whole
        FROM quantized q JOIN models m USING (model_id) WHERE m.train_fraction = 1.0
        GROUP BY ALL ORDER BY q.quantizer, q.bits, q.group_size, q.step, q.quantizer_seed
        """
    )
    found = []
    for row in counts.to_dict("records"):
        whole, models = int(row["whole"]), int(row["models"])
        everywhere = _EVERYWHERE if whole == len(ladder.models) else _SOMEWHERE
        found.append((setting_of(row), everywhere if whole else _DRAWN, whole, models))
    return found


def _rates(found: list[tuple[Setting, str, int, int]], kind: str) -> str:
    names = [
        setting.rate.removeprefix("step ")
        + (f" ({whole} of {models})" if kind is _SOMEWHERE else "")
        for setting, how, whole, models in found
        if how is kind
    ]
    return ", ".join(names) or "–"


def _time(ladder: Ladder) -> str:
    units = ladder.suite.query(
        f"""
        SELECT stage, device, count(*) AS units, count(*) FILTER (status != 'ok') AS failed,
               sum(seconds) AS seconds, max(seconds) AS longest
        FROM units GROUP BY stage, device ORDER BY list_position({_STAGES}, stage), stage, device
        """
    )
    if units.empty:
        return "No record of the units of work was kept."
    rows = [
        [
            row.stage,
            row.device,
            f"{row.units:,}",
            f"{row.failed:,}",
            duration(row.seconds),
            duration(row.longest),
        ]
        for row in units.itertuples()
    ]
    header = ["stage", "device", "units", "failed", "wall time, summed", "longest unit"]
    total = (
        f"{counted(int(units['units'].sum()), 'unit').capitalize()} of work took "
        f"{duration(units['seconds'].sum())} of wall time in total, of one worker each. A unit "
        "that continued finished work counts only its own time."
    )
    return paragraphs(table(header, rows), total, _failures(ladder))


def _failures(ladder: Ladder) -> str:
    failed = ladder.suite.query(
        "SELECT * FROM units WHERE status != 'ok' ORDER BY model_id, stage, quantizer, bits, step"
    )
    if failed.empty:
        return "No unit failed."
    names = []
    for row in failed.to_dict("records"):
        setting = f" at {setting_of(row).label}" if row["quantizer"] else ""
        names.append(f"{row['stage']} of {row['model_id']}{setting}: {row['error']}")
    return paragraphs(f"{counted(len(failed), 'unit').capitalize()} failed:", bullets(names))
