"""Charts of the page *Loss variation*: pure functions of data frames."""

import altair as alt
import pandas as pd

from dashboard.analysis.bound.units import NATS, Unit
from dashboard.analysis.laws.fits import Law
from dashboard.charts import tooltips, vega
from dashboard.charts.drawn_once import drawn_once
from dashboard.charts.law_charts import law_panel
from dashboard.style.glossary import GUIDE_COLOUR
from dashboard.style.rounded_up import tooltip as upper_tooltip
from dashboard.style.rounded_up import with_printed


@drawn_once
def sigma_by_size(
    sigma: pd.DataFrame,
    law: Law,
    colour: str,
    at: float | None,
    span: tuple[float, float] | None = None,
) -> alt.LayerChart:
    """Sigma against model size on log axes with its power law and band.

    Args:
        sigma: from ``variation.sigma_by_size``; points without a certificate are hollow.
        at: a size that was not measured, marked on the law.
        span: minimum range of the vertical axis, to compare charts.
    """
    panel = law_panel(sigma, "sigma_nats", "", colour, law, unit="Σ, nats / √nat", at=at, span=span)
    return panel.properties(width="container", height=260)


@drawn_once
def joint_losses(joint: pd.DataFrame, width_nats: float) -> alt.LayerChart:
    """Distribution of training tokens over predictive entropy and loss.

    Args:
        joint: from ``Suite.joint_losses``.
        width_nats: side of a square.
    """
    frame = joint[joint["loss_nats"] < 10].assign(
        loss_end=joint["loss_nats"] + width_nats, entropy_end=joint["entropy_nats"] + width_nats
    )
    squares = (
        vega.Chart(frame)
        .mark_rect()
        .encode(
            x=alt.X(
                "entropy_nats:Q", title="Predictive entropy H, nats", axis=alt.Axis(grid=False)
            ),
            x2="entropy_end:Q",
            y=alt.Y("loss_nats:Q", title="Loss X, nats", axis=alt.Axis(grid=False)),
            y2="loss_end:Q",
            color=alt.Color(
                "share:Q",
                scale=alt.Scale(type="log", scheme="viridis"),
                legend=alt.Legend(title="Share of tokens", format=".0e"),
            ),
            tooltip=[
                tooltips.short("entropy_nats", "entropy from"),
                tooltips.short("loss_nats", "loss from"),
                tooltips.tiny("share", "share of tokens"),
            ],
        )
    )
    end = float(frame["entropy_end"].max())
    diagonal = (
        vega.Chart(pd.DataFrame({"h": [0.0, end], "x": [0.0, end]}))
        .mark_line(strokeDash=[5, 4], color=GUIDE_COLOUR)
        .encode(x="h:Q", y="x:Q")
    )
    return vega.layer(squares, diagonal).properties(height=300)


@drawn_once
def objective(points: pd.DataFrame, colour: str) -> alt.LayerChart:
    """The function of s that Sigma minimizes, and its minimum."""
    x = alt.X("s:Q", title="s, a point of the grid K", scale=alt.Scale(domain=[0, 1]))
    y = alt.Y(
        "sigma_nats:Q",
        title="Objective, nats / √nat",
        scale=alt.Scale(type="log"),
        axis=alt.Axis(tickCount=5, format="~g"),
    )
    line = vega.Chart(points[~points["minimum"]]).mark_line(color=colour).encode(x=x, y=y)
    best = (
        vega.Chart(points[points["minimum"]])
        .mark_point(size=110, filled=True, color=colour, stroke=GUIDE_COLOUR, opacity=1)
        .encode(
            x=x,
            y=y,
            tooltip=[
                tooltips.number("s", "s"),
                tooltips.number("sigma_nats", "Σ, nats / √nat"),
            ],
        )
    )
    return vega.layer(line, best).properties(height=260)


@drawn_once
def grid_effect(
    effect: pd.DataFrame, colour: str, certified: bool, unit: Unit = NATS
) -> alt.LayerChart:
    """The paper's bound against the number of points of the grid.

    Args:
        certified: points of a heuristic are hollow.
    """
    base = vega.Chart(with_printed(effect)).encode(
        x=alt.X(
            "grid_size:Q",
            title="|K|, points of the grid",
            scale=alt.Scale(type="log"),
            axis=alt.Axis(grid=False, tickCount=7),
        ),
        y=alt.Y(
            "total:Q",
            title=f"Bound, {unit.label}",
            scale=alt.Scale(zero=False),
            axis=alt.Axis(tickCount=5),
        ),
        tooltip=[
            tooltips.whole("grid_size", "|K|"),
            upper_tooltip("total", "bound"),
            tooltips.tiny("price", "cost of the union bound"),
        ],
    )
    marks = vega.layer(
        base.mark_line(color=colour), base.mark_point(color=colour, size=50, filled=certified)
    )
    return marks.properties(height=260)
