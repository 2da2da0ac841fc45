"""What the page *Scaling laws* fits: every quantity of the dashboard against model size."""

from collections.abc import Iterator
from dataclasses import dataclass

import numpy as np
import pandas as pd

from bounds import HeldOut, PowerLaw
from dashboard import curvature, information, quantization, variation
from dashboard.artifacts import Suite
from dashboard.curvature import MATRICES
from dashboard.laws import formula, held_out_of, law_of
from dashboard.published import published_curves
from dashboard.terms import CODES, PREQUENTIAL, Choice, bound_terms
from dashboard.text import (
    CODE_COLOURS,
    CODE_LABELS,
    GAP_COLOUR,
    MATRIX_COLOURS,
    TERMS,
    term_of,
)

MEASURED, ROUNDED, BOUNDED = "Measured of the models", "Quantization", "Terms of the bound"


@dataclass(frozen=True)
class Quantity:
    """Something with one value per model.

    Attributes:
        label: name in tables and controls, unique.
        short: name over a small chart.
        group: heading that it stands under.
        unit: of its values.
        colour: the one it has on every page.
        values: columns model_id, params_total, value.
        certified: whether the values are certificates or sizes of real files, False for those of
            a code that nobody can decode; None for plain measurements.
        table: artifact table it is computed from.
        section: of docs/THEORY.md that defines it.
        published: quantity of ``bounds.laws.published`` to compare with and whether per N, or None.
    """

    label: str
    short: str
    group: str
    unit: str
    colour: str
    values: pd.DataFrame
    certified: bool | None
    table: str
    section: str
    published: tuple[str, bool] | None = None


def quantities(suite: Suite, choice: Choice) -> list[Quantity]:
    """Every quantity that was measured, at one choice of the controls, in the page's order."""
    found = [*_of_models(suite, choice), *_rounded(suite, choice), *_of_bound(suite, choice)]
    return [quantity for quantity in found if len(quantity.values)]


def _values(frame: pd.DataFrame, key: str) -> pd.DataFrame:
    return frame[["model_id", "params_total"]].assign(value=frame[key].astype(float))


def _of_models(suite: Suite, choice: Choice) -> Iterator[Quantity]:
    terms = bound_terms(suite, choice)
    yield Quantity(
        "Training loss",
        "Training loss",
        MEASURED,
        "nats per token",
        term_of("training_loss_nats").colour,
        _values(terms, "measured_train_loss_nats"),
        None,
        "quantized",
        "0",
        ("loss_nats", False),
    )
    yield Quantity(
        "Loss variation Σ (paper's form)",
        "Σ, paper's form",
        MEASURED,
        "nats / √nat",
        term_of("loss_variation_nats").colour,
        _values(variation.sigma_by_size(suite, choice), "sigma_nats"),
        choice.certified,
        "loss_histograms",
        "1",
        ("sigma_nats", False),
    )
    known = information.by_model(suite)
    for label, key, unit in (
        ("Information K(h), prequential", "k_bits", "bits"),
        ("Information per parameter K(h)/N", "bits_per_parameter", "bits per parameter"),
    ):
        yield Quantity(
            label,
            label.removesuffix(", prequential").removeprefix("Information per parameter "),
            MEASURED,
            unit,
            CODE_COLOURS[PREQUENTIAL],
            _values(known, key),
            False,
            "information",
            "9",
            ("information_bits", key == "bits_per_parameter"),
        )
    traces = curvature.traces(suite)
    for matrix, name in MATRICES.items():
        yield Quantity(
            f"Tr(√), {name}",
            f"Tr(√), {name}",
            MEASURED,
            "√(nats per token)",
            MATRIX_COLOURS[matrix],
            _values(curvature.whole_models(traces, matrix), "trace_sqrt"),
            None,
            "curvature",
            "8",
        )


def _rounded(suite: Suite, choice: Choice) -> Iterator[Quantity]:
    models = suite.models()[["model_id", "params_total"]]
    sizes = models.merge(suite.quantized(choice.setting), on="model_id")
    for code, certified in CODES.items():
        bits = sizes[f"{code}_bits"] / sizes["params_total"]
        yield Quantity(
            f"Bits per parameter, {CODE_LABELS[code]}",
            f"Bits, {CODE_LABELS[code]}",
            ROUNDED,
            "bits per parameter",
            CODE_COLOURS[code],
            _values(sizes.assign(bits_of_code=bits), "bits_of_code"),
            certified,
            "quantized",
            "2",
        )
    gaps = quantization.gaps(suite)
    of_family = gaps[gaps["quantizer"] == choice.setting.family.label]
    for setting, rows in of_family.groupby("setting", sort=False):
        yield Quantity(
            f"Quantization gap, {setting}",
            f"Gap, {rows['rate'].iloc[0]}",
            ROUNDED,
            "nats per token",
            term_of("quantization_gap_nats").colour,
            _values(rows.sort_values("params_total"), "quantization_gap_nats"),
            None,
            "quantized",
            "4",
        )


def _of_bound(suite: Suite, choice: Choice) -> Iterator[Quantity]:
    terms = bound_terms(suite, choice)
    rows = [(f"Term: {t.label.lower()}", t.label, t.colour, t.key) for t in TERMS[1:]]
    rows.append(("Gap (bound − training loss)", "Gap", GAP_COLOUR, "gap_nats"))
    rows.append(("Bound", "Bound", GAP_COLOUR, "total_nats"))
    for label, short, colour, key in rows:
        if (terms[key] == 0).all():
            continue  # an unquantized model has no quantization gap
        yield Quantity(
            label,
            short,
            BOUNDED,
            "nats per token",
            colour,
            _values(terms, key),
            choice.certified,
            "loss_histograms, quantized",
            "4, 5",
        )


def law_and_held_out(quantity: Quantity, floor: bool) -> tuple[PowerLaw | str, HeldOut | str]:
    """The law of a quantity, and what the smaller models alone say of the largest."""
    frame = quantity.values
    return law_of(frame, "value", floor), held_out_of(frame, "value", floor)


def overview(found: list[Quantity], floor: bool) -> pd.DataFrame:
    """One row per quantity: its law, how certain, and how it predicts the largest model.

    Columns: quantity, group, unit, models, law (a line to copy, or why there is none), exponent (of
    N; negative where it falls), low and high (95 %), floor, scatter (rms of log residuals),
    predicted and measured (of the largest model, left out), error, inside (its interval),
    values_certified (of the models' values, no law is; None for plain measurements), table,
    section.
    """
    rows = []
    for quantity in found:
        law, held = law_and_held_out(quantity, floor)
        row = {
            "quantity": quantity.label,
            "group": quantity.group,
            "unit": quantity.unit,
            "models": len(quantity.values),
            "law": law if isinstance(law, str) else formula(law),
        }
        if isinstance(law, PowerLaw):
            low, high = law.exponent_interval
            row |= {"exponent": -law.exponent, "low": -high, "high": -low, "floor": law.offset}
            row |= {"scatter": law.log_residual_rms}
        if isinstance(held, HeldOut):
            row |= {"predicted": held.predicted, "measured": held.measured}
            row |= {"error": held.relative_error}
            row |= {"inside": bool(held.low <= held.measured <= held.high)}
        row |= {"values_certified": quantity.certified}
        row |= {"table": quantity.table, "section": quantity.section}
        rows.append(row)
    columns = ["quantity", "group", "unit", "models", "law", "exponent", "low", "high", "floor"]
    columns += ["scatter", "predicted", "measured", "error", "inside", "values_certified"]
    return pd.DataFrame(rows, columns=[*columns, "table", "section"])


def reported(suite: Suite, quantity: Quantity, reach: float) -> pd.DataFrame:
    """What others published of a quantity, over this suite's sizes and on to ``reach``."""
    if quantity.published is None:
        return pd.DataFrame()
    name, per_parameter = quantity.published
    curves = published_curves(
        name, suite.models(), reach, suite.tokens_per_parameter(), per_parameter=per_parameter
    )
    # Laws of one variable alone hold off the frontier, and one law fitted twice is one too many.
    return curves[~curves["law"].str.contains("unlimited|true optimum")]


def residuals(quantity: Quantity, law: PowerLaw) -> pd.DataFrame:
    """Columns model_id, params_total, residual: value over law, less 1."""
    frame = quantity.values
    return frame.assign(residual=frame["value"] / law.at(frame["params_total"]) - 1.0)


def stacked(suite: Suite, choice: Choice, floor: bool, reach: float) -> pd.DataFrame:
    """Terms of the bound by their laws, stacked over size up to ``reach``.

    Columns: params_total, key, term, nats, bottom, top, part (``measured range`` or
    ``extrapolated``). A term without a law (not positive at some model) is left out.
    """
    terms = bound_terms(suite, choice)
    smallest, largest = terms["params_total"].min(), terms["params_total"].max()
    parts = [("measured range", np.geomspace(smallest, largest, 30))]
    if reach > largest:
        parts.append(("extrapolated", np.geomspace(largest, reach, 60)))
    frames = []
    for part, sizes in parts:
        bottom = np.zeros(sizes.size)
        for term in TERMS:
            law = law_of(terms, term.key, floor)
            if isinstance(law, str):
                continue
            nats = law.at(sizes)
            columns = {"params_total": sizes, "nats": nats, "bottom": bottom, "top": bottom + nats}
            frames.append(pd.DataFrame(columns).assign(key=term.key, term=term.label, part=part))
            bottom = bottom + nats
    return pd.concat(frames, ignore_index=True) if frames else pd.DataFrame()


def loss_by_compute(suite: Suite) -> pd.DataFrame:
    """Online loss against compute of every model, averaged over runs of batches that widen.

    Columns: model_id, params_total, flops (6 N d after d tokens), loss_nats.
    """
    frames = []
    for model in suite.models().itertuples():
        curve = information.online_curve(suite, model.model_id, batches=None)
        if curve.empty:
            continue
        edges = np.geomspace(curve["tokens_seen"].min(), curve["tokens_seen"].max(), 80)
        bins = np.digitize(curve["tokens_seen"], edges)
        points = curve.groupby(bins)[["tokens_seen", "loss_nats"]].mean()
        flops = 6.0 * model.params_total * points["tokens_seen"]
        frames.append(
            pd.DataFrame({"flops": flops, "loss_nats": points["loss_nats"]}).assign(
                model_id=model.model_id, params_total=model.params_total
            )
        )
    return pd.concat(frames, ignore_index=True) if frames else pd.DataFrame()


def chosen(suite: Suite) -> pd.DataFrame:
    """Where each model ends: model_id, params_total, train_tokens, flops, and its training loss
    loss_nats."""
    models = suite.models()[["model_id", "params_total", "train_tokens"]]
    trained = suite.query("FROM quantized WHERE quantizer = 'none'")
    rows = models.merge(trained[["model_id", "train_loss_nats"]], on="model_id")
    flops = 6.0 * rows["params_total"] * rows["train_tokens"]
    return rows.assign(flops=flops).rename(columns={"train_loss_nats": "loss_nats"})
