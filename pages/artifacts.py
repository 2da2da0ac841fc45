"""Artifacts: what was run, every table and file, and which of them a number comes from."""

import streamlit as st

from dashboard import artifact_controls as controls
from dashboard import files_section, frame, numbers_section, runs_section, tables_section
from dashboard.errors import ArtifactError

suite, title = frame.open_suite(), "Artifacts"
try:
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
        tables_section.show(suite, selection)
    elif part == controls.FILES:
        files_section.show(suite, files)
    elif part == controls.NUMBERS:
        numbers_section.show(suite, number)
    else:
        runs_section.show(suite)
except ArtifactError as error:
    frame.show_error(error)
    frame.stop()
frame.show_provenance(suite)
