"""The part of the page *Artifacts* that shows and downloads the rows of every table."""

from functools import partial

import streamlit as st

from dashboard.artifacts.suite import Suite
from dashboard.ui.controls.registry import SHEET
from dashboard.ui.drawing import show
from dashboard.views.artifacts.columns import column_config, meanings
from dashboard.views.artifacts.table_rows import MOST_DOWNLOADED, PAGE_ROWS, Selection, pages


def draw(suite: Suite, selection: Selection) -> None:
    """A page of the selected rows, the meaning of the columns, downloads.

    Raises:
        ArtifactError: a file is damaged.
    """
    rows = selection.count(suite)
    if not rows:
        show.info(f"The table `{selection.table}` has no such rows.", icon=":material/inbox:")
        _meanings(selection.table)
        return
    left, right = st.columns([2, 3], vertical_alignment="center")
    with right.container(horizontal=True, horizontal_alignment="right"):
        number = SHEET.ask(pages(rows))
    first = (number - 1) * PAGE_ROWS + 1
    last = min(rows, number * PAGE_ROWS)
    with left:
        show.markdown(
            f"**{selection.table}**: "
            + ("1 row" if rows == 1 else f"rows {first:,} to {last:,} of {rows:,}")
        )
    show.stored_rows(
        selection.page(suite, number),
        selection.table,
        placeholder="–",
        column_config=column_config(selection.table),
    )
    _downloads(suite, selection, rows)
    _meanings(selection.table)


def _meanings(table: str) -> None:
    with st.expander("Meaning of the columns", icon=":material/help:"):
        st.dataframe(meanings(table), hide_index=True)


def _downloads(suite: Suite, selection: Selection, rows: int) -> None:
    if rows > MOST_DOWNLOADED:
        st.caption(
            f":material/block: {rows:,} rows are more than the {MOST_DOWNLOADED:,} that can be "
            "downloaded at a time. Select one model or setting, or write a filter; whole files "
            "are under *Files*."
        )
        return
    name = f"{suite.name}-{selection.table}"
    row = st.container(horizontal=True)
    for label, ending, mime, make in (
        ("CSV", "csv", "text/csv", selection.csv),
        ("Parquet", "parquet", "application/vnd.apache.parquet", selection.parquet),
    ):
        row.download_button(
            f"Download {label}",
            partial(make, suite),
            file_name=f"{name}.{ending}",
            mime=mime,
            on_click="ignore",
            icon=":material/download:",
            key=f"rows.{ending}",
        )
    all_of_them = "this row" if rows == 1 else f"all {rows:,} selected rows"
    st.caption(f"Downloads contain {all_of_them}, not only this page.")
