"""The part of the page *Quantization* about total bits: many parameters or many bits each?"""

import pandas as pd
import streamlit as st

from dashboard.analysis.bound.terms import Choice
from dashboard.analysis.bound.units import Unit
from dashboard.analysis.laws.fits import several_sizes
from dashboard.analysis.laws.ratios import Ratios
from dashboard.style.glossary import CODE_LABELS
from dashboard.ui.drawing import show
from dashboard.ui.notes.subtitles import code_and_delta, subtitle
from dashboard.views.quantization import charts, words


def section(by_total: pd.DataFrame, choice: Choice, ratios: Ratios, unit: Unit) -> None:
    """Loss and bound of every model at every rate against the bits of its code.

    Args:
        by_total: from ``quantization.bounds_by_rate``, losses in ``unit``.
        choice: whose quantizer, code and δ these are.
        ratios: tokens per parameter of the models.
    """
    several = several_sizes(by_total)
    spend = "Where to spend bits: many parameters or many bits each?"
    show.subheader(spend if several else "More bits per weight")
    code = f"code length {CODE_LABELS[choice.code]}"
    rates = f"{choice.setting.family.label} at every rate"
    left, right = st.columns(2)
    for column, key, what, of in (
        (left, "train_loss", "Training loss, quantized", code),
        (right, "total", "Bound", code_and_delta(choice)),
    ):
        with column:
            chart = charts.by_total_bits(by_total, key, what, unit)
            show.chart(chart, f"{what} by total bits", subtitle(unit.label, rates, of))
    words.bits_reading(choice.setting, several, ratios)
