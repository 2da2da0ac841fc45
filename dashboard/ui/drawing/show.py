"""Show parts of a page: Streamlit draws them, and a record stores them for the exported view.

Each function draws what its namesake of Streamlit does.  Parts of the sidebar, such as
a caption under a control, are not recorded.
"""

import altair as alt
import pandas as pd
import pyarrow as pa
import streamlit as st
from streamlit.delta_generator import DeltaGenerator

from dashboard.export import record
from dashboard.export.record import Chart, Metric, Table, Words
from dashboard.ui.drawing import chart_menu, table_look


def chart(
    drawn: alt.TopLevelMixin,
    title: str,
    subtitle: str,
    *,
    width: str | None = None,
    head: str = "",
) -> None:
    """A chart under its title and subtitle, with a menu to download it as files.

    Args:
        drawn: the chart, put together by ``vega``.
        title: what it shows, in Markdown; escape names of models and suites
            (``escaping.escaped``).
        subtitle: unit of the values and setting, in Markdown, as from ``subtitles.subtitle``.
        width: as in ``st.altair_chart``.
        head: over the chart in place of the title, where words above it say the rest.
    """
    part = Chart(title, drawn, subtitle)
    kept = record.current()
    above = st.container(gap=None)
    line = above.container(horizontal=True, vertical_alignment="center", gap="xsmall")
    line.markdown(f"**{head or title}**", width="stretch")
    above.markdown(f":small[:gray[{subtitle}]]")
    with line.container(width="content"):
        chart_menu.show(part, f"{kept.page}-{len(kept.charts())}")
    st.vega_lite_chart(spec=drawn.written(), width=width)
    kept.parts.append(part)


def dataframe(
    frame: pd.DataFrame, title: str, *, column_config: dict | None = None, **look
) -> None:
    """Rows under headers as text, with rounded numbers.

    Args:
        title: in the exported view.
        column_config, look: as in ``st.dataframe``.
    """
    config = table_look.column_config(frame, column_config or {})
    shown = table_look.printed(frame)
    st.dataframe(shown, hide_index=True, column_config=config, placeholder="–", **look)
    headers = {name: column["label"] for name, column in config.items()}
    record.current().parts.append(Table(title, frame, headers))


def stored_rows(rows: pa.Table, title: str, **look) -> None:
    """Rows of an artifact as they are stored, under the names of their columns.

    Args:
        title, look: as in ``dataframe``.
    """
    st.dataframe(rows, hide_index=True, **look)
    # Whole numbers stay whole in columns with missing values.
    record.current().parts.append(Table(title, rows.to_pandas(types_mapper=pd.ArrowDtype)))


def metric(column: DeltaGenerator, label: str, value: str, note: str, **look) -> None:
    """A number in a column, with a note below it, which may be empty."""
    column.metric(label, value, delta=note, delta_color="off", delta_arrow="off", **look)
    record.current().parts.append(Metric(label, value, note))


def subheader(text: str) -> None:
    """The heading of a section."""
    st.subheader(text)
    _keep("heading", text)


def markdown(text: str, unsafe_allow_html: bool = False) -> None:
    """Text, lists and tables."""
    st.markdown(text, unsafe_allow_html=unsafe_allow_html)
    _keep("text", text)


def latex(formula: str) -> None:
    """A formula on its own line."""
    st.latex(formula)
    _keep("text", f"${formula}$")


def code(text: str, language: str) -> None:
    """A line to copy."""
    st.code(text, language=language)
    _keep("text", f"`{text}`")


def caption(text: str) -> None:
    """A caption that says how to read a chart."""
    st.caption(text)
    _keep("caption", text)


def info(text: str, icon: str | None = None) -> None:
    """A note on what is missing, and why."""
    st.info(text, icon=icon)
    _keep("info", text)


def warning(text: str, icon: str | None = None) -> None:
    """A warning."""
    st.warning(text, icon=icon)
    _keep("warning", text)


def _keep(kind: str, text: str) -> None:
    record.current().parts.append(Words(kind, text))
