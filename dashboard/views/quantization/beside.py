"""What quantization costs, and which rate bounds best, of several views side by side."""

import altair as alt
import pandas as pd

from dashboard.analysis.bound.terms import UNQUANTIZED
from dashboard.analysis.bound.units import Unit, shown
from dashboard.analysis.laws.fits import law_of
from dashboard.analysis.measured import quantization
from dashboard.charts import law_charts
from dashboard.style.escaping import escaped
from dashboard.style.glossary import term_of
from dashboard.ui.beside import compare, differences
from dashboard.ui.beside.differences import terms_of
from dashboard.ui.beside.view import View, nearest_model
from dashboard.ui.drawing import show
from dashboard.views.quantization import charts


def by_rate(views: list[View], unit: Unit) -> set[str]:
    """What quantization costs and which rate bounds best, of each view's model nearest to its
    size: the charts that show what the views differ in, which are returned: ``bound``, ``gap``."""
    drawn: set[str] = set()
    if len(views) == 1:
        return drawn
    show.subheader("What rounding costs, view by view")
    compare.unit_note(views, unit)
    if compare.differ_in(views, "suite", "form", "code", "delta", "model", "n"):
        bound_by_rate(views, unit)
        drawn.add("bound")
    if compare.kept_one(views) and compare.differ_in(views, "suite", "quantizer"):
        gap_by_size(views, unit)
        drawn.add("gap")
    differences.of_views(views, unit, None)
    return drawn


def bound_by_rate(views: list[View], unit: Unit) -> None:
    """Which rate bounds best, of each view's model nearest to its size, on one vertical axis."""

    def rows(view: View) -> pd.DataFrame:
        terms = terms_of(view, unit)
        if terms.empty:
            return terms
        settings = view.suite.settings()
        on_grid = [s for s in settings if s.family != UNQUANTIZED.family] or settings
        model_id = nearest_model(terms, view.size)
        found = quantization.bounds_by_rate(view.suite, view.choice, on_grid, model_id)
        return shown(view.suite, found, unit)

    def ends(view: View) -> tuple[float, float] | None:
        values = rows(view).get("bound_gap_nats", [])
        return (min(values), max(values)) if len(values) else None

    span = compare.span_of(views, ends)

    def draw(view: View) -> alt.TopLevelMixin | str:
        frame = rows(view)
        if frame.empty:
            return compare.NOTHING_THERE
        show.caption(f"Model nearest in size: **{escaped(frame['model_id'].iloc[0])}**")
        return charts.bound_by_rate(frame, unit, span)

    compare.side_by_side(views, draw, "Bound by rate")


def gap_by_size(views: list[View], unit: Unit) -> None:
    """The quantization gap against model size at each view's setting, on one vertical axis."""
    key = "quantization_gap_nats"

    def rows(view: View) -> pd.DataFrame:
        gaps = quantization.gaps(view.suite)
        return shown(view.suite, gaps[gaps["setting"] == view.choice.setting.label], unit)

    def ends(view: View) -> tuple[float, float] | None:
        frame = rows(view)
        return law_charts.law_ends(frame, key, law_of(frame, key)) if len(frame) else None

    span = compare.span_of(views, ends)

    def draw(view: View) -> alt.TopLevelMixin | str:
        frame = rows(view)
        if frame.empty:
            return "This is the trained model itself: there is no gap to show."
        law = law_of(frame, key)
        return charts.gap_by_size(frame, law, term_of(key).colour, None, unit, span)

    compare.side_by_side(views, draw, "Quantization gap against model size")
