"""The predicted gap over all sizes, and the size that meets a target."""

import altair as alt
import numpy as np
import pandas as pd

from bounds.laws.power_law import interval
from dashboard.analysis.bound.gaps import of_gaps
from dashboard.analysis.bound.units import NATS, Unit
from dashboard.analysis.laws.outlook import GAP, Outlook
from dashboard.analysis.laws.sizes import LARGEST
from dashboard.charts import tooltips, vega
from dashboard.charts.drawn_once import drawn_once
from dashboard.charts.law_charts import EXTRAPOLATED_DASH
from dashboard.charts.marks import by_certificate, notes
from dashboard.style.glossary import GAP_COLOUR, GUIDE_COLOUR
from dashboard.style.numbers import COUNT_TICKS
from dashboard.style.rounded_up import tooltip, with_printed
from dashboard.views.what_if.smallest_size import SmallestSize

#: Sizes in each part of the curve.
_POINTS = 80

_X = alt.X(
    "params_total:Q",
    title="Model size: parameters N, embeddings included (log scale)",
    scale=alt.Scale(type="log", nice=False),
    axis=alt.Axis(**COUNT_TICKS, tickCount=9, grid=False),
)


def gap_curve(view: Outlook) -> pd.DataFrame:
    """Sum of the laws of the gap's terms from the smallest measured model up to ``LARGEST``.

    Columns: params_total, value, low, high, part (``measured range`` or ``extrapolated``).
    """
    parts = [("measured range", view.smallest, view.largest)]
    parts.append(("extrapolated", view.largest, LARGEST))
    frames = []
    for part, start, end in parts:
        sizes = np.geomspace(start, end, _POINTS)
        low, high = interval(view.draws_at(GAP, sizes), 0.95)
        columns = {"params_total": sizes, "value": view.at(GAP, sizes), "low": low, "high": high}
        frames.append(pd.DataFrame(columns).assign(part=part))
    return pd.concat(frames, ignore_index=True)


@drawn_once
def gap_over_size(
    view: Outlook, found: SmallestSize, target: float, unit: Unit = NATS
) -> alt.LayerChart:
    """The gap of the measured models, its law dashed where it is extrapolated, and the target.

    A diamond marks where the law falls to the target, on a bar as long as its interval.
    """
    curve, title = gap_curve(view), f"Gap, {unit.label}"
    # A band that widens far out must not squeeze the measurements to a line.
    values = [*view.terms["gap"], *curve["value"], target]
    domain = [0.5 * min(values), 2.0 * max(values)]
    scale = alt.Scale(type="log", domain=domain, nice=False, clamp=True)
    y = alt.Y(
        "value:Q", title=title, scale=scale, axis=alt.Axis(tickCount=5, format="~g", grid=False)
    )
    layers: list[alt.Chart | alt.LayerChart] = []
    for part, opacity, dash in (
        ("measured range", 0.22, [1, 0]),
        ("extrapolated", 0.09, EXTRAPOLATED_DASH),
    ):
        rows = tooltips.with_counts(curve[curve["part"] == part])
        base = vega.Chart(rows).encode(x=_X)
        tips = [
            tooltips.count("params_total", "N"),
            tooltips.number("value", part),
            tooltips.number("low", "95 % band of the law, from"),
            tooltips.number("high", "to"),
        ]
        band = base.mark_area(color=GAP_COLOUR, opacity=opacity, clip=True)
        layers.append(band.encode(y=alt.Y("low:Q", title=title), y2="high:Q"))
        line = base.mark_line(color=GAP_COLOUR, strokeDash=dash, clip=True)
        layers.append(line.encode(y=y, tooltip=tips))
    tips = [alt.Tooltip("model_id:N", title="model"), tooltip("gap", "gap")]
    measured = of_gaps(with_printed(view.terms.assign(value=view.terms["gap"])))
    for rows, certified in by_certificate(measured):
        points = vega.Chart(rows).mark_point(size=60, color=GAP_COLOUR, opacity=1, filled=certified)
        layers.append(points.encode(x=_X, y=y, tooltip=[*tips, *notes(rows)]))
    layers.append(_target(found, target, y))
    return vega.layer(*layers).properties(height=260)


def _target(found: SmallestSize, target: float, y: alt.Y) -> alt.LayerChart:
    """The target as a line, with the size that meets it."""
    base = vega.Chart(pd.DataFrame({"value": [target]})).encode(y=y)
    layers = [
        base.mark_rule(color=GUIDE_COLOUR, strokeDash=[1, 3], strokeWidth=2),
        base.mark_text(
            align="right", dx=-4, dy=-7, color=GUIDE_COLOUR, text=f"target {target:.4g}"
        ).encode(x=alt.value("width")),
    ]
    if np.isfinite(found.low):
        end = {"value": target, "low": found.low, "high": min(found.high, LARGEST)}
        bar = vega.Chart(pd.DataFrame([end])).mark_rule(
            strokeWidth=5, opacity=0.5, color=GAP_COLOUR
        )
        x = alt.X("low:Q", title=_X.to_dict()["title"])
        layers.append(bar.encode(x=x, x2="high:Q", y=y))
    if np.isfinite(found.n):
        row = {"value": target, "params_total": found.n}
        point = vega.Chart(tooltips.with_counts(pd.DataFrame([row])))
        look = {"shape": "diamond", "size": 110, "filled": False, "strokeWidth": 2}
        tip = tooltips.count("params_total", "smallest N")
        layers.append(point.mark_point(color=GAP_COLOUR, **look).encode(x=_X, y=y, tooltip=tip))
    return vega.layer(*layers)
