"""The measured bounds as solid bars and the predicted one as a pale bar."""

from functools import partial

import altair as alt
import numpy as np
import pandas as pd

from bounds.printed import upper_text
from dashboard.analysis.bound.units import NATS, Unit
from dashboard.analysis.laws.outlook import BOUND, Estimate, Outlook
from dashboard.charts import tooltips, vega
from dashboard.charts.bound_charts import term_colours
from dashboard.charts.by_size import guess_line, guesses, stacked_rows
from dashboard.charts.drawn_once import drawn_once
from dashboard.charts.marks import by_certificate, fill_of_bar
from dashboard.style.glossary import GUIDE_COLOUR, TERMS
from dashboard.style.numbers import count_label

_PREDICTED_DASH = [4, 3]

#: Maximum factor by which an interval may stretch an axis; the page has the full interval.
_ROOM = 1.6


def highest(view: Outlook, n: float, unit: Unit = NATS) -> float:
    """The end of a vertical axis for these bars, the uniform guess, and the predicted interval.

    The interval is cut off if it would squeeze the bars.
    """
    total = view.estimate(BOUND, n) or Estimate(0.0, 0.0, 0.0)
    values = {key: view.estimate((key,), n) for key in BOUND}
    row = {key: found.value if found else 0.0 for key, found in values.items()}
    frame = pd.concat([view.terms[list(BOUND)], pd.DataFrame([row])], ignore_index=True)
    tallest = max(frame.cumsum(axis=1).max(axis=None), total.value)
    return 1.04 * max(*guesses(view.terms, unit), tallest, min(total.high, _ROOM * tallest))


@drawn_once
def stacked(view: Outlook, n: float, unit: Unit = NATS, top: float | None = None) -> alt.LayerChart:
    """The terms of the measured models, stacked, and those predicted at ``n``.

    The prediction is pale with dashed outlines and shows the interval of its sum.
    Bars of models without a certificate are hollow.

    Args:
        view: losses in ``unit``.
        top: end of the vertical axis, if several charts share it.
    """
    narrow = top is not None
    predicted = f"N = {count_label(n)}, predicted"
    values = {key: view.estimate((key,), n) for key in BOUND}
    row = {key: found.value if found else 0.0 for key, found in values.items()}
    columns = ["model_id", "params_total", *BOUND]
    frame = pd.concat(
        [view.terms[columns], pd.DataFrame([{"model_id": predicted, "params_total": n, **row}])],
        ignore_index=True,
    ).sort_values("params_total", kind="stable")
    certified = dict(view.terms[["model_id", "certified"]].itertuples(index=False))
    rows = stacked_rows(frame, TERMS, ["model_id"])
    rows = rows[rows["value"] != 0.0].assign(  # a bar of no height is a line without meaning
        predicted=lambda bars: bars["model_id"] == predicted,
        certified=lambda bars: [certified.get(name, False) for name in bars["model_id"]],
    )
    total = view.estimate(BOUND, n) or Estimate(0.0, 0.0, 0.0)
    top = highest(view, n, unit) if top is None else top
    width = int(np.clip((150 if narrow else 320) / len(frame), 8, 46))
    x = alt.X(
        "model_id:N",
        sort=list(frame["model_id"]),
        title="Model, by size",
        axis=alt.Axis(labelAngle=0 if len(frame) < 8 and not narrow else -35, labelLimit=170),
    )
    y = alt.Y("bottom:Q", title=f"Bound, {unit.label}", scale=alt.Scale(domain=[0, top]))
    look = {"x": x, "y": y, "y2": "top:Q"}
    tips = [
        alt.Tooltip("model_id:N", title="model"),
        alt.Tooltip("term:N", title="term"),
        tooltips.number("value", unit.label),
    ]
    place = {"orient": "bottom", "columns": 3} if narrow else {}
    legend = alt.Legend(title="Terms of the bound", symbolOpacity=1, **place)
    colour = term_colours(view.terms, legend)
    measured = rows[~rows["predicted"]]
    strength = 0.25 if measured["certified"].any() else 0.1
    pale = vega.Chart(rows).transform_filter(alt.datum.predicted)
    outline = {"filled": False, "strokeDash": _PREDICTED_DASH, "strokeWidth": 1.6}
    layers = [
        *(
            vega.Chart(part)
            .mark_bar(size=width, clip=True, **fill_of_bar(solid))
            .encode(**look, color=colour, tooltip=tips)
            for part, solid in by_certificate(measured)
        ),
        pale.mark_bar(size=width, clip=True, opacity=strength).encode(
            **look, color=colour, tooltip=tips
        ),
        pale.mark_bar(size=width, clip=True, **outline).encode(**look, color=colour),
        *guess_line(guesses(view.terms, unit)[-1:]),
        *_totals(view, predicted, total, top, x),
    ]
    return vega.layer(*layers).properties(height=330)


def _totals(
    view: Outlook, predicted: str, total: Estimate, top: float, x: alt.X
) -> list[alt.Chart]:
    """The bound over each bar, and the interval of the predicted one up to the chart's ``top``."""
    measured = view.terms[["model_id"]].assign(
        height=view.terms["total"],
        text=view.terms["total"].map(partial(upper_text, digits=2)),
    )
    end = {"model_id": predicted, "low": total.low, "high": min(total.high, top)}
    end |= {"height": total.value, "text": f"≈ {total.value:.2f}"}
    bar = vega.Chart(pd.DataFrame([end])).encode(x=x)
    tick = bar.mark_tick(color=GUIDE_COLOUR, thickness=2, width=16)
    text = vega.Chart(pd.concat([measured, pd.DataFrame([end])])).mark_text(
        dy=-8, color=GUIDE_COLOUR, fontWeight="bold"
    )
    return [
        bar.mark_rule(color=GUIDE_COLOUR, strokeWidth=2).encode(y="low:Q", y2="high:Q"),
        tick.encode(y="low:Q"),
        *([tick.encode(y="high:Q")] if total.high <= top else []),
        text.encode(x=x, y="height:Q", text="text:N"),
    ]
