"""The part of the page *Curvature* about traces over training and over the number of windows."""

import pandas as pd
import streamlit as st

from dashboard.analysis.measured import curvature
from dashboard.analysis.measured.curvature import MATRICES
from dashboard.ui.drawing import show
from dashboard.ui.notes.subtitles import subtitle
from dashboard.views.curvature import charts, words


def section(traces: pd.DataFrame, matrix: str, symbol: str) -> None:
    """Both traces over the share of training and over the number of windows, if measured
    at several.

    Args:
        traces: from ``curvature.traces``.
        matrix: a key of ``MATRICES``.
        symbol: of the matrix.
    """
    for heading, over, column in (
        ("Share of training", curvature.over_training(traces, matrix), "train_fraction"),
        ("Number of training windows", curvature.over_windows(traces, matrix), "windows"),
    ):
        if over[column].nunique() <= 1:
            continue
        show.subheader(heading)
        left, right = st.columns(2)
        for place, key, what, unit in (
            (left, "trace", f"Tr({symbol})", "nats per token"),
            (right, "trace_sqrt", f"Tr(√{symbol})", "√(nats per token)"),
        ):
            with place:
                chart = charts.traces_over(over, column, heading, key, f"{what}, {unit}")
                below = subtitle(unit, f"{MATRICES[matrix]} matrix", "log axes")
                show.chart(chart, f"{what} over the {heading.lower()}", below)
        if column == "windows":
            words.windows_reading()
