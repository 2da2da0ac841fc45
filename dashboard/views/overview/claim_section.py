"""The claim of every view, and how far apart two are for the largest model."""

from dashboard.analysis.bound.units import Unit
from dashboard.ui.beside import compare
from dashboard.ui.beside.columns import Columns
from dashboard.ui.beside.differences import of_bound
from dashboard.ui.beside.view import View
from dashboard.ui.controls.registry import BEST
from dashboard.ui.drawing import show
from dashboard.ui.notes.subtitles import code_and_delta, of_choice, subtitle
from dashboard.views.overview import charts
from dashboard.views.overview.data import Overview, at_best, at_choice, best_choice


def setting_of(claim: Overview) -> str:
    """The setting of our bound as text; the caption says which is the best one of a model."""
    if not claim.best:
        return of_choice(claim.choice)
    codes = dict.fromkeys(claim.ours["code"])
    return f"best settings, {code_and_delta(claim.choice, *codes)}"


def section(views: list[View], unit: Unit) -> None:
    """The chart of every view, on one vertical axis, and the numbers of the largest models."""

    def claim_of(view: View) -> Overview:
        if view.said.get("settings") == BEST:
            delta = view.choice.failure_probability
            return at_best(view.suite, best_choice(view.suite, delta), unit)
        return at_choice(view.suite, view.choice, unit)

    compare.unit_note(views, unit)
    columns = Columns.read(views, claim_of)
    columns.chart(
        "What is guaranteed, and what was measured",
        lambda claim, span: charts.claim(claim, unit, height=270, top=span and span[1]),
        lambda view, claim: subtitle(unit.label, setting_of(claim)),
        lambda claim: (0.0, charts.highest(claim, unit)),
    )
    if len(views) == 1:
        return
    several = any(len(claim.ours) > 1 for claim in columns.found.values())
    of = " The numbers are those of each view's largest model." if several else ""
    show.caption(f"One vertical axis for both.{of}")
    columns.differences(lambda view, claim: of_bound(view, claim.largest), unit)
