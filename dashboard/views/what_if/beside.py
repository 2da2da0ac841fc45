"""Two scenarios side by side, and how far apart their predictions are."""

import altair as alt

from dashboard.analysis.bound.units import Unit
from dashboard.analysis.laws.fits import SHAPES
from dashboard.analysis.laws.outlook import BOUND, GAP, Outlook
from dashboard.artifacts.errors import ArtifactError
from dashboard.charts import predicted_bars
from dashboard.style.escaping import escaped
from dashboard.style.glossary import GAP_COLOUR, term_of
from dashboard.style.numbers import parse_count
from dashboard.ui.beside import compare, differences
from dashboard.ui.beside.differences import Line
from dashboard.ui.beside.view import View
from dashboard.ui.drawing import show
from dashboard.views.what_if import scenario

_PREDICTED = ":orange-badge[:material/trending_up: predicted]"


def scenario_of(view: View) -> scenario.Scenario:
    """What a view asks, but for the model size; a vocabulary is at least that of the suite."""
    vocab = max(parse_count(view.said["vocab"]), int(view.suite.models()["vocab_size"].max()))
    floor = SHAPES[view.said["law"]]
    return scenario.Scenario(view.choice, parse_count(view.said["ratio"]), round(vocab), floor)


def section(views: list[View], unit: Unit) -> None:
    """Measured and predicted bars of every view, on one vertical axis, and the terms predicted."""
    compare.unit_note(views, unit)
    found: dict[str, Outlook | None] = {}
    for view in views:
        try:
            found[view.label] = scenario.outlook(view.suite, scenario_of(view), unit)
        except ArtifactError:
            continue  # its column says so
    usable = {v.label: o for v in views if (o := found.get(v.label)) and o.estimate(BOUND, v.size)}
    tops = [
        predicted_bars.highest(usable[v.label], v.size, unit) for v in views if v.label in usable
    ]

    def draw(view: View) -> alt.TopLevelMixin | str:
        if view.label not in found:
            scenario.outlook(view.suite, scenario_of(view), unit)  # once more, to say what is wrong
        outlook = usable.get(view.label)
        if outlook is None:
            return "There is no prediction: too few models were measured at this setting there."
        return predicted_bars.stacked(outlook, view.size, unit, max(tops))

    compare.side_by_side(views, draw, "Bound and its terms, measured and predicted")
    show.caption(
        "One vertical axis for both. What is pale with dashed outlines is predicted by laws, with "
        "the 95 % prediction interval of the whole bound; it certifies nothing."
    )
    kept = compare.kept_one(views)
    if kept is None or not {views[0].label, kept.label} <= usable.keys():
        return
    if compare.same_tokens([views[0], kept], unit):
        _numbers([views[0], kept], usable, unit)


def _numbers(pair: list[View], outlooks: dict[str, Outlook], unit: Unit) -> None:
    """Bound, gap and terms by the laws of either view, at its own size."""
    keys = [("Bound", BOUND, ""), ("Gap", GAP, GAP_COLOUR)]
    keys += [(term_of(key).label, (key,), term_of(key).colour) for key in BOUND]
    lines = []
    for label, of, colour in keys:
        values = [outlooks[view.label].estimate(of, view.size) for view in pair]
        if all(values) and any(found.value for found in values):
            lines.append(Line(label, *(found.value for found in values), colour))
    differences.table([f"{escaped(v.label)} {_PREDICTED}" for v in pair], lines, unit.label)
    differences.reading(lines, unit)
