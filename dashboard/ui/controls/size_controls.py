"""Widgets for sizes and other numbers that a reader may write, tied to the URL."""

import math
from dataclasses import replace

import pandas as pd
import streamlit as st

from dashboard.analysis.laws.fits import too_few
from dashboard.analysis.laws.sizes import (
    ANOTHER,
    LARGEST,
    SMALLEST,
    ChosenSize,
    chosen_size,
    default_size,
)
from dashboard.artifacts.errors import ArtifactError
from dashboard.export import record
from dashboard.style.escaping import escaped, quoted
from dashboard.style.numbers import count_label, parse_count
from dashboard.ui.controls.links import check_link, forget_complaints, keep_possible


def size_control(models: pd.DataFrame) -> ChosenSize:
    """Which size the numbers of the page are for: a measured model, or any other by the laws.

    Args:
        models: columns model_id and params_total, by size.

    Raises:
        ArtifactError: there is none.
    """
    if models.empty:
        raise ArtifactError("No model of this suite was measured at this choice; choose another.")
    names = list(models["model_id"])
    options = names if too_few(models) else [*names, ANOTHER]
    check_link("model", options, "the model")
    if len(options) == 1:  # a slider needs two places
        st.session_state.pop("model", None)
        st.caption(f"Model: **{escaped(names[0])}**, the only one here.")
        record.chosen("model", "Model size", names[0])
        return _measured(models, names[0])
    keep_possible("model", options, names[-1])
    name = st.select_slider(
        "Model size",
        options,
        value=names[-1],
        key="model",
        bind="query-params",
        on_change=forget_complaints,
        help="The model whose numbers are shown in detail; all sizes stay in the charts."
        + (_ANOTHER_HELP if ANOTHER in options else ""),
    )
    record.chosen("model", "Model size", name)
    return _measured(models, name) if name != ANOTHER else _any_size(models)


_ANOTHER_HELP = (
    f" *{ANOTHER}*, at the right end, asks the laws of the measured models about any size."
)


def _measured(models: pd.DataFrame, name: str) -> ChosenSize:
    params = models.set_index("model_id")["params_total"][name]
    return replace(chosen_size(models, float(params)), model_id=name)


def _any_size(models: pd.DataFrame) -> ChosenSize:
    return chosen_size(models, params_control(models))


def params_control(models: pd.DataFrame) -> float:
    """Any model size N."""
    return count_control(
        "n",
        "Parameters N",
        default_size(models),
        SMALLEST,
        LARGEST,
        "Any size, such as 300k, 1.4B or 2e12. Only laws can speak of it, and what they say "
        "is marked: between measured sizes, or extrapolated.",
    )


def count_control(
    parameter: str, label: str, default: str, low: float, high: float, help_text: str
) -> float:
    """A number as people write it, between ``low`` and ``high``: ``3.2M``, ``1e9``.

    What cannot be read, or lies outside, is a complaint, and the default holds.  Another suite may
    bring another default, which replaces the old one unless the reader has written something else.
    """
    before = st.session_state.get(f"{parameter}_default", default)
    if before != default and st.session_state.get(parameter) == before:
        st.session_state[parameter] = default
    st.session_state[f"{parameter}_default"] = default
    text = st.text_input(
        label,
        value=default,
        key=parameter,
        bind="query-params",
        max_chars=24,
        on_change=forget_complaints,
        help=help_text,
    )
    value = parse_count(text or "")
    usable = value is not None and low <= value <= high
    record.chosen(parameter, label, text if usable else default)
    if usable:
        st.session_state.setdefault("link_complaints", {}).pop(parameter, None)
        return value
    st.session_state.setdefault("link_complaints", {})[parameter] = (
        f"{label}: {quoted(text or '')} is not a number from {count_label(low)} to "
        f"{count_label(high)}, written like 300k, 1.4B or 2e12; {default} is used instead."
    )
    return parse_count(default)


def reach_control(largest: float) -> float:
    """How far beyond the ``largest`` measured size laws are drawn."""
    default = count_label(10.0 ** math.ceil(math.log10(30.0 * largest)))
    return count_control(
        "reach",
        "Draw laws up to N",
        default,
        largest,
        LARGEST,
        "Laws are drawn up to this size, solid where models were measured and dashed beyond. How "
        "far a law can be trusted beyond its models, nothing measured here can tell.",
    )
