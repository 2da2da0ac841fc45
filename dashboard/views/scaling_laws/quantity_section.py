"""One quantity of several views: a law each, or on demand one law through all suites."""

import pandas as pd

from dashboard.analysis.bound.terms import Choice
from dashboard.analysis.bound.units import NATS, Unit
from dashboard.analysis.laws.fits import Law, exponent_text, law_of
from dashboard.analysis.measured.quantities import BOUNDED, ROUNDED, Quantity, quantities
from dashboard.charts import law_charts
from dashboard.ui.beside import compare
from dashboard.ui.beside.columns import Columns, NothingThereError
from dashboard.ui.beside.view import View
from dashboard.ui.controls.registry import LAW
from dashboard.ui.drawing import show
from dashboard.ui.notes.subtitles import of_choice, subtitle
from dashboard.views.scaling_laws import charts


def section(
    views: list[View], label: str, floor: bool, reach: float, unit: Unit, together: bool
) -> None:
    """Charts and words.

    Args:
        label: of the quantity.
        together: whether one law is fitted to the models of all suites.
    """
    compare.unit_note(views, unit)

    def read(view: View) -> tuple[Quantity, Law]:
        there = of_view(view, views[0], label)
        found = {q.label: q for q in quantities(view.suite, view.choice, unit)}
        if there not in found:
            raise NothingThereError(f"Not measured there: {there}.")
        shape = LAW.options.get(view.said.get("law"), floor)
        return found[there], law_of(found[there].values, "value", shape)

    columns = Columns.read(views, read)
    columns.chart(
        label,
        lambda found, span: charts.detail(*found, reach, span=span),
        lambda view, found: of_quantity(found[0], view.choice),
        lambda found: law_charts.law_ends(found[0].values, "value", found[1], reach),
        lambda found: exponent_text(found[1]),
    )
    found = {name: quantity for name, (quantity, _) in columns.found.items()}
    values = [tuple(quantity.values["value"]) for quantity in found.values()]
    if len(values) > 1 and len(set(values)) == 1:
        show.caption("Every view has the same values: this quantity is not of what they differ in.")
    # A pinned view's models may be those of the live one once more: it takes no part.
    of_suites = {v.suite.name: found[v.label] for v in views if not v.pinned and v.label in found}
    if not together:
        show.caption("A law for each view by itself; no law mixes suites unless asked to.")
    elif len(of_suites) > 1:
        _mixed(of_suites, label, floor, reach)


def of_quantity(quantity: Quantity, choice: Choice) -> str:
    """Unit of a quantity, and the setting as far as it depends on that."""
    if quantity.group == BOUNDED:
        setting = of_choice(choice)
    elif quantity.group == ROUNDED and quantity.certified is not None:
        setting = choice.setting.label  # the label of a gap names its own
    else:
        setting = ""
    return subtitle(quantity.unit, setting, "log axes")


def of_view(view: View, live: View, label: str) -> str:
    """The label of a quantity in another view: the gap at the chosen setting is there the gap at
    its own."""
    if view.choice.setting.family == live.choice.setting.family:
        return label
    return label.replace(live.choice.setting.label, view.choice.setting.label)


def _mixed(found: dict[str, Quantity], label: str, floor: bool, reach: float) -> None:
    """One law through the models of all suites, flagged as what it is."""
    first = next(iter(found.values()))
    if first.unit == NATS.label:
        show.info(
            "One law of a loss through several suites would mix nats of different tokens: choose "
            "*bits per byte* for it.",
            icon=":material/balance:",
        )
        return
    frame = pd.concat(
        [q.values.assign(suite=name) for name, q in found.items()], ignore_index=True
    ).sort_values("params_total", kind="stable")
    law = law_of(frame, "value", floor)
    heading = f"{label}, one law through all suites :orange-badge[:material/merge: mixes suites]"
    chart = charts.mixed(frame, law, first, reach)
    show.chart(chart, heading, subtitle(first.unit, "log axes"), width="stretch")
    show.caption(
        f"{exponent_text(law)}. The suites differ in text, tokenizer, architecture and ways "
        "of training: what differs between them counts here as if it came with size."
    )
