"""The download menu of a chart: its rows, its specification, pictures; made on demand."""

from functools import partial

import streamlit as st

from dashboard.export import chart_files
from dashboard.export.record import Chart

#: Ending, label, type and maker of each file.
_FILES = (
    ("csv", "Rows (CSV)", "text/csv", chart_files.rows_csv),
    ("parquet", "Rows (Parquet)", "application/vnd.apache.parquet", chart_files.rows_parquet),
    ("vl.json", "Vega-Lite specification", "application/json", chart_files.specification),
    ("svg", "Picture (SVG)", "image/svg+xml", chart_files.svg),
    ("png", "Picture (PNG)", "image/png", chart_files.png),
)


@st.fragment
def show(part: Chart, key: str) -> None:
    """A small button that opens the menu.

    A closed menu is one element; opening it runs this function alone and makes its buttons, and
    pressing a button makes its file.
    """
    menu = st.popover(
        "",
        icon=":material/download:",
        type="tertiary",
        help="Download this chart",
        key=f"{key}-menu",
        on_change="rerun",
    )
    if not menu.open:
        return
    for ending, label, mime, make in _FILES:
        menu.download_button(
            label,
            partial(make, part),
            file_name=f"{chart_files.file_name(part)}.{ending}",
            mime=mime,
            on_click="ignore",
            type="tertiary",
            key=f"{key}-{ending}",
        )
