"""Charts of loss against compute, and of training tokens against parameters."""

import altair as alt
import pandas as pd

from dashboard.analysis.bound.units import NATS, Unit
from dashboard.charts import tooltips, vega
from dashboard.charts.drawn_once import drawn_once
from dashboard.style.glossary import GUIDE_COLOUR, RAMP, parameter_count
from dashboard.style.numbers import COUNT_TICKS
from dashboard.views.scaling_laws.charts import HEIGHT


@drawn_once
def loss_by_compute(curves: pd.DataFrame, ends: pd.DataFrame, unit: Unit = NATS) -> alt.LayerChart:
    """Online loss against compute, a line per model, and the final training losses.

    Args:
        curves: from ``frontier.loss_by_compute``.
        ends: from ``frontier.chosen``.
    """
    order = [parameter_count(n) for n in sorted(set(ends["params_total"]))]
    colour = alt.Color(
        "model:N",
        sort=order,
        scale=alt.Scale(scheme=RAMP),
        legend=alt.Legend(title="parameters", symbolOpacity=1),
    )
    x = alt.X(
        "flops:Q",
        title="Compute 6·N·d after d tokens, FLOP (log scale)",
        scale=alt.Scale(type="log", nice=False, padding=8),
        axis=alt.Axis(format=".0e", tickCount=6, grid=False),
    )
    y = alt.Y(
        "loss:Q",
        title=f"Loss, {unit.label} (log scale)",
        scale=alt.Scale(type="log", nice=False, padding=8),
        axis=alt.Axis(format="~g", tickCount=6, grid=False),
    )
    lines = (
        vega.Chart(curves.assign(model=curves["params_total"].map(parameter_count)))
        .mark_line(strokeWidth=1.6)
        .encode(x=x, y=y, color=colour, detail="model_id:N")
    )
    points = (
        vega.Chart(ends.assign(model=ends["params_total"].map(parameter_count)))
        .mark_point(size=110, filled=True, opacity=1, shape="diamond", stroke="#20242b")
        .encode(
            x=x,
            y=y,
            fill=colour,
            tooltip=[
                alt.Tooltip("model_id:N", title="model"),
                tooltips.tiny("flops", "FLOP"),
                tooltips.number("loss", "training loss of the final model"),
            ],
        )
    )
    return vega.layer(lines, points).properties(height=HEIGHT)


@drawn_once
def frontier(ends: pd.DataFrame, elsewhere: pd.DataFrame, ratio: float) -> alt.LayerChart:
    """Tokens against parameters of the chosen points; hollow and dashed if not measured here.

    Args:
        ends: from ``frontier.chosen``.
        elsewhere: from ``pythia.beside``; may be empty.
        ratio: tokens per parameter of the line.
    """
    frame = pd.concat(
        [part for part in (ends.assign(here=True), elsewhere.assign(here=False)) if len(part)]
    )
    ends_of_line = [frame["params_total"].min(), frame["params_total"].max()]
    if ends_of_line[0] == ends_of_line[1]:  # a line needs some length
        ends_of_line = [ends_of_line[0] / 10, ends_of_line[1] * 10]
    line = pd.DataFrame({"params_total": ends_of_line})
    line = line.assign(train_tokens=ratio * line["params_total"])
    axis = alt.Axis(**COUNT_TICKS, tickCount=6, grid=False)
    x = alt.X(
        "params_total:Q",
        title="Parameters N",
        axis=axis,
        scale=alt.Scale(type="log", nice=False, padding=10),
    )
    y = alt.Y(
        "train_tokens:Q",
        title="Training tokens D",
        axis=axis,
        scale=alt.Scale(type="log", nice=False, padding=10),
    )
    tooltip = [
        alt.Tooltip("model_id:N", title="model"),
        tooltips.count("params_total", "N"),
        tooltips.count("train_tokens", "D"),
    ]
    guide = vega.Chart(line).mark_line(color=GUIDE_COLOUR, strokeWidth=1).encode(x=x, y=y)
    layers = [guide]
    for here, look in (
        (True, {"filled": True, "color": "#2F7F86", "shape": "diamond"}),
        (False, {"filled": False, "color": GUIDE_COLOUR, "strokeDash": [2, 2], "strokeWidth": 1.5}),
    ):
        rows = tooltips.with_counts(frame[frame["here"] == here], "params_total", "train_tokens")
        marks = vega.Chart(rows).mark_point(size=90, opacity=1, **look)
        layers.append(marks.encode(x=x, y=y, tooltip=tooltip))
    named = [(ends.iloc[-1], "this suite")]
    if len(elsewhere):  # the last but one: the last point's name would leave the chart
        named.append((elsewhere.iloc[max(len(elsewhere) - 2, 0)], "Pythia, not measured here"))
    labels = pd.DataFrame(
        [
            {"params_total": row["params_total"], "train_tokens": row["train_tokens"], "text": text}
            for row, text in named
        ]
    )
    layers.append(
        vega.Chart(labels)
        .mark_text(align="right", dx=-12, dy=-8, color=GUIDE_COLOUR)
        .encode(x=x, y=y, text="text:N")
    )
    return vega.layer(*layers).properties(height=HEIGHT)
