"""From the paper's gap to ours as a waterfall: a pure function of a data frame."""

from itertools import pairwise

import altair as alt
import numpy as np
import pandas as pd

from bounds.printed import rounded_up, upper_text
from dashboard.analysis.bound.steps import GAP, SAMPLING
from dashboard.analysis.bound.units import NATS, Unit
from dashboard.charts import vega
from dashboard.charts.drawn_once import drawn_once
from dashboard.charts.marks import by_certificate, fill_of_bar
from dashboard.style.glossary import GAP_COLOUR, GUIDE_COLOUR, term_of
from dashboard.style.rounded_up import tooltip, with_printed

#: Colours of a step that reduces the gap, and of one that increases it.
_TAKES_OFF, _ADDS = "#56B4E9", "#8C6D46"


@drawn_once
def waterfall(steps: pd.DataFrame, unit: Unit = NATS) -> alt.LayerChart:
    """From the paper's gap to ours: a full bar, the reduction by each step, and the final gap.

    Bars that are not certificates are hollow.

    Args:
        steps: from ``steps.steps_to_ours``, losses in ``unit``.
    """
    frame = steps.assign(low=steps["gap"], high=steps["gap"] - steps["change"])
    frame.loc[0, ["low", "high"]] = [0.0, steps["gap"].iloc[0]]
    frame["what"] = np.where(steps["change"] > 0, "adds", "takes off")
    for kind in (GAP, SAMPLING):
        frame.loc[frame["kind"] == kind, "what"] = kind
    # Printed numbers add up: a change is the difference of the printed gaps.
    gaps = [rounded_up(gap) for gap in steps["gap"]]
    changes = [f"{gap - before:+.3f}".replace("-", "−") for before, gap in pairwise(gaps)]
    frame["text"] = [upper_text(gaps[0]), *changes]
    left = {"step": "Our gap", "low": 0.0, "high": steps["gap"].iloc[-1], "what": GAP}
    left |= {"gap": left["high"], "text": upper_text(left["high"])}
    left |= {"certified": steps["certified"].iloc[-1]}
    frame = pd.concat([frame, pd.DataFrame([left])], ignore_index=True)
    order = list(frame["step"])
    frame["step_in_words"] = frame["step"].str.replace("|", " ")
    axis = alt.Axis(
        labelAngle=0, labelLimit=130, labelOverlap=False, labelExpr="split(datum.label, '|')"
    )
    x = alt.X("step:N", sort=order, title=None, axis=axis, scale=alt.Scale(domain=order))
    colours = {GAP: GAP_COLOUR, "takes off": _TAKES_OFF, "adds": _ADDS}
    colours |= {SAMPLING: term_of("sampling").colour}
    bars = [
        vega.Chart(rows)
        .mark_bar(size=48, **fill_of_bar(certified))
        .encode(
            x=x,
            y=alt.Y("low:Q", title=f"Gap, {unit.label}"),
            y2="high:Q",
            color=alt.Color(
                "what:N",
                scale=alt.Scale(domain=list(colours), range=list(colours.values())),
                legend=None,
            ),
            tooltip=[
                alt.Tooltip("step_in_words:N", title="step"),
                tooltip("gap", "gap after the step"),
                alt.Tooltip("certified:N", title="certified"),
            ],
        )
        for rows, certified in by_certificate(with_printed(frame))
    ]
    labels = (
        vega.Chart(frame.assign(top=frame[["low", "high"]].max(axis=1)))
        .mark_text(dy=-8, color=GUIDE_COLOUR, fontWeight="bold")
        .encode(x=x, y="top:Q", text="text:N")
    )
    return vega.layer(*bars, labels).properties(height=300)
