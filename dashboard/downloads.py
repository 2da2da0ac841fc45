"""The data behind a view, to look at and to take away."""

import io

import pandas as pd
import streamlit as st

from dashboard.units import NATS, Unit, exported


def tables(frames: dict[str, tuple[pd.DataFrame, str]], unit: Unit = NATS) -> None:
    """Several tables, one tab each: title -> (rows, name of the files); empty ones are left out."""
    shown = {title: value for title, value in frames.items() if not value[0].empty}
    for tab, (frame, name) in zip(st.tabs(list(shown)), shown.values(), strict=True):
        with tab:
            table(frame, name, unit)


def table(frame: pd.DataFrame, name: str, unit: Unit = NATS) -> None:
    """The rows behind the charts, with downloads as CSV and Parquet; columns are named after the
    unit of their losses."""
    frame = exported(frame, unit)
    st.dataframe(frame, hide_index=True)
    parquet = io.BytesIO()
    frame.to_parquet(parquet, index=False)
    row = st.container(horizontal=True)
    row.download_button(
        "Download CSV",
        frame.to_csv(index=False),
        file_name=f"{name}.csv",
        mime="text/csv",
        on_click="ignore",
        icon=":material/download:",
        key=f"{name}.csv",
    )
    row.download_button(
        "Download Parquet",
        parquet.getvalue(),
        file_name=f"{name}.parquet",
        mime="application/vnd.apache.parquet",
        on_click="ignore",
        icon=":material/download:",
        key=f"{name}.parquet",
    )
