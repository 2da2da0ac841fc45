"""The claim of two views side by side, and how far apart they are for the largest model."""

import altair as alt

from dashboard.analysis.bound.units import Unit
from dashboard.artifacts.errors import ArtifactError
from dashboard.ui.beside import compare, differences
from dashboard.ui.beside.view import View
from dashboard.ui.controls.registry import BEST
from dashboard.ui.drawing import show
from dashboard.views.overview import charts
from dashboard.views.overview.data import Overview, at_best, at_choice, best_choice

#: Controls that the page has, though some only where all models have one setting.
OVERVIEW_NAMES = ("suite", "settings", "quantizer", "bits", "form", "code", "delta")


def of_view(view: View, unit: Unit) -> Overview:
    """The claim of a view.

    Raises:
        ArtifactError: no model has a bound at this choice, or files cannot be used.
    """
    if view.said.get("settings") == BEST:
        delta = view.choice.failure_probability
        return at_best(view.suite, best_choice(view.suite, delta), unit)
    return at_choice(view.suite, view.choice, unit)


def section(views: list[View], unit: Unit) -> None:
    """The chart of every view, on one vertical axis, and the numbers of the largest models."""
    compare.unit_note(views, unit)
    found = {}
    for view in views:
        try:
            found[view.label] = of_view(view, unit)
        except ArtifactError:
            continue  # its column says so
    top = max((charts.highest(claim, unit) for claim in found.values()), default=1.0)

    def draw(view: View) -> alt.TopLevelMixin:
        claim = found.get(view.label) or of_view(view, unit)
        return charts.claim(claim, unit, height=270, top=top)

    compare.side_by_side(views, draw, "What is guaranteed, and what was measured")
    kept = compare.kept_one(views)
    if kept is not None and {views[0].label, kept.label} <= found.keys():
        pair = [views[0], kept]
        several = any(len(found[view.label].ours) > 1 for view in pair)
        of = " The numbers are those of each view's largest model." if several else ""
        show.caption(f"One vertical axis for both.{of}")
        differences.of_rows(pair, [found[view.label].largest for view in pair], unit)
