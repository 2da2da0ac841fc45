"""Information per parameter of several views side by side."""

import pandas as pd

from dashboard.analysis.bound.units import Unit
from dashboard.analysis.measured import information
from dashboard.ui.beside import compare
from dashboard.ui.beside.bound_columns import in_numbers, stacked_terms
from dashboard.ui.beside.columns import NOTHING_THERE, Columns, NothingThereError
from dashboard.ui.beside.view import View
from dashboard.ui.notes.subtitles import subtitle
from dashboard.views.information import charts

_KEY = "bits_per_parameter"


def information_of(views: list[View], reach: float, unit: Unit) -> None:
    """Information per parameter by every code with its laws, or the bound where views differ in
    that alone."""
    if not compare.differ_in(views, "suite", "quantizer"):
        stacked_terms(views, unit)
        return

    def read(view: View) -> tuple[pd.DataFrame, dict, pd.DataFrame, str]:
        codes = information.by_code(view.suite, view.choice.setting)
        if codes.empty:
            raise NothingThereError(NOTHING_THERE)
        laws = information.code_laws(codes, _KEY)
        real_alone = information.by_model(view.suite).empty
        note = "This suite has no prequential information, only real codes."
        reported = information.reported(view.suite, reach, _KEY)
        return codes, laws, reported, note if real_alone else ""

    Columns.read(views, read).chart(
        "Bits per parameter",
        lambda found, span: charts.bits_by_size(
            *found[:2], _KEY, "Bits per parameter", reach, found[2], span
        ),
        lambda view, found: subtitle(
            "bits per parameter", f"real codes: {view.choice.setting.label}", "log axes"
        ),
        lambda found: charts.ends(*found[:3], _KEY, reach),
        lambda found: found[3],
    )
    in_numbers(views, unit)
