"""One quantity of several views: a law each, or on demand one law through all suites."""

import altair as alt
import pandas as pd

from bounds import PowerLaw
from dashboard.analysis.bound.units import NATS, Unit
from dashboard.analysis.laws.fits import SHAPES, exponent_in_words, law_of
from dashboard.analysis.measured.quantities import Quantity, quantities
from dashboard.charts import law_charts, vega
from dashboard.ui.beside import compare
from dashboard.ui.beside.view import View
from dashboard.ui.drawing import show
from dashboard.views.scaling_laws.charts import HEIGHT

#: Points of each suite, for readers who compare them in one chart.
POINT_SHAPES = ["circle", "square", "triangle-up", "diamond", "cross", "triangle-down"]


def section(
    views: list[View], label: str, floor: bool, reach: float, unit: Unit, together: bool
) -> None:
    """Charts and words.

    Args:
        label: of the quantity.
        together: whether one law is fitted to the models of all suites.
    """
    compare.unit_note(views, unit)
    there = {view.label: of_view(view, views[0], label) for view in views}
    found = {}
    for view in views:
        quantity = compare.attempt(lambda v=view: _quantity(v, there[v.label], unit))
        if quantity is not None:
            found[view.label] = quantity

    def law_in(view: View, quantity: Quantity) -> PowerLaw | str:
        return law_of(quantity.values, "value", SHAPES.get(view.said.get("law"), floor))

    def ends(view: View) -> tuple[float, float] | None:
        q = found.get(view.label)
        return q and law_charts.law_ends(q.values, "value", law_in(view, q), reach)

    span = compare.span_of(views, ends)

    def draw(view: View) -> alt.TopLevelMixin | str:
        quantity = _quantity(view, there[view.label], unit)
        if quantity is None:
            return f"Not measured there: {there[view.label]}."
        law = law_in(view, quantity)
        show.caption(exponent_in_words(law))
        panel = law_charts.law_panel(
            quantity.values,
            "value",
            "",
            quantity.colour,
            law,
            quantity.certified is not False,
            unit=quantity.unit,
            upper=quantity.upper,
            reach=reach,
            span=span,
        )
        return panel.properties(width="container", height=HEIGHT)

    compare.side_by_side(views, draw, label)
    values = [tuple(q.values["value"]) for q in found.values()]
    if len(values) > 1 and len(set(values)) == 1:
        show.caption("Every view has the same values: this quantity is not of what they differ in.")
    # A kept view's models may be those of the live one once more: it takes no part.
    of_suites = {v.suite.name: found[v.label] for v in views if not v.kept and v.label in found}
    if not together:
        show.caption("A law for each view by itself; no law mixes suites unless asked to.")
    elif len(of_suites) > 1:
        _mixed(of_suites, label, floor, reach)


def of_view(view: View, live: View, label: str) -> str:
    """The label of a quantity in another view: the gap at the chosen setting is there the gap at
    its own."""
    if view.choice.setting.family == live.choice.setting.family:
        return label
    return label.replace(live.choice.setting.label, view.choice.setting.label)


def _quantity(view: View, label: str, unit: Unit) -> Quantity | None:
    """The quantity of one suite, None where it was not measured."""
    there = {q.label: q for q in quantities(view.suite, view.choice, unit)}
    return there.get(label)


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
    show.chart(mixed_chart(frame, law, first, reach), heading, width="stretch")
    show.caption(
        f"{exponent_in_words(law)}. The suites differ in text, tokenizer, architecture and ways "
        "of training: what differs between them counts here as if it came with size."
    )


def mixed_chart(
    frame: pd.DataFrame, law: PowerLaw | str, quantity: Quantity, reach: float
) -> alt.LayerChart:
    """All models in one chart, a shape per suite, with the one law.

    Args:
        frame: columns suite, model_id, params_total, value.
    """
    bare = frame.assign(value=frame["value"])
    panel = law_charts.law_panel(
        bare,
        "value",
        "",
        quantity.colour,
        law,
        quantity.certified is not False,
        unit=quantity.unit,
        upper=quantity.upper,
        reach=reach,
    )
    names = list(dict.fromkeys(frame["suite"]))
    marks = (
        vega.Chart(frame[frame["value"] > 0])
        .mark_point(size=110, color=quantity.colour, opacity=1, filled=False, strokeWidth=1.5)
        .encode(
            x="params_total:Q",
            y="value:Q",
            shape=alt.Shape(
                "suite:N",
                scale=alt.Scale(domain=names, range=POINT_SHAPES[: len(names)]),
                legend=alt.Legend(title="Suite", orient="bottom", symbolOpacity=1),
            ),
            tooltip=[
                alt.Tooltip("suite:N"),
                alt.Tooltip("model_id:N", title="model"),
                alt.Tooltip("value:Q", title=quantity.unit, format=".5g"),
            ],
        )
    )
    return vega.layer(panel, marks).properties(width="container", height=HEIGHT)
