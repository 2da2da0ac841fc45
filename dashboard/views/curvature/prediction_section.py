"""The part of the page *Curvature* that compares predicted gaps with measured ones."""

import pandas as pd
import streamlit as st

from dashboard.analysis.bound.units import NATS
from dashboard.analysis.laws.fits import Unfitted
from dashboard.artifacts.suite import Suite
from dashboard.ui.controls.registry import FROM, PREDICTED
from dashboard.ui.drawing import show
from dashboard.ui.notes.subtitles import subtitle
from dashboard.views.curvature import charts, predicted_gap, words
from dashboard.views.curvature.predicted_gap import PREDICTORS


def section(suite: Suite) -> dict[str, tuple[pd.DataFrame, str]]:
    """Controls, charts, table and text; returns the data behind them.

    The data are by the label of a tab, each with a name for its file.
    """
    quantizers = predicted_gap.quantizers(suite)
    if not quantizers:
        show.info("This suite has no clipped quantizer at two rates or more.")
        return {}
    with st.sidebar:
        label = PREDICTED.ask(list(quantizers))
    predicted = predicted_gap.predictions(suite, quantizers[label])
    agreements = predicted_gap.agreements(predicted)
    data = {"Predicted gaps": (predicted, f"{quantizers[label]}-predicted-gaps")}
    usable = {p.label: p.key for p in PREDICTORS if not isinstance(agreements[p.key], Unfitted)}
    used, leaves = predicted_gap.comparable(predicted), predicted_gap.feedback_leaves(suite)
    if not usable:
        words.too_few_gaps(used, agreements, leaves)
        return data
    with st.sidebar:
        chosen = FROM.ask(list(usable))
    constant = agreements[usable[chosen]][0].constant
    scaled = predicted_gap.scaled(predicted, usable[chosen], constant)
    of = (label, f"predicted from: {chosen}")
    left, right = st.columns(2)
    with left:
        below = subtitle(NATS.label, *of)
        show.chart(charts.predicted(scaled), "Measured against predicted gaps", below)
    with right:
        below = subtitle("ratio of gaps", *of)
        show.chart(charts.ratio_by_bits(scaled), "Measured over predicted, by bits", below)
    words.quadratic_reading(predicted_gap.jump_at_coarse_rates(scaled))
    words.agreement_table(agreements)
    words.prediction_reading(predicted, used, agreements, leaves)
    return data
