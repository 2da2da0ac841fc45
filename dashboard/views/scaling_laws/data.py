"""Data of the page *Scaling laws*: laws of quantities, the held-out check, the stacked terms."""

import numpy as np
import pandas as pd

from bounds import HeldOut, PowerLaw
from bounds.laws.published import FRONTIER
from bounds.printed import rounded_up
from dashboard.analysis.laws.fits import Law, Unfitted, formula, held_out_of, law_of
from dashboard.analysis.laws.published import published_curves
from dashboard.analysis.measured.quantities import Quantity
from dashboard.artifacts.suite import Suite
from dashboard.style.glossary import TERMS


def law_and_held_out(quantity: Quantity, floor: bool) -> tuple[Law, HeldOut | Unfitted]:
    """The law of a quantity, and the largest model predicted from the smaller ones."""
    frame = quantity.values
    return law_of(frame, "value", floor), held_out_of(frame, "value", floor)


def overview(found: list[Quantity], floor: bool) -> pd.DataFrame:
    """One row per quantity: its law, how certain, and how it predicts the largest model.

    Columns: quantity, group, unit, models, law (a line to copy, or why there is none), exponent (of
    N; negative where it falls), low and high (95 %), floor, scatter (rms of log residuals),
    predicted and measured (of the largest model, left out), error, inside (the prediction
    interval),
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
            "law": formula(law) if isinstance(law, PowerLaw) else str(law),
        }
        if isinstance(law, PowerLaw):
            low, high = law.exponent_interval
            row |= {"exponent": -law.exponent, "low": -high, "high": -low, "floor": law.offset}
            row |= {"scatter": law.log_residual_rms}
        if isinstance(held, HeldOut):
            measured = rounded_up(held.measured) if quantity.upper else held.measured
            row |= {"predicted": held.predicted, "measured": measured}
            row |= {"error": held.relative_error}
            row |= {"inside": held.inside}
        row |= {"values_certified": quantity.certified}
        row |= {"table": quantity.table, "section": quantity.section}
        rows.append(row)
    columns = ["quantity", "group", "unit", "models", "law", "exponent", "low", "high", "floor"]
    columns += ["scatter", "predicted", "measured", "error", "inside", "values_certified"]
    return pd.DataFrame(rows, columns=[*columns, "table", "section"])


def values(found: list[Quantity]) -> pd.DataFrame:
    """One row per quantity with its value of each model, if there are too few for laws.

    Columns: quantity, group, unit, one per model, values_certified, table, section.
    """
    rows = [
        {"quantity": q.label, "group": q.group, "unit": q.unit}
        | dict(zip(q.values["model_id"], q.values["value"], strict=True))
        | {"values_certified": q.certified, "table": q.table, "section": q.section}
        for q in found
    ]
    frame = pd.DataFrame(rows)
    last = ["values_certified", "table", "section"]
    return frame[[*frame.columns.difference(last, sort=False), *last]]


def reported(suite: Suite, quantity: Quantity, reach: float) -> pd.DataFrame:
    """Published laws of a quantity, over this suite's sizes and up to ``reach``."""
    if quantity.published is None:
        return pd.DataFrame()
    name, per_parameter = quantity.published
    ratio = suite.tokens_per_parameter()
    return published_curves(
        name, suite.models(), reach, ratio, per_parameter=per_parameter, keys=FRONTIER
    )


def residuals(quantity: Quantity, law: PowerLaw) -> pd.DataFrame:
    """Columns model_id, params_total, residual: value over law, less 1."""
    frame = quantity.values
    return frame.assign(residual=frame["value"] / law.at(frame["params_total"]) - 1.0)


def stacked(terms: pd.DataFrame, floor: bool, reach: float) -> pd.DataFrame:
    """Terms of the bound by their laws, stacked over size up to ``reach``.

    Args:
        terms: ``Losses`` of ``terms.bound_terms``, in any unit.

    Columns: params_total, key, term, value, bottom, top, part (``measured range`` or
    ``extrapolated``). A term without a law (not positive at some model) is left out.
    """
    smallest, largest = terms["params_total"].min(), terms["params_total"].max()
    parts = [("measured range", np.geomspace(smallest, largest, 30))]
    if reach > largest:
        parts.append(("extrapolated", np.geomspace(largest, reach, 60)))
    frames = []
    for part, sizes in parts:
        bottom = np.zeros(sizes.size)
        for term in TERMS:
            law = law_of(terms, term.key, floor)
            if isinstance(law, Unfitted):
                continue
            value = law.at(sizes)
            top = bottom + value
            columns = {"params_total": sizes, "value": value, "bottom": bottom, "top": top}
            frames.append(pd.DataFrame(columns).assign(key=term.key, term=term.label, part=part))
            bottom = top
    return pd.concat(frames, ignore_index=True) if frames else pd.DataFrame()
