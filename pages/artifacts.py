"""Artifacts: what was run, every table and file, and which of them a number comes from."""

import streamlit as st

from dashboard.ui.page import frame
from dashboard.views.artifacts import (
    controls,
    files_section,
    numbers_section,
    runs_section,
    tables_section,
)

suite, title = frame.open_suite(), "Artifacts"
with st.sidebar:
    part = controls.part_control()
    if part == controls.TABLES:
        selection = controls.selection_control(suite)
    elif part == controls.FILES:
        files = controls.files_control(suite)
    elif part == controls.NUMBERS:
        number = controls.number_control(suite)
frame.title(suite, title)
if part == controls.TABLES:
    tables_section.draw(suite, selection)
elif part == controls.FILES:
    files_section.draw(suite, files)
elif part == controls.NUMBERS:
    numbers_section.draw(suite, number)
else:
    runs_section.draw(suite)
frame.show_provenance(suite)
