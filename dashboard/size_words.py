"""What a page shows of a size that nobody trained: laws' values, never like measurements."""

import streamlit as st

from bounds import PowerLaw
from dashboard.sizes import ChosenSize, estimate
from dashboard.text import parameter_count

#: Metrics side by side.
_COLUMNS = 4


def predicted(size: ChosenSize, rows: list[tuple[str, PowerLaw | str, str]]) -> None:
    """A box with each quantity's value by its law; nothing at a measured model.

    Args:
        rows: label, law (or why there is none) and unit of each quantity.
    """
    if size.measured:
        return
    with st.container(border=True):
        st.markdown(
            f"**{parameter_count(size.params)} parameters: no model of this size was measured.** "
            f"{badge(size)}"
        )
        for start in range(0, len(rows), _COLUMNS):
            columns = st.columns(_COLUMNS)
            for column, row in zip(columns, rows[start : start + _COLUMNS], strict=False):
                _metric(column, size, *row)
        st.caption(
            "Read off the laws of the measured models, 95 % intervals below each number; an "
            "interval knows how the models scatter about a law, not whether the law goes on. What "
            f"follows about one model is of **{size.model_id}**, the nearest that was measured."
        )


def badge(size: ChosenSize) -> str:
    """In Markdown, how the size stands to what was measured."""
    if size.extrapolated:
        return f":orange-badge[:material/trending_flat: {size.standing}]"
    return f":violet-badge[:material/timeline: by the laws, {size.standing}]"


def _metric(
    column: st.delta_generator.DeltaGenerator,
    size: ChosenSize,
    label: str,
    law: PowerLaw | str,
    unit: str,
) -> None:
    if isinstance(law, str):
        column.metric(label, "—", delta="no law", delta_color="off", delta_arrow="off", help=law)
        return
    value, low, high = estimate(law, size.params)
    column.metric(
        f"{label}, {unit}",
        f"≈ {number(value)}",
        delta=f"{number(low)} to {number(high)}",
        delta_color="off",
        delta_arrow="off",
    )


def number(value: float) -> str:
    """Three significant digits, powers of ten where they are shorter."""
    if value != 0 and not 1e-3 <= abs(value) < 1e5:
        return f"{value:.2e}"
    return f"{value:.3g}" if abs(value) < 1000 else f"{value:,.0f}"
