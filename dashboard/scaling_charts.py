"""Charts of the page *Scaling laws*: pure functions of data frames."""

import altair as alt
import pandas as pd

from bounds import PowerLaw
from dashboard.law_charts import law_panel, size_scale
from dashboard.scaling import Quantity
from dashboard.text import GUIDE_COLOUR, TERMS, parameter_count

HEIGHT = 330

#: For ordered curves, without the ends that are pale on white or faint on black.
_RAMP = alt.SchemeParams("viridis", extent=[0.12, 0.8])


def detail(
    quantity: Quantity, law: PowerLaw | str, reach: float, published: pd.DataFrame
) -> alt.LayerChart:
    """One quantity large, its law drawn on to ``reach``, published laws dotted beside it."""
    panel = law_panel(
        quantity.values,
        "value",
        "",
        quantity.colour,
        law,
        quantity.certified is not False,
        unit=quantity.unit,
        reach=reach,
        published=published,
    )
    return panel.properties(width="container", height=HEIGHT)


def residuals(frame: pd.DataFrame, colour: str) -> alt.LayerChart:
    """How far each model lies from its law, in per cent.

    Args:
        frame: from ``scaling.residuals``.
    """
    axis = alt.Axis(title="parameters N", format="~s", tickCount=5, grid=False)
    x = alt.X("params_total:Q", scale=size_scale(frame["params_total"]), axis=axis)
    y = alt.Y("residual:Q", title="Value over law − 1", axis=alt.Axis(format="+.1%", grid=False))
    zero = (
        alt.Chart(pd.DataFrame({"residual": [0.0]}))
        .mark_rule(strokeDash=[5, 4], color=GUIDE_COLOUR)
        .encode(y="residual:Q")
    )
    base = alt.Chart(frame)
    tooltip = [
        alt.Tooltip("model_id:N", title="model"),
        alt.Tooltip("residual:Q", title="over its law", format="+.2%"),
    ]
    return alt.layer(
        zero,
        base.mark_rule(color=colour, strokeWidth=2).encode(x=x, y=y, y2=alt.datum(0)),
        base.mark_point(size=60, filled=True, opacity=1, color=colour).encode(
            x=x, y=y, tooltip=tooltip
        ),
    ).properties(height=HEIGHT)


def panels(found: list[Quantity], laws: dict[str, PowerLaw | str], reach: float) -> alt.ConcatChart:
    """Small charts of several quantities, each with its law."""
    charts = [
        law_panel(
            quantity.values,
            "value",
            quantity.short,
            quantity.colour,
            laws[quantity.label],
            quantity.certified is not False,
            unit=quantity.unit,
            reach=reach,
        )
        for quantity in found
    ]
    return alt.concat(*charts, columns=3, spacing=26)


def stacked(curves: pd.DataFrame, terms: pd.DataFrame, certified: bool) -> alt.LayerChart:
    """Terms of the bound by their laws, stacked: strong where measured, pale beyond.

    Args:
        curves: from ``scaling.stacked``.
        terms: from ``terms.bound_terms``: the measured bounds, drawn as points.
        certified: whether those are certificates; hollow if not.
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
    axis = alt.Axis(title="Model size: parameters N (log scale)", format="~s", grid=False)
    x = alt.X("params_total:Q", scale=scale, axis=axis)
    layers = []
    for part, opacity in (("measured range", 0.85), ("extrapolated", 0.35)):
        rows = curves[curves["part"] == part]
        layers.append(
            alt.Chart(rows)
            .mark_area(opacity=opacity)
            .encode(
                x=x,
                y=alt.Y("bottom:Q", title="Bound, nats per token"),
                y2="top:Q",
                color=colour,
                tooltip=[
                    alt.Tooltip("term:N"),
                    alt.Tooltip("params_total:Q", title="N", format=".3~s"),
                    alt.Tooltip("nats:Q", title=part, format=".4f"),
                ],
            )
        )
    end = pd.DataFrame({"params_total": [terms["params_total"].max()], "text": ["extrapolated →"]})
    layers.append(
        alt.Chart(end).mark_rule(strokeDash=[5, 4], color=GUIDE_COLOUR, strokeWidth=1.5).encode(x=x)
    )
    layers.append(
        alt.Chart(end)
        .mark_text(align="left", dx=6, color=GUIDE_COLOUR)
        .encode(x=x, y=alt.value(8), text="text:N")
    )
    layers.append(
        alt.Chart(terms)
        .mark_point(size=60, color="#20242b", fill="white" if certified else None, opacity=1)
        .encode(
            x=x,
            y="total_nats:Q",
            tooltip=[
                alt.Tooltip("model_id:N", title="model"),
                alt.Tooltip("total_nats:Q", title="bound, measured", format=".4f"),
            ],
        )
    )
    return alt.layer(*layers).properties(height=HEIGHT)


def loss_by_compute(curves: pd.DataFrame, ends: pd.DataFrame) -> alt.LayerChart:
    """Online loss against compute, a line per model, and where each model ends.

    Args:
        curves: from ``scaling.loss_by_compute``.
        ends: from ``scaling.chosen``.
    """
    order = [parameter_count(n) for n in sorted(set(ends["params_total"]))]
    colour = alt.Color(
        "model:N",
        sort=order,
        scale=alt.Scale(scheme=_RAMP),
        legend=alt.Legend(title="parameters", symbolOpacity=1),
    )
    x = alt.X(
        "flops:Q",
        title="Compute 6·N·d after d tokens, FLOP (log scale)",
        scale=alt.Scale(type="log", nice=False, padding=8),
        axis=alt.Axis(format=".0e", tickCount=6, grid=False),
    )
    y = alt.Y(
        "loss_nats:Q",
        title="Loss, nats per token (log scale)",
        scale=alt.Scale(type="log", nice=False, padding=8),
        axis=alt.Axis(format="~g", tickCount=6, grid=False),
    )
    lines = (
        alt.Chart(curves.assign(model=curves["params_total"].map(parameter_count)))
        .mark_line(strokeWidth=1.6)
        .encode(x=x, y=y, color=colour, detail="model_id:N")
    )
    points = (
        alt.Chart(ends.assign(model=ends["params_total"].map(parameter_count)))
        .mark_point(size=110, filled=True, opacity=1, shape="diamond", stroke="#20242b")
        .encode(
            x=x,
            y=y,
            fill=colour,
            tooltip=[
                alt.Tooltip("model_id:N", title="model"),
                alt.Tooltip("flops:Q", title="FLOP", format=".2e"),
                alt.Tooltip("loss_nats:Q", title="training loss of the final model", format=".3f"),
            ],
        )
    )
    return alt.layer(lines, points).properties(height=HEIGHT)


def frontier(ends: pd.DataFrame, elsewhere: pd.DataFrame, ratio: float) -> alt.LayerChart:
    """Tokens against parameters of the chosen points; hollow and dashed what is not measured here.

    Args:
        ends: from ``scaling.chosen``.
        elsewhere: from ``pythia.choices``.
        ratio: tokens per parameter of the line.
    """
    frame = pd.concat([ends.assign(here=True), elsewhere.assign(here=False)])
    ends_of_line = [frame["params_total"].min(), frame["params_total"].max()]
    line = pd.DataFrame({"params_total": ends_of_line})
    line = line.assign(train_tokens=ratio * line["params_total"])
    axis = alt.Axis(format="~s", tickCount=6, grid=False)
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
        alt.Tooltip("params_total:Q", title="N", format=",.0f"),
        alt.Tooltip("train_tokens:Q", title="D", format=",.0f"),
    ]
    guide = alt.Chart(line).mark_line(color=GUIDE_COLOUR, strokeWidth=1).encode(x=x, y=y)
    layers = [guide]
    for here, look in (
        (True, {"filled": True, "color": "#6C5B9E", "shape": "diamond"}),
        (False, {"filled": False, "color": GUIDE_COLOUR, "strokeDash": [2, 2], "strokeWidth": 1.5}),
    ):
        rows = frame[frame["here"] == here]
        marks = alt.Chart(rows).mark_point(size=90, opacity=1, **look)
        layers.append(marks.encode(x=x, y=y, tooltip=tooltip))
    labels = pd.DataFrame(
        {
            "params_total": [ends["params_total"].iloc[-1], elsewhere["params_total"].iloc[-2]],
            "train_tokens": [ends["train_tokens"].iloc[-1], elsewhere["train_tokens"].iloc[-2]],
            "text": ["this suite", "Pythia, not measured here"],
        }
    )
    layers.append(
        alt.Chart(labels)
        .mark_text(align="right", dx=-12, dy=-8, color=GUIDE_COLOUR)
        .encode(x=x, y=y, text="text:N")
    )
    return alt.layer(*layers).properties(height=HEIGHT)
