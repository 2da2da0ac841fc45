"""The data behind a view, as tables and downloads."""

import io
from functools import partial

import pandas as pd
import streamlit as st

from dashboard.analysis.bound.losses import Losses
from dashboard.ui.drawing import show


def tables(frames: dict[str, tuple[pd.DataFrame | Losses, str]]) -> None:
    """Several tables, one tab each: title -> (rows, name of the files); empty ones are left out."""
    shown = {title: value for title, value in frames.items() if not _rows(value[0]).empty}
    for tab, title in zip(st.tabs(list(shown)), shown, strict=True):
        frame, name = shown[title]
        with tab:
            table(frame, name, title)


def table(frame: pd.DataFrame | Losses, name: str, title: str = "") -> None:
    """The rows behind the charts, with downloads as CSV and Parquet, made on demand.

    Columns of ``Losses`` are named after their unit.

    Args:
        frame: the rows.
        name: of the files.
        title: in the exported view; ``name`` without one.
    """
    frame = _rows(frame)
    show.dataframe(frame, title or name)
    row = st.container(horizontal=True)
    for label, ending, mime, make in (
        ("Download CSV", "csv", "text/csv", partial(frame.to_csv, index=False)),
        ("Download Parquet", "parquet", "application/vnd.apache.parquet", partial(_parquet, frame)),
    ):
        row.download_button(
            label,
            make,
            file_name=f"{name}.{ending}",
            mime=mime,
            on_click="ignore",
            icon=":material/download:",
            key=f"{name}.{ending}",
        )


def _rows(frame: pd.DataFrame | Losses) -> pd.DataFrame:
    return frame.for_file() if isinstance(frame, Losses) else frame


def _parquet(frame: pd.DataFrame) -> bytes:
    parquet = io.BytesIO()
    frame.to_parquet(parquet, index=False)
    return parquet.getvalue()
