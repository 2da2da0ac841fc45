"""Values of laws at a size that was not trained; they never look like measurements."""

import streamlit as st

from bounds import PowerLaw
from dashboard.analysis.laws.fits import Law, Unfitted
from dashboard.analysis.laws.outlook import Estimate, law_estimate
from dashboard.analysis.laws.sizes import ChosenSize, standing
from dashboard.style.escaping import escaped
from dashboard.style.glossary import parameter_count
from dashboard.style.numbers import number_label
from dashboard.ui.drawing import show

#: Metrics in a row.
_COLUMNS = 4


def predicted(size: ChosenSize, rows: list[tuple[str, Law | Estimate, str]]) -> None:
    """A box with each quantity's value by its law; nothing at a measured model.

    Args:
        rows: label, law or what laws give (or why there is none), and unit of each quantity.
    """
    if size.measured:
        return
    with st.container(border=True):
        show.markdown(
            f"**{parameter_count(size.params)} parameters: no model of this size was measured.** "
            f"{badge(size.params, size.smallest, size.largest)}"
        )
        for start in range(0, len(rows), _COLUMNS):
            columns = st.columns(_COLUMNS)
            for column, row in zip(columns, rows[start : start + _COLUMNS], strict=False):
                _metric(column, size, *row)
        if all(isinstance(found, Unfitted) for _, found, _ in rows):
            nearest = f"The rest of the page shows **{escaped(size.model_id)}**, the nearest size."
            show.caption(f"{rows[0][1]} {nearest}")
            return
        show.caption(
            "Read off the laws of the measured models, with the 95 % prediction interval for a "
            "single model below each number. The interval covers the scatter of models about a "
            "law, not whether the law continues. **Nothing read off a law is certified**. The "
            f"numbers of one model below are of **{escaped(size.model_id)}**, the nearest "
            "measured size."
        )


def badge(n: float, smallest: float, largest: float) -> str:
    """A badge with the position of a size relative to the measured ones."""
    words, extrapolated = standing(n, smallest, largest)
    if extrapolated:
        return f":violet-badge[:material/trending_up: extrapolated: {words}]"
    return f":blue-badge[:material/straighten: predicted {words}]"


def _metric(
    column: st.delta_generator.DeltaGenerator,
    size: ChosenSize,
    label: str,
    found: Law | Estimate,
    unit: str,
) -> None:
    if isinstance(found, Unfitted):
        show.metric(column, label, "—", "no law", help=str(found))
        return
    shown = law_estimate(found, size.params) if isinstance(found, PowerLaw) else found
    spread = f"{number_label(shown.low)} to {number_label(shown.high)}"
    show.metric(column, f"{label}, {unit}", f"≈ {number_label(shown.value)}", spread)
