"""Each term against model size, with the prediction marked on its law."""

from textwrap import wrap

import altair as alt
import pandas as pd

from dashboard.law_charts import term_laws
from dashboard.outlook import Estimate, Outlook
from dashboard.text import GAP_COLOUR, GUIDE_COLOUR, TERMS


def panels(view: Outlook, n: float, certified: bool) -> alt.ConcatChart:
    """Each term against model size with its law drawn on to ``n``, where a hollow diamond with
    its interval is the prediction; a term that is 0 in every model is left out."""
    chart = term_laws(view.terms, view.laws, certified, reach=n)
    keys = (*((term.key, term.colour) for term in TERMS), ("gap_nats", GAP_COLOUR))
    shown = []
    for panel, (key, colour) in zip(chart.concat, keys, strict=True):
        if (view.terms[key] == 0.0).all():
            continue
        if isinstance(law := view.laws[key], str):  # one line of it would be wider than a panel
            panel.title.subtitle = wrap(law, 40)
        shown.append(panel + _mark(view.estimate((key,), n), key, n, colour))
    chart.concat = shown
    return chart


def _mark(found: Estimate | None, key: str, n: float, colour: str) -> alt.LayerChart:
    """A rule at ``n``, with the prediction on it unless it is 0 or there is none."""
    row = {"params_total": n}
    if found is not None and found.value > 0:
        row |= {key: found.value, "low": found.low, "high": found.high}
    base = alt.Chart(pd.DataFrame([row])).encode(x="params_total:Q")
    rule = base.mark_rule(color=GUIDE_COLOUR, strokeDash=[1, 3])
    if key not in row:
        return rule
    y = alt.Y(f"{key}:Q", title="nats per token")
    low = alt.Y("low:Q", title="nats per token")
    point = base.mark_point(shape="diamond", size=80, filled=False, color=colour, clip=True)
    tips = [
        alt.Tooltip("params_total:Q", title="N", format=".3~s"),
        alt.Tooltip(f"{key}:Q", title="predicted", format=".4g"),
        alt.Tooltip("low:Q", title="95 % from", format=".4g"),
        alt.Tooltip("high:Q", title="to", format=".4g"),
    ]
    bar = base.mark_rule(color=colour, strokeWidth=1.6, clip=True).encode(y=low, y2="high:Q")
    return alt.layer(rule, bar, point.encode(y=y, tooltip=tips))
