"""Charts of the page *Scaling laws*: pure functions of data frames."""

from dataclasses import replace

import altair as alt
import pandas as pd

from dashboard.analysis.bound.units import NATS, Unit
from dashboard.analysis.laws.fits import Law
from dashboard.analysis.measured.quantities import Quantity
from dashboard.charts import tooltips, vega
from dashboard.charts.drawn_once import drawn_once
from dashboard.charts.law_charts import law_panel, size_scale
from dashboard.charts.marks import by_certificate, notes
from dashboard.style.glossary import GUIDE_COLOUR, TERMS
from dashboard.style.numbers import COUNT_TICKS
from dashboard.style.rounded_up import tooltip as upper_tooltip
from dashboard.style.rounded_up import with_printed

HEIGHT = 330


#: Points of each suite, for readers who compare them in one chart.
POINT_SHAPES = ["circle", "square", "triangle-up", "diamond", "cross", "triangle-down"]


@drawn_once
def detail(
    quantity: Quantity,
    law: Law,
    reach: float,
    published: pd.DataFrame | None = None,
    span: tuple[float, float] | None = None,
) -> alt.LayerChart:
    """One quantity large, its law drawn on to ``reach``, published laws dotted beside it.

    Args:
        span: that the vertical axis covers, to compare charts.
    """
    panel = law_panel(
        quantity.values,
        "value",
        "",
        quantity.colour,
        law,
        quantity.certified is not False,
        unit=quantity.unit,
        upper=quantity.upper,
        reach=reach,
        published=published,
        span=span,
    )
    return panel.properties(width="container", height=HEIGHT)


@drawn_once
def mixed(frame: pd.DataFrame, law: Law, quantity: Quantity, reach: float) -> alt.LayerChart:
    """All models in one chart, a shape per suite, with the one law.

    Args:
        frame: columns suite, model_id, params_total, value.
    """
    panel = detail(replace(quantity, values=frame), law, reach)
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
                alt.Tooltip("suite:N", title="suite"),
                alt.Tooltip("model_id:N", title="model"),
                tooltips.number("value", quantity.unit),
            ],
        )
    )
    return vega.layer(panel, marks).properties(width="container", height=HEIGHT)


@drawn_once
def residuals(frame: pd.DataFrame, colour: str) -> alt.LayerChart:
    """Distance of each model from its law, in per cent.

    Args:
        frame: from ``scaling.residuals``.
    """
    axis = alt.Axis(title="parameters N", **COUNT_TICKS, tickCount=5, grid=False)
    x = alt.X("params_total:Q", scale=size_scale(frame["params_total"]), axis=axis)
    y = alt.Y("residual:Q", title="Value over law − 1", axis=alt.Axis(format="+.1%", grid=False))
    zero = (
        vega.Chart(pd.DataFrame({"residual": [0.0]}))
        .mark_rule(strokeDash=[5, 4], color=GUIDE_COLOUR)
        .encode(y="residual:Q")
    )
    base = vega.Chart(frame)
    tooltip = [
        alt.Tooltip("model_id:N", title="model"),
        alt.Tooltip("residual:Q", title="distance from its law", format="+.2%"),
    ]
    return vega.layer(
        zero,
        base.mark_rule(color=colour, strokeWidth=2).encode(x=x, y=y, y2=alt.datum(0)),
        base.mark_point(size=60, filled=True, opacity=1, color=colour).encode(
            x=x, y=y, tooltip=tooltip
        ),
    ).properties(height=HEIGHT)


@drawn_once
def panels(found: list[Quantity], laws: dict[str, Law], reach: float | None) -> alt.ConcatChart:
    """Small charts of several quantities, each with its law, up to ``reach`` if given."""
    charts = [
        law_panel(
            quantity.values,
            "value",
            quantity.short,
            quantity.colour,
            laws[quantity.label],
            quantity.certified is not False,
            unit=quantity.unit,
            upper=quantity.upper,
            reach=reach,
        )
        for quantity in found
    ]
    return vega.concat(*charts, columns=3, spacing=26)


@drawn_once
def stacked(curves: pd.DataFrame, terms: pd.DataFrame, unit: Unit = NATS) -> alt.LayerChart:
    """Terms of the bound by their laws, stacked: strong where measured, pale beyond.

    Args:
        curves: from ``scaling.stacked``.
        terms: ``Losses`` of ``terms.bound_terms``: the measured bounds, drawn as points, hollow if
            they are not certificates.
        unit: of the losses in both.
    """
    present = [term for term in TERMS if term.key in set(curves["key"])]
    colour = alt.Color(
        "term:N",
        scale=alt.Scale(
            domain=[term.label for term in reversed(present)],
            range=[term.colour for term in reversed(present)],
        ),
        legend=alt.Legend(title="Terms by their laws", orient="right"),
    )
    scale = size_scale(curves["params_total"])
    axis = alt.Axis(title="Model size: parameters N (log scale)", **COUNT_TICKS, grid=False)
    x = alt.X("params_total:Q", scale=scale, axis=axis)
    layers = []
    for part, opacity in (("measured range", 0.85), ("extrapolated", 0.35)):
        rows = tooltips.with_counts(curves[curves["part"] == part])
        layers.append(
            vega.Chart(rows)
            .mark_area(opacity=opacity)
            .encode(
                x=x,
                y=alt.Y("bottom:Q", title=f"Bound, {unit.label}"),
                y2="top:Q",
                color=colour,
                tooltip=[
                    alt.Tooltip("term:N", title="term"),
                    tooltips.count("params_total", "N"),
                    tooltips.number("value", part),
                ],
            )
        )
    end = pd.DataFrame({"params_total": [terms["params_total"].max()], "text": ["extrapolated →"]})
    layers.append(
        vega.Chart(end)
        .mark_rule(strokeDash=[5, 4], color=GUIDE_COLOUR, strokeWidth=1.5)
        .encode(x=x)
    )
    layers.append(
        vega.Chart(end)
        .mark_text(align="left", dx=6, color=GUIDE_COLOUR)
        .encode(x=x, y=alt.value(8), text="text:N")
    )
    tooltip = [
        alt.Tooltip("model_id:N", title="model"),
        upper_tooltip("total", "bound, measured"),
    ]
    for rows, certified in by_certificate(with_printed(terms)):
        points = vega.Chart(rows).mark_point(
            size=60, color="#20242b", fill="white" if certified else None, opacity=1
        )
        layers.append(points.encode(x=x, y="total:Q", tooltip=[*tooltip, *notes(rows)]))
    return vega.layer(*layers).properties(height=HEIGHT)
