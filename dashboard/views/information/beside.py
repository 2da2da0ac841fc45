"""Information per parameter of several views side by side."""

import altair as alt

from dashboard.analysis.bound.units import Unit
from dashboard.analysis.measured import information
from dashboard.ui.beside import compare, differences
from dashboard.ui.beside.stacked_terms import stacked_terms
from dashboard.ui.beside.view import View
from dashboard.ui.drawing import show
from dashboard.views.information import charts


def information_of(views: list[View], reach: float, unit: Unit) -> None:
    """Information per parameter by every code, or the bound where views differ in that alone."""
    if compare.differ_in(views, "suite", "quantizer"):
        bits_by_size(views, reach)
        differences.of_views(views, unit, None)
    else:
        stacked_terms(views, unit)


def bits_by_size(views: list[View], reach: float) -> None:
    """Information per parameter by every code, with the laws of each view, on one axis."""
    key = "bits_per_parameter"

    def parts(view: View) -> tuple | None:
        codes = information.by_code(view.suite, view.choice.setting)
        if codes.empty:
            return None
        laws = information.code_laws(codes, key)
        return codes, laws, information.reported(view.suite, reach, key)

    def ends(view: View) -> tuple[float, float] | None:
        found = parts(view)
        return found and charts.ends(*found, key, reach)

    span = compare.span_of(views, ends)

    def draw(view: View) -> alt.TopLevelMixin | str:
        found = parts(view)
        if found is None:
            return compare.NOTHING_THERE
        codes, laws, reported = found
        chart = charts.bits_by_size(codes, laws, key, "Bits per parameter", reach, reported, span)
        if information.by_model(view.suite).empty:
            show.caption("This suite holds no prequential information: real codes alone.")
        return chart

    compare.side_by_side(views, draw, "Bits per parameter")
