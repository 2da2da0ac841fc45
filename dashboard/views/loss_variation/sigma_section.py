"""Sigma against model size of every view, and the bound of two in numbers."""

import pandas as pd

from dashboard.analysis.bound.units import Unit
from dashboard.analysis.laws.fits import law_of
from dashboard.analysis.measured import variation
from dashboard.charts import law_charts
from dashboard.style.glossary import term_of
from dashboard.ui.beside.bound_columns import in_numbers
from dashboard.ui.beside.columns import NOTHING_THERE, Columns, NothingThereError
from dashboard.ui.beside.differences import Number
from dashboard.ui.beside.view import View
from dashboard.ui.drawing import show
from dashboard.ui.notes.subtitles import of_choice, subtitle
from dashboard.views.loss_variation import charts

_KEY, _COLOUR = "sigma_nats", term_of("loss_variation").colour


def section(views: list[View], unit: Unit, at: float | None) -> None:
    """Sigma against model size with the law of each view, and the paper's bound in numbers.

    Args:
        at: a size that was not measured, marked on the law of one view by itself.
    """
    Columns.read(views, _sigma).chart(
        "Σ against model size",
        lambda frame, span: charts.sigma_by_size(
            frame, law_of(frame, _KEY), _COLOUR, None if span else at, span
        ),
        lambda view, frame: subtitle("nats/√nat", of_choice(view.choice)),
        lambda frame: law_charts.law_ends(frame, _KEY, law_of(frame, _KEY)),
    )
    if len(views) == 1:
        return
    show.caption(
        "Σ is in nats per √nat, of each suite's own tokens, whatever the unit of losses: it "
        "multiplies √C, which is of tokens too."
    )
    in_numbers(views, unit, "four_term", lambda row: {"Σ, nats per √nat": Number(float(row[_KEY]))})


def _sigma(view: View) -> pd.DataFrame:
    frame = variation.sigma_by_size(view.suite, view.choice)
    if frame.empty:
        raise NothingThereError(NOTHING_THERE)
    return frame
