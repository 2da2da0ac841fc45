"""The part of the page *Quantization* about single layers."""

from dataclasses import dataclass

import pandas as pd
import streamlit as st

from dashboard.analysis.measured import quantization
from dashboard.artifacts.settings import Setting
from dashboard.artifacts.suite import Suite
from dashboard.ui.drawing import show
from dashboard.ui.notes.subtitles import subtitle
from dashboard.views.quantization import charts, words


@dataclass(frozen=True)
class Layers:
    """Data about a suite's layers, each from the function of ``quantization`` of its name.

    Attributes:
        layers, spending, rotation: of one model (and setting).
        counts, exceptions, rotated: of all.
    """

    layers: pd.DataFrame
    spending: pd.DataFrame
    rotation: pd.DataFrame
    counts: pd.Series
    exceptions: pd.DataFrame
    rotated: list[str]


def read(suite: Suite, setting: Setting, model_id: str) -> Layers:
    """Read all data about layers.

    Raises:
        ArtifactError: a file is damaged.
    """
    return Layers(
        quantization.layers(suite, setting, model_id),
        quantization.spending(suite, setting, model_id),
        quantization.rotation(suite, model_id),
        quantization.feedback_counts(suite),
        quantization.exceptions(suite),
        quantization.rotated(suite),
    )


def section(found: Layers, setting: Setting) -> None:
    """Charts and text about layers at the chosen ``setting``."""
    left, right = st.columns(2)
    with left:
        if found.layers.empty:
            show.info("No layer was quantized to a grid at this setting, or none was measured.")
        else:
            heading = "Measured against predicted proxy loss"
            below = subtitle("proxy loss of each layer", setting.label, "log axes")
            show.chart(charts.predicted_loss(found.layers), heading, below)
            words.layers_reading(found.layers)
    with right:
        if found.rotation.empty:
            words.no_rotation(found.rotated)
        else:
            heading = "LDLQ with rotation over LDLQ without"
            below = subtitle("ratio of proxy losses of each layer", "every bit width with both")
            show.chart(charts.rotation(found.rotation), heading, below)
            words.rotation_reading(found.rotation)
    words.spending(found.spending)
    words.feedback_exceptions(found.counts, found.exceptions)
