"""Charts of the report that the dashboard does not have: pure functions of data frames."""

import altair as alt
import pandas as pd

from dashboard.charts.law_charts import size_scale
from dashboard.style.glossary import GAP_COLOUR, GUESS_LABEL, GUIDE_COLOUR, MEASURED_COLOURS


def bound_and_losses(terms: pd.DataFrame, nominal: pd.DataFrame, guess: float) -> alt.LayerChart:
    """Bounds, and the losses that they refer to, against model size.

    Args:
        terms: from ``terms.bound_terms``, certified.
        nominal: the same with the nominal code, which certifies nothing: hollow and dashed.
        guess: ln V.
    """
    kinds = {
        "Bound, stored file (certified)": (terms, "total_nats", GAP_COLOUR),
        "Bound, nominal bits (not certified)": (nominal, "total_nats", GUIDE_COLOUR),
        "Held-out loss, quantized": (terms, "measured_heldout_loss_nats", "#B59F00"),
        "Training loss, unquantized": (terms, "measured_train_loss_nats", MEASURED_COLOURS[1]),
    }
    colour = alt.Color(
        "what:N",
        scale=alt.Scale(domain=list(kinds), range=[colour for *_, colour in kinds.values()]),
        legend=alt.Legend(title=None, orient="bottom", columns=1, labelLimit=300, symbolOpacity=1),
    )
    axis = alt.Axis(title="parameters N", format="~s", tickCount=5, grid=False)
    x = alt.X("params_total:Q", scale=size_scale(terms["params_total"]), axis=axis)
    y = alt.Y("nats:Q", title="Nats per token", scale=alt.Scale(zero=True))
    layers = [
        alt.Chart(pd.DataFrame({"guess": [guess]}))
        .mark_rule(strokeDash=[5, 4], color=GUIDE_COLOUR)
        .encode(y=alt.Y("guess:Q")),
        alt.Chart(pd.DataFrame({"guess": [guess]}))
        .mark_text(align="right", dx=-4, dy=-7, color=GUIDE_COLOUR, text=GUESS_LABEL)
        .encode(x=alt.value("width"), y="guess:Q"),
    ]
    for what, (frame, key, _) in kinds.items():
        certified = "not certified" not in what
        rows = frame[["params_total"]].assign(nats=frame[key], what=what)
        line = alt.Chart(rows).mark_line(strokeDash=[1, 0] if certified else [4, 3])
        points = alt.Chart(rows).mark_point(size=50, filled=certified, opacity=1)
        layers += [mark.encode(x=x, y=y, color=colour) for mark in (line, points)]
    return alt.layer(*layers).properties(width=330, height=260)
