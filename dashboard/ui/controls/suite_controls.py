"""Widgets for which suites are shown and in which unit, tied to the URL."""

from collections.abc import Sequence

import streamlit as st

from dashboard.analysis.bound.units import UNITS, Unit
from dashboard.export import record
from dashboard.ui.controls.links import (
    change_options,
    check_link,
    forget_complaints,
    keep_possible,
    required,
)


def suite_control(suites: list[str]) -> str:
    """Which suite of models."""
    check_link("suite", suites, "the suite")
    chosen = st.selectbox(
        "Suite of models",
        suites,
        key="suite",
        bind="query-params",
        on_change=change_options,
        help="A suite is what was measured together: models trained alike at several sizes, or a "
        "single model.",
    )
    record.chosen("suite", "Suite of models", chosen)
    return chosen


def compare_control(others: Sequence[str]) -> list[str]:
    """Which other suites are shown beside the chosen one; none by default."""
    check_link("compare", others, "the compared suite")
    if "compare" in st.session_state:  # what was compared may just have become the chosen one
        kept = [name for name in st.session_state["compare"] if name in others]
        if kept != st.session_state["compare"]:
            st.session_state["compare"] = kept
    chosen = st.multiselect(
        "Compare with",
        others,
        key="compare",
        bind="query-params",
        on_change=forget_complaints,
        help="Shows the same chart of other suites beside this one's. Controls are this suite's; "
        "where another lacks the chosen setting, its nearest is shown and named.",
    )
    record.chosen("compare", "Compare with", chosen)
    return chosen


def unit_control() -> Unit:
    """What losses are shown in."""
    check_link("unit", list(UNITS), "the unit")
    keep_possible("unit", list(UNITS), next(iter(UNITS)))
    chosen = st.segmented_control(
        "Unit of losses",
        list(UNITS),
        default=next(iter(UNITS)),
        required=True,
        key="unit",
        bind="query-params",
        on_change=forget_complaints,
        help="A token is what a model's own tokenizer makes it. Bits per byte of text (nats per "
        "token, divided by ln 2 and by the mean bytes of a token) can be compared between "
        "tokenizers.",
    )
    chosen = required(chosen)
    record.chosen("unit", "Unit of losses", chosen)
    return UNITS[chosen]


def together_control() -> bool:
    """Whether one law is fitted to the models of all suites."""
    chosen = st.toggle(
        "Fit all suites together",
        key="together",
        bind="query-params",
        on_change=forget_complaints,
        help="Off: every suite has laws of its own. On: one law through the models of all, which "
        "mixes texts, tokenizers and ways of training.",
    )
    record.chosen("together", "Fit all suites together", chosen)
    return chosen
