"""Which rate bounds best, and what quantization costs, of every view."""

import pandas as pd

from dashboard.analysis.bound.losses import Losses
from dashboard.analysis.bound.units import Unit
from dashboard.analysis.laws.fits import law_of
from dashboard.analysis.measured import quantization
from dashboard.artifacts.settings import UNQUANTIZED
from dashboard.charts import law_charts
from dashboard.style.escaping import escaped
from dashboard.style.glossary import term_of
from dashboard.ui.beside import compare
from dashboard.ui.beside.bound_columns import bound_of
from dashboard.ui.beside.columns import Columns, NothingThereError
from dashboard.ui.beside.view import View
from dashboard.ui.notes.subtitles import code_and_delta, subtitle
from dashboard.views.quantization import charts

_GAP = term_of("quantization_gap")


def rate_views(views: list[View]) -> list[View]:
    """Views whose bounds by rate are drawn: all, if they differ in these bounds."""
    differ = compare.differ_in(views, "suite", "form", "code", "delta", "model", "n")
    return views if differ else views[:1]


def gap_views(views: list[View]) -> list[View]:
    """Views whose gaps over model size are drawn: all, if a pinned one differs in them."""
    differ = compare.pair(views) and compare.differ_in(views, "suite", "quantizer")
    return views if differ else views[:1]


def bounds(views: list[View], unit: Unit, alone: str) -> None:
    """Which rate bounds best, of each view's model nearest to its size.

    Args:
        alone: title of the chart of one view.
    """
    Columns.read(views, lambda view: _bounds(view, unit)).chart(
        "Bound by rate",
        lambda frame, span: charts.bound_by_rate(frame, unit, span),
        lambda view, frame: subtitle(unit.label, "every rate", code_and_delta(view.choice)),
        lambda frame: (frame["bound_gap"].min(), frame["bound_gap"].max()),
        lambda frame: f"Model nearest in size: **{escaped(frame['model_id'].iloc[0])}**",
        alone,
    )


def gaps(views: list[View], unit: Unit, alone: str, at: float | None) -> None:
    """The quantization gap against model size at each view's setting.

    Args:
        alone: as for ``bounds``.
        at: a size that was not measured, marked on the law of one view by itself.
    """
    Columns.read(views, lambda view: _gaps(view, unit)).chart(
        "Quantization gap against model size",
        lambda gaps, span: charts.gap_by_size(
            gaps, law_of(gaps, _GAP.key), _GAP.colour, None if span else at, unit, span
        ),
        lambda view, gaps: subtitle(unit.label, view.choice.setting.label, "log axes"),
        lambda gaps: law_charts.law_ends(gaps, _GAP.key, law_of(gaps, _GAP.key)),
        alone=alone,
    )


def _bounds(view: View, unit: Unit) -> pd.DataFrame:
    """Of the model nearest to the view's size, the bound at every rate."""
    settings, model_id = view.suite.settings(), bound_of(view, unit).model_id
    on_grid = [s for s in settings if s.family != UNQUANTIZED.family] or settings
    found = quantization.bounds_by_rate(view.suite, view.choice, on_grid, model_id)
    return Losses.of(view.suite, found, unit).table


def _gaps(view: View, unit: Unit) -> pd.DataFrame:
    """The quantization gap of every model at the view's setting."""
    gaps = quantization.gaps(view.suite)
    at_setting = gaps[gaps["setting"] == view.choice.setting.label]
    gaps = Losses.of(view.suite, at_setting, unit).table
    if gaps.empty:
        raise NothingThereError("This is the trained model itself: there is no gap to show.")
    return gaps
