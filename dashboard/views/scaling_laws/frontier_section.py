"""The part of the page *Scaling laws* about compute, and training tokens against parameters."""

from dataclasses import dataclass

import pandas as pd
import streamlit as st

from dashboard.analysis.bound.losses import Losses
from dashboard.analysis.bound.units import Unit
from dashboard.analysis.laws.ratios import OPTIMAL, Ratios
from dashboard.artifacts.suite import Suite
from dashboard.ui.drawing import show
from dashboard.ui.notes.subtitles import subtitle
from dashboard.views.scaling_laws import frontier, frontier_charts, pythia, words


@dataclass(frozen=True)
class Frontier:
    """Loss during training, and the final losses, in the unit that is shown.

    Attributes:
        curves: from ``frontier.loss_by_compute``.
        ends: from ``frontier.chosen``.
    """

    curves: Losses
    ends: pd.DataFrame


def read(suite: Suite, unit: Unit) -> Frontier:
    """Read both tables.

    Raises:
        ArtifactError: a file is damaged.
    """
    return Frontier(
        Losses.of(suite, frontier.loss_by_compute(suite), unit),
        Losses.of(suite, frontier.chosen(suite), unit).table,
    )


def section(found: Frontier, ratios: Ratios, unit: Unit) -> None:
    """Charts and text; ``ratios`` are the tokens per parameter of the suite's models."""
    elsewhere = pythia.beside(found.ends, ratios)
    left, right = st.columns(2)
    curves = found.curves.table
    if curves.empty:  # the chart that exists comes first
        left, right = right, left
    with left:
        if len(curves):
            chart = frontier_charts.loss_by_compute(curves, found.ends, unit)
            below = subtitle(unit.label, "log axes")
            show.chart(chart, "Loss against compute during training", below)
        words.compute_reading(curves, ratios)
    with right:
        chart = frontier_charts.frontier(found.ends, elsewhere, OPTIMAL)
        below = subtitle("tokens", "log axes")
        show.chart(chart, "Training tokens against parameters", below)
        words.tokens_reading(len(found.ends), ratios, elsewhere=len(elsewhere) > 0)
