"""Charts of the bound's terms: pure functions of data frames, no queries here."""

from functools import partial

import altair as alt
import numpy as np
import pandas as pd

from bounds.printed import upper_text
from dashboard.analysis.bound import progressive
from dashboard.analysis.bound.units import NATS, Unit
from dashboard.charts import tooltips, vega
from dashboard.charts.by_size import (
    guess_line,
    guesses,
    range_of_seeds,
    size_axis,
    stacked_rows,
)
from dashboard.charts.drawn_once import drawn_once
from dashboard.charts.law_charts import size_scale
from dashboard.charts.marks import by_certificate, fill_of_bar, notes
from dashboard.style.glossary import (
    GUIDE_COLOUR,
    HELDOUT_LABEL,
    MEASURED_COLOURS,
    PAPER_LABEL,
    PAPER_UNCERTIFIED_LABEL,
    TRAIN_LABEL,
    terms_in,
)
from dashboard.style.rounded_up import label, tooltip, with_printed

#: Dark ink of outlines on bright fills.
_INK = "#20242b"


def term_colours(terms: pd.DataFrame, legend: alt.Legend | None) -> alt.Color:
    """One colour per term, reversed so that the legend reads from top to bottom like the stack."""
    shown = terms_in(terms)[::-1]
    scale = alt.Scale(domain=[t.label for t in shown], range=[t.colour for t in shown])
    return alt.Color("term:N", scale=scale, legend=legend)


@drawn_once
def stacked_terms(
    terms: pd.DataFrame,
    paper: pd.DataFrame,
    selected: str,
    unit: Unit = NATS,
    top: float | None = None,
    narrow: bool = False,
    seeds: pd.DataFrame | None = None,
    on_the_way: pd.DataFrame | None = None,
) -> alt.LayerChart:
    """Terms of the bound stacked over model size, with the measured losses on top.

    Bars that are not certificates are hollow: outlines without a fill.

    Args:
        terms: ``Losses`` of ``terms.bound_terms``, in ``unit``.
        paper: the same in the paper's form, whose totals are drawn as lines above the bars.
        selected: model_id drawn in full strength.
        top: end of the vertical axis, to compare charts.
        narrow: whether the chart is one of several under one legend.
        seeds: from ``seeds.spread`` of ``total``, drawn as the range of the bound.
        on_the_way: from ``progressive.on_the_way``, drawn as triangles.
    """
    x = alt.X(
        "params_total:Q",
        scale=size_scale(terms["params_total"]),
        axis=size_axis(terms["params_total"], narrow),
    )
    fixed = {} if top is None else {"domain": [0.0, top], "nice": False}
    y = alt.Y("bottom:Q", title=f"Loss, {unit.label}", scale=alt.Scale(zero=True, **fixed))
    width = int(np.clip((120 if narrow else 420) / len(terms), 8, 56))
    legend = None if narrow else alt.Legend(title="Terms of the bound", symbolOpacity=1)
    colour = term_colours(terms, legend)
    layers: list[alt.Chart | alt.LayerChart] = []
    kept = ["model_id", "params_total", "total", "certified"]
    kept += [key for key in ("not_certified_because", "stand_in", "remark") if key in terms]
    for rows, certified in by_certificate(with_printed(stacked_rows(terms, terms_in(terms), kept))):
        layers.append(
            vega.Chart(rows)
            .mark_bar(width=width, **fill_of_bar(certified))
            .encode(
                x=x,
                y=y,
                y2="top:Q",
                color=colour,
                opacity=alt.condition(
                    alt.datum.model_id == selected, alt.value(1.0), alt.value(0.62)
                ),
                tooltip=[
                    alt.Tooltip("model_id:N", title="model"),
                    alt.Tooltip("term:N", title="term"),
                    tooltips.number("value", unit.label),
                    tooltip("total", "bound"),
                    *notes(rows),
                ],
            )
        )
    for rows, certified in by_certificate(terms):
        layers += _totals(rows, x, certified)
    if seeds is not None and len(seeds):
        layers.append(range_of_seeds(seeds, x, unit, _INK))
    online = terms.head(0) if on_the_way is None else on_the_way
    compared = _comparisons(terms, paper, online, x, width, unit, narrow)
    layers += [*guess_line(guesses(terms, unit), right=True), *compared]
    return vega.layer(*layers).properties(height=330 if narrow else 380)


def highest(terms: pd.DataFrame, paper: pd.DataFrame, unit: Unit) -> float:
    """The end of a vertical axis that shows either form's bounds and the uniform guess."""
    totals = pd.concat([terms["total"], paper["total"]])
    return 1.06 * max(float(totals.max()), *guesses(terms, unit))


def _totals(rows: pd.DataFrame, x: alt.X, certified: bool) -> list[alt.Chart]:
    """The bound as a number inside its bar, so that it is not read as the value of a line above.

    Without a bar it is above the point.
    """
    inside = {"dy": 11, "color": _INK} if certified else {"dy": -8, "color": GUIDE_COLOUR}
    numbers = vega.Chart(with_printed(rows, 2)).encode(
        x=x, y=alt.Y("total:Q"), text=label("total", 2)
    )
    bold = {"fontSize": 12, "fontWeight": "bold"}
    totals = [numbers.mark_text(**bold, **inside)]
    if certified:  # a pale halo keeps it legible on every colour, light or dark
        halo = {"stroke": "white", "strokeWidth": 3, "opacity": 0.8}
        totals = [numbers.mark_text(**bold, **(inside | halo)), *totals]
    return totals


def _comparisons(
    terms: pd.DataFrame,
    paper: pd.DataFrame,
    online: pd.DataFrame,
    x: alt.X,
    width: int,
    unit: Unit,
    narrow: bool,
) -> list[alt.Chart]:
    """The measured losses, the bound during training, and the paper's bound, as points and lines.

    The held-out loss has two standard errors each way, the bound during training is a triangle,
    and the paper's bound is a line a little wider than the bar.
    """
    frame = terms.assign(
        low=terms["measured_heldout_loss"] - 2 * terms["measured_heldout_se"],
        high=terms["measured_heldout_loss"] + 2 * terms["measured_heldout_se"],
    )
    measured = pd.concat(
        [
            frame.assign(what=TRAIN_LABEL, loss=frame["measured_train_loss"]),
            frame.assign(what=HELDOUT_LABEL, loss=frame["measured_heldout_loss"]),
        ]
    )
    totals = paper.assign(
        what=np.where(paper["certified"], PAPER_LABEL, PAPER_UNCERTIFIED_LABEL),
        loss=paper["total"],
    )
    online = online[online["model_id"].isin(terms["model_id"])]
    online = online.assign(what=progressive.LABEL, loss=online["total"])
    looks = {
        HELDOUT_LABEL: ("diamond", MEASURED_COLOURS[0]),
        TRAIN_LABEL: ("circle", MEASURED_COLOURS[1]),
        **({progressive.LABEL: ("triangle-up", progressive.COLOUR)} if len(online) else {}),
        **dict.fromkeys(paper_kinds(paper), ("stroke", GUIDE_COLOUR)),
    }
    kinds, shapes, fills = list(looks), *map(list, zip(*looks.values(), strict=True))
    look_of_marks = {"symbolStrokeWidth": 1.4, "symbolSize": 95}
    legend = None if narrow else alt.Legend(title="For comparison", labelLimit=260, **look_of_marks)
    measured, totals, online = (
        frame.assign(shown=[of(loss) for loss in frame["loss"]])
        for frame, of in (
            (measured, "{:.3f}".format),
            (totals, partial(upper_text, digits=3)),
            (online, partial(upper_text, digits=3)),
        )
    )
    look = {
        "x": x,
        "y": "loss:Q",
        "shape": alt.Shape(
            "what:N",
            scale=alt.Scale(domain=kinds, range=shapes),
            legend=legend,
        ),
        "fill": alt.Fill(
            "what:N",
            scale=alt.Scale(domain=kinds, range=fills),
            legend=legend,
        ),
        "tooltip": [
            alt.Tooltip("model_id:N", title="model"),
            alt.Tooltip("what:N", title="quantity"),
            alt.Tooltip("shown:N", title=unit.label),
        ],
    }
    errors = (
        vega.Chart(frame).mark_rule(color=_INK, strokeWidth=1.5).encode(x=x, y="low:Q", y2="high:Q")
    )
    outline = {"size": 95, "stroke": _INK, "strokeWidth": 1.2, "opacity": 1}
    points = vega.Chart(measured).mark_point(**outline)
    triangles = [
        vega.Chart(rows)
        .mark_point(**outline if certified else outline | {"filled": False, "strokeDash": [3, 3]})
        .encode(**look)
        for rows, certified in by_certificate(online)
    ]
    lines = [
        vega.Chart(rows)
        .mark_point(
            size=(width + 14) ** 2,
            stroke=GUIDE_COLOUR,
            strokeWidth=2.5,
            opacity=1,
            **({} if certified else {"strokeDash": [3, 3]}),
        )
        .encode(**look)
        for rows, certified in by_certificate(totals)
    ]
    return [*lines, errors, points.encode(**look), *triangles]


def paper_kinds(paper: pd.DataFrame) -> list[str]:
    """Labels of the lines above the bars: bounds, or totals of the paper's terms that are not."""
    names = {True: PAPER_LABEL, False: PAPER_UNCERTIFIED_LABEL}
    return [names[certified] for _, certified in by_certificate(paper)]
