"""Charts as pure functions of data frames; no queries here."""

import altair as alt
import numpy as np
import pandas as pd

from bounds import PowerLaw
from dashboard.law_charts import law_panel, size_scale
from dashboard.text import (
    GAP_COLOUR,
    GUESS_LABEL,
    GUIDE_COLOUR,
    HELDOUT_LABEL,
    MEASURED_COLOURS,
    PAPER_LABEL,
    TERMS,
    TRAIN_LABEL,
)


def _term_colours() -> alt.Scale:
    # Reversed, so that the legend reads from top to bottom like the stack.
    return alt.Scale(
        domain=[term.label for term in reversed(TERMS)],
        range=[term.colour for term in reversed(TERMS)],
    )


def stacked_terms(
    terms: pd.DataFrame, paper: pd.DataFrame, selected: str, certified: bool
) -> alt.LayerChart:
    """Terms of the bound stacked over model size, with the measured losses on top.

    Args:
        terms: from ``terms.bound_terms``.
        paper: the same in the paper's form, whose totals are drawn as lines above the bars.
        selected: model_id drawn in full strength.
        certified: bars of a heuristic are hollow: outlines without a fill.
    """
    x = alt.X("params_total:Q", scale=size_scale(terms["params_total"]), axis=_size_axis(terms))
    y_title = "Loss, nats per token"
    width = int(np.clip(420 / len(terms), 16, 56))
    bars = (
        alt.Chart(_stacked(terms))
        .mark_bar(width=width, **_fill(certified))
        .encode(
            x=x,
            y=alt.Y("bottom:Q", title=y_title, scale=alt.Scale(zero=True)),
            y2="top:Q",
            color=alt.Color(
                "term:N",
                scale=_term_colours(),
                legend=alt.Legend(title="Terms of the bound"),
            ),
            opacity=alt.condition(alt.datum.model_id == selected, alt.value(1.0), alt.value(0.62)),
            tooltip=[
                alt.Tooltip("model_id:N", title="model"),
                alt.Tooltip("term:N", title="term"),
                alt.Tooltip("nats:Q", title="nats per token", format=".4f"),
                alt.Tooltip("total_nats:Q", title="bound", format=".4f"),
            ],
        )
    )
    # Inside the bar where there is one, lest it be taken for the value of the line above.
    inside = {"dy": 11, "color": "#20242b"} if certified else {"dy": -8, "color": GUIDE_COLOUR}
    total_text = alt.Text("total_nats:Q", format=".2f")
    numbers = alt.Chart(terms).encode(x=x, y=alt.Y("total_nats:Q"), text=total_text)
    totals = numbers.mark_text(fontSize=12, fontWeight="bold", **inside)
    if certified:  # a pale halo keeps it legible on every colour, light or dark
        halo = {"stroke": "white", "strokeWidth": 3, "opacity": 0.8}
        totals = alt.layer(
            numbers.mark_text(fontSize=12, fontWeight="bold", **(inside | halo)), totals
        )
    layers = [bars, totals, _guess_line(terms), *_comparisons(terms, paper, x, width)]
    return alt.layer(*layers).properties(height=380)


def _fill(certified: bool) -> dict:
    """A certificate is drawn solid, a heuristic as an outline."""
    return {} if certified else {"filled": False, "strokeWidth": 2}


def _size_axis(terms: pd.DataFrame) -> alt.Axis:
    return alt.Axis(
        title="Model size: parameters N, embeddings included (log scale)",
        values=sorted(set(terms["params_total"])),
        format=".3~s",
        grid=False,
    )


def _stacked(terms: pd.DataFrame) -> pd.DataFrame:
    """One row per model and term, with the ends of its bar; a negative term turns back."""
    values = terms[[term.key for term in TERMS]].to_numpy()  # (models, terms)
    tops = values.cumsum(axis=1)
    frames = [
        terms[["model_id", "params_total", "total_nats"]].assign(
            term=term.label, nats=values[:, i], bottom=tops[:, i] - values[:, i], top=tops[:, i]
        )
        for i, term in enumerate(TERMS)
    ]
    return pd.concat(frames, ignore_index=True)


def _comparisons(terms: pd.DataFrame, paper: pd.DataFrame, x: alt.X, width: int) -> list[alt.Chart]:
    """The measured losses as points, the held-out one with two standard errors each way, and the
    paper's bound as a line a little wider than the bar."""
    frame = terms.assign(
        low=terms["measured_heldout_loss_nats"] - 2 * terms["measured_heldout_se_nats"],
        high=terms["measured_heldout_loss_nats"] + 2 * terms["measured_heldout_se_nats"],
    )
    measured = pd.concat(
        [
            frame.assign(what=TRAIN_LABEL, loss=frame["measured_train_loss_nats"]),
            frame.assign(what=HELDOUT_LABEL, loss=frame["measured_heldout_loss_nats"]),
        ]
    )
    kinds = [HELDOUT_LABEL, TRAIN_LABEL, PAPER_LABEL]
    legend = alt.Legend(title="For comparison")
    look = {
        "x": x,
        "y": "loss:Q",
        "shape": alt.Shape(
            "what:N",
            scale=alt.Scale(domain=kinds, range=["diamond", "circle", "stroke"]),
            legend=legend,
        ),
        "fill": alt.Fill(
            "what:N",
            scale=alt.Scale(domain=kinds, range=[*MEASURED_COLOURS, GUIDE_COLOUR]),
            legend=legend,
        ),
        "tooltip": [
            alt.Tooltip("model_id:N", title="model"),
            alt.Tooltip("what:N", title="what"),
            alt.Tooltip("loss:Q", title="nats per token", format=".4f"),
        ],
    }
    errors = (
        alt.Chart(frame)
        .mark_rule(color="#20242b", strokeWidth=1.5)
        .encode(x=x, y="low:Q", y2="high:Q")
    )
    points = alt.Chart(measured).mark_point(size=95, stroke="#20242b", strokeWidth=1.2, opacity=1)
    lines = alt.Chart(paper.assign(what=PAPER_LABEL, loss=paper["total_nats"])).mark_point(
        size=(width + 14) ** 2, stroke=GUIDE_COLOUR, strokeWidth=2.5, opacity=1
    )
    return [lines.encode(**look), errors, points.encode(**look)]


def _guess_line(terms: pd.DataFrame) -> alt.LayerChart:
    """ln V: the loss of guessing every token alike; a bound above it says nothing."""
    frame = pd.DataFrame({"guess": [float(np.log(v)) for v in sorted(set(terms["vocab_size"]))]})
    line = (
        alt.Chart(frame)
        .mark_rule(strokeDash=[5, 4], color=GUIDE_COLOUR, strokeWidth=1.5)
        .encode(y="guess:Q")
    )
    text = (
        alt.Chart(frame)
        .mark_text(align="right", dx=-4, dy=-7, color=GUIDE_COLOUR, text=GUESS_LABEL)
        .encode(x=alt.value("width"), y="guess:Q")
    )
    return alt.layer(line, text)


def waterfall(steps: pd.DataFrame, certified: bool) -> alt.LayerChart:
    """From the paper's gap to ours: a full bar, what each step takes off, and what is left.

    Args:
        steps: from ``terms.steps_to_ours``.
        certified: bars of a heuristic are hollow.
    """
    frame = steps.assign(low=steps["gap_nats"], high=steps["gap_nats"] - steps["change_nats"])
    frame.loc[0, ["low", "high"]] = [0.0, steps["gap_nats"].iloc[0]]
    frame["kind"] = np.where(steps["change_nats"] > 0, "adds", "takes off")
    frame.loc[0, "kind"] = "gap"
    frame["text"] = [f"{value:+.3f}".replace("-", "−") for value in steps["change_nats"]]
    frame.loc[0, "text"] = f"{steps['gap_nats'].iloc[0]:.3f}"
    left = {"step": "Our gap", "low": 0.0, "high": steps["gap_nats"].iloc[-1], "kind": "gap"}
    left |= {"gap_nats": left["high"], "text": f"{left['high']:.3f}"}
    frame = pd.concat([frame, pd.DataFrame([left])], ignore_index=True)
    order = list(frame["step"])
    axis = alt.Axis(labelAngle=0, labelLimit=130, labelExpr="split(datum.label, '|')")
    x = alt.X("step:N", sort=order, title=None, axis=axis)
    bars = (
        alt.Chart(frame)
        .mark_bar(size=48, **_fill(certified))
        .encode(
            x=x,
            y=alt.Y("low:Q", title="Gap (bound − training loss), nats per token"),
            y2="high:Q",
            color=alt.Color(
                "kind:N",
                scale=alt.Scale(
                    domain=["gap", "takes off", "adds"], range=[GAP_COLOUR, "#56B4E9", "#CC79A7"]
                ),
                legend=None,
            ),
            tooltip=[
                alt.Tooltip("step:N"),
                alt.Tooltip("gap_nats:Q", title="gap after the step", format=".4f"),
            ],
        )
    )
    labels = (
        alt.Chart(frame.assign(top=frame[["low", "high"]].max(axis=1)))
        .mark_text(dy=-8, color=GUIDE_COLOUR, fontWeight="bold")
        .encode(x=x, y="top:Q", text="text:N")
    )
    return alt.layer(bars, labels).properties(height=300)


def sigma_by_size(
    sigma: pd.DataFrame, law: PowerLaw | str, colour: str, certified: bool, at: float | None
) -> alt.LayerChart:
    """Sigma against model size on log axes with its power law and band.

    Args:
        certified: points of a heuristic are hollow.
        at: a size that nobody measured, marked on the law.
    """
    panel = law_panel(sigma, "sigma_nats", "", colour, law, certified, unit="Σ, nats / √nat", at=at)
    return panel.properties(width="container", height=260)


def joint_losses(joint: pd.DataFrame, width_nats: float) -> alt.LayerChart:
    """Where training tokens lie in the plane of predictive entropy and loss.

    Args:
        joint: from ``Suite.joint_losses``.
        width_nats: side of a square.
    """
    frame = joint[joint["loss_nats"] < 10].assign(
        loss_end=joint["loss_nats"] + width_nats, entropy_end=joint["entropy_nats"] + width_nats
    )
    squares = (
        alt.Chart(frame)
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
                alt.Tooltip("entropy_nats:Q", title="entropy from", format=".2f"),
                alt.Tooltip("loss_nats:Q", title="loss from", format=".2f"),
                alt.Tooltip("share:Q", title="share of tokens", format=".2e"),
            ],
        )
    )
    end = float(frame["entropy_end"].max())
    diagonal = (
        alt.Chart(pd.DataFrame({"h": [0.0, end], "x": [0.0, end]}))
        .mark_line(strokeDash=[5, 4], color=GUIDE_COLOUR)
        .encode(x="h:Q", y="x:Q")
    )
    return alt.layer(squares, diagonal).properties(height=300)


def objective(points: pd.DataFrame, colour: str) -> alt.LayerChart:
    """The function of s that Sigma minimises, and where it does."""
    x = alt.X("s:Q", title="s, a point of the grid K", scale=alt.Scale(domain=[0, 1]))
    y = alt.Y(
        "sigma_nats:Q",
        title="Objective, nats / √nat",
        scale=alt.Scale(type="log"),
        axis=alt.Axis(tickCount=5, format="~g"),
    )
    line = alt.Chart(points[~points["minimum"]]).mark_line(color=colour).encode(x=x, y=y)
    best = (
        alt.Chart(points[points["minimum"]])
        .mark_point(size=110, filled=True, color=colour, stroke=GUIDE_COLOUR, opacity=1)
        .encode(
            x=x,
            y=y,
            tooltip=[alt.Tooltip("s:Q", format=".4f"), alt.Tooltip("sigma_nats:Q", format=".4f")],
        )
    )
    return alt.layer(line, best).properties(height=260)


def grid_effect(effect: pd.DataFrame, colour: str, certified: bool) -> alt.LayerChart:
    """The paper's bound against the number of points of the grid.

    Args:
        certified: points of a heuristic are hollow.
    """
    base = alt.Chart(effect).encode(
        x=alt.X(
            "grid_size:Q",
            title="|K|, points of the grid",
            scale=alt.Scale(type="log"),
            axis=alt.Axis(grid=False, tickCount=7),
        ),
        y=alt.Y(
            "total_nats:Q",
            title="Bound, nats per token",
            scale=alt.Scale(zero=False),
            axis=alt.Axis(tickCount=5),
        ),
        tooltip=[
            alt.Tooltip("grid_size:Q", title="|K|", format=","),
            alt.Tooltip("total_nats:Q", title="bound", format=".5f"),
            alt.Tooltip("price_nats:Q", title="price of the union", format=".2e"),
        ],
    )
    marks = alt.layer(
        base.mark_line(color=colour), base.mark_point(color=colour, size=50, filled=certified)
    )
    return marks.properties(height=260)
