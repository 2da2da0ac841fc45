"""The bars of every scenario, and how far apart the predictions of two are."""

from dashboard.analysis.bound.units import Unit
from dashboard.analysis.laws.outlook import BOUND, GAP, Outlook
from dashboard.charts import predicted_bars
from dashboard.style.escaping import escaped
from dashboard.style.glossary import GAP_COLOUR, term_of
from dashboard.style.numbers import count_label, parse_count
from dashboard.ui.beside import compare
from dashboard.ui.beside.columns import Columns, NothingThereError
from dashboard.ui.beside.differences import Number, Numbers
from dashboard.ui.beside.view import View
from dashboard.ui.controls.registry import LAW
from dashboard.ui.drawing import show
from dashboard.ui.notes.subtitles import of_choice, subtitle
from dashboard.views.what_if import scenario

_PREDICTED = ":orange-badge[:material/trending_up: predicted]"


def scenario_of(view: View) -> scenario.Scenario:
    """What a view asks, but for the model size; a vocabulary is at least that of the suite."""
    vocab = max(parse_count(view.said["vocab"]), int(view.suite.models()["vocab_size"].max()))
    floor = LAW.options[view.said["law"]]
    return scenario.Scenario(view.choice, parse_count(view.said["ratio"]), round(vocab), floor)


def section(views: list[View], unit: Unit, live: Outlook) -> None:
    """Measured and predicted bars of every view, on one vertical axis, and the terms predicted.

    Args:
        live: what the laws say of the first view.
    """

    def read(view: View) -> tuple[Outlook, float]:
        outlook = live
        if view is not views[0]:
            outlook = scenario.outlook(view.suite, scenario_of(view), unit)
        if outlook is None or outlook.estimate(BOUND, view.size) is None:
            raise NothingThereError(
                "There is no prediction: too few models were measured at this setting there."
            )
        return outlook, view.size

    compare.unit_note(views, unit)
    columns = Columns.read(views, read)
    columns.chart(
        "Bound and its terms, measured and predicted",
        lambda found, span: predicted_bars.stacked(*found, unit, span and span[1]),
        lambda view, found: subtitle(unit.label, of_choice(view.choice)),
        lambda found: (0.0, predicted_bars.highest(*found, unit)),
        alone=f"Bound and its terms: measured, and predicted at N = {count_label(views[0].size)}",
    )
    if len(views) == 1:
        return
    show.caption(
        "One vertical axis for both. What is pale with dashed outlines is predicted by laws, with "
        "the 95 % prediction interval of the whole bound; it certifies nothing."
    )
    columns.differences(lambda view, found: _numbers(view, *found), unit)


def _numbers(view: View, outlook: Outlook, size: float) -> Numbers:
    """Bound, gap and terms by the laws of a view, at its own size."""
    keys = [("Bound", BOUND, ""), ("Gap", GAP, GAP_COLOUR)]
    keys += [(term_of(key).label, (key,), term_of(key).colour) for key in BOUND]
    lines = {
        label: Number(found.value, colour)
        for label, of, colour in keys
        if (found := outlook.estimate(of, size))
    }
    return Numbers(escaped(view.label), lines, badge=_PREDICTED)
