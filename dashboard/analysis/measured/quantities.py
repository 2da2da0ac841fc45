"""Every quantity of the dashboard that has one value per model, for its law in the model size."""

from collections.abc import Iterator
from dataclasses import dataclass

import pandas as pd

from dashboard.analysis.bound.gaps import of_gaps
from dashboard.analysis.bound.losses import Losses
from dashboard.analysis.bound.terms import (
    CODES,
    PREQUENTIAL,
    REQUENTIAL,
    Choice,
    bound_terms,
)
from dashboard.analysis.bound.units import NATS, Unit
from dashboard.analysis.measured import curvature, information, quantization, variation
from dashboard.analysis.measured.curvature import MATRICES
from dashboard.artifacts.database import remembered
from dashboard.artifacts.suite import Suite
from dashboard.style.glossary import (
    CODE_COLOURS,
    CODE_LABELS,
    GAP_COLOUR,
    MATRIX_COLOURS,
    TERMS,
    term_of,
)
from dashboard.style.rounded_up import UPPER

#: Columns of ``bound_terms`` about bounds, which plain measurements do not need.
_STATUS = ["certified", "not_certified_because"]

MEASURED, ROUNDED, BOUNDED = "Measured of the models", "Quantization", "Terms of the bound"


@dataclass(frozen=True)
class Quantity:
    """A quantity with one value per model.

    Attributes:
        label: name in tables and controls, unique.
        short: title of a small chart.
        group: heading of its group.
        unit: of its values.
        colour: its colour on every page.
        values: columns model_id, params_total, value; of bounds also certified and why not.
        certified: whether the values are certificates, sizes of real files or what students
            pay, False for those of a code without a decoder; None for plain measurements.
        table: artifact table it is computed from.
        section: of docs/THEORY.md that defines it.
        published: quantity of ``bounds.laws.published`` to compare with and whether per N, or None.
        upper: whether the values are upper bounds, which are printed rounded up.
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
    upper: bool = False


@remembered
def quantities(suite: Suite, choice: Choice, unit: Unit = NATS) -> list[Quantity]:
    """Every measured quantity at one choice of the controls, in the page's order; losses
    in ``unit``."""
    terms = Losses.of(suite, bound_terms(suite, choice), unit).table
    if terms.empty:
        return []
    gaps = Losses.of(suite, quantization.gaps(suite), unit).table
    found = [
        *_of_models(suite, choice, terms, unit),
        *_rounded(suite, choice, gaps, unit),
        *_of_bound(terms, unit, suite.is_sampled),
    ]
    return [quantity for quantity in found if len(quantity.values)]


def _values(frame: pd.DataFrame, key: str) -> pd.DataFrame:
    kept = [name for name in ("certified", "not_certified_because", "remark") if name in frame]
    values = frame[["model_id", "params_total", *kept]]
    return values.assign(value=frame[key].astype(float))


def _of_models(suite: Suite, choice: Choice, terms: pd.DataFrame, unit: Unit) -> Iterator[Quantity]:
    yield Quantity(
        "Training loss",
        "Training loss",
        MEASURED,
        unit.label,
        term_of("training_loss").colour,
        _values(terms.drop(columns=_STATUS), "measured_train_loss"),
        None,
        "quantized",
        "0",
        # Published losses are per token, and the bytes per token are unknown.
        None if unit.per_byte else ("loss_nats", False),
    )
    sigma = variation.sigma_by_size(suite, choice)
    yield Quantity(
        "Loss variation Σ (paper's form)",
        "Σ, paper's form",
        MEASURED,
        "nats / √nat",
        term_of("loss_variation").colour,
        _values(sigma, "sigma_nats"),
        bool(sigma["certified"].all()),
        _losses_table(suite.is_sampled),
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


def _rounded(suite: Suite, choice: Choice, gaps: pd.DataFrame, unit: Unit) -> Iterator[Quantity]:
    students = (REQUENTIAL,) if suite.has_students else ()
    for code in (*(CODES if choice.code != REQUENTIAL else ()), *students):
        of_code = choice.with_code(code)
        yield Quantity(
            f"Bits per parameter, {CODE_LABELS[code]}",
            f"Bits, {CODE_LABELS[code]}",
            ROUNDED,
            "bits per parameter",
            CODE_COLOURS[code],
            _values(information.bits_of(suite, of_code), "bits_per_parameter"),
            of_code.can_certify,
            "students" if code == REQUENTIAL else "quantized",
            "10" if code == REQUENTIAL else "2",
            ("requential_bits", True) if code == REQUENTIAL else None,
        )
    of_family = gaps[gaps["quantizer"] == choice.setting.family.label]
    for setting, rows in of_family.groupby("setting", sort=False):
        yield Quantity(
            f"Quantization gap, {setting}",
            f"Gap, {rows['rate'].iloc[0]}",
            ROUNDED,
            unit.label,
            term_of("quantization_gap").colour,
            _values(rows.sort_values("params_total"), "quantization_gap"),
            None,
            "quantized",
            "4",
        )


def _of_bound(terms: pd.DataFrame, unit: Unit, sampled: bool) -> Iterator[Quantity]:
    student = (terms["code"] == REQUENTIAL).all()
    rows = [(f"Term: {t.label.lower()}", t.label, t.colour, t.key) for t in TERMS[1:]]
    rows.append(("Gap (bound − training loss)", "Gap", GAP_COLOUR, "gap"))
    rows.append(("Bound", "Bound", GAP_COLOUR, "total"))
    for label, short, colour, key in rows:
        if (terms[key] == 0).all():
            continue  # the unquantized model has no quantization gap
        frame = of_gaps(terms) if key == "gap" else terms
        yield Quantity(
            label,
            short,
            BOUNDED,
            unit.label,
            colour,
            _values(frame, key),
            bool(frame["certified"].all()),
            f"{_losses_table(sampled)}, {'students' if student else 'quantized'}",
            "6" if sampled else "5, 10" if student else "4, 5",
            upper=key in UPPER,
        )


def _losses_table(sampled: bool) -> str:
    return "token_losses" if sampled else "loss_histograms"
