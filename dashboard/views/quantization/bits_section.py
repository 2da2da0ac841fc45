"""The part of the page *Quantization* about total bits: many parameters or many bits each?"""

import pandas as pd
import streamlit as st

from dashboard.analysis.bound.units import Unit
from dashboard.analysis.laws.fits import several_sizes
from dashboard.analysis.laws.ratios import Ratios
from dashboard.artifacts.settings import Setting
from dashboard.ui.drawing import show
from dashboard.views.quantization import charts, words


def section(by_total: pd.DataFrame, setting: Setting, ratios: Ratios, unit: Unit) -> None:
    """Loss and bound of every model at every rate against the bits of its code.

    Args:
        by_total: from ``quantization.bounds_by_rate``, losses in ``unit``.
        setting: the chosen one.
        ratios: tokens per parameter of the models.
    """
    several = several_sizes(by_total)
    spend = "Where to spend bits: many parameters or many bits each?"
    show.subheader(spend if several else "More bits per weight")
    left, right = st.columns(2)
    for column, key, what in (
        (left, "train_loss", "Training loss, quantized"),
        (right, "total", "Bound"),
    ):
        with column:
            chart = charts.by_total_bits(by_total, key, what, unit)
            show.chart(chart, f"{what} by total bits")
    words.bits_reading(setting, several, ratios)
