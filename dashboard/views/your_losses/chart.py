"""Every form of the bound side by side, term by term: a pure function of a data frame."""

import altair as alt
import pandas as pd

from dashboard.analysis.bound.units import Unit
from dashboard.charts import tooltips, vega
from dashboard.charts.bound_charts import term_colours
from dashboard.charts.by_size import guess_line, stacked_rows
from dashboard.charts.marks import by_certificate, fill_of_bar
from dashboard.style.glossary import GUIDE_COLOUR, terms_in
from dashboard.style.rounded_up import label, tooltip, with_printed


def stacked_forms(rows: pd.DataFrame, guess: float, unit: Unit) -> alt.LayerChart:
    """The terms of each form stacked, hollow if the bound is not a certificate.

    Args:
        rows: from ``bounds.rows``, losses in ``unit``.
        guess: loss of a uniform guess, in ``unit``.
    """
    frame = rows.assign(step=rows["form"].str.replace(" ", "|"))
    axis = alt.Axis(labelAngle=0, labelOverlap=False, labelExpr="split(datum.label, '|')")
    x = alt.X("step:N", sort=list(frame["step"]), title="Form of the bound", axis=axis)
    colour = term_colours(rows, alt.Legend(title="Terms of the bound", symbolOpacity=1))
    kept = ["form", "step", "total", "certified"]
    bars = [
        vega.Chart(part)
        .mark_bar(size=46, **fill_of_bar(certified))
        .encode(
            x=x,
            y=alt.Y("bottom:Q", title=f"Loss, {unit.label}"),
            y2="top:Q",
            color=colour,
            tooltip=[
                alt.Tooltip("form:N", title="form"),
                alt.Tooltip("term:N", title="term"),
                tooltips.number("value", unit.label),
                tooltip("total", "bound"),
                alt.Tooltip("certified:N", title="certified"),
            ],
        )
        for part, certified in by_certificate(
            with_printed(stacked_rows(frame, terms_in(frame), kept))
        )
    ]
    totals = (
        vega.Chart(with_printed(frame, 3))
        .mark_text(dy=-8, color=GUIDE_COLOUR, fontWeight="bold", fontSize=12)
        .encode(x=x, y="total:Q", text=label("total", 3))
    )
    layers = [*bars, totals, *guess_line([guess], right=True)]
    return vega.layer(*layers).properties(height=360)
