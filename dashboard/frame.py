"""The frame of every page: which suite is open, and plain words where none can be."""

import os
from pathlib import Path

import streamlit as st

from dashboard import controls
from dashboard.artifacts import Suite, list_suites, suite_version
from dashboard.errors import ArtifactError
from dashboard.navigation import navigation

#: Folder of the artifacts unless the environment says otherwise.
DEFAULT_DATA_DIR = Path(__file__).resolve().parent.parent / "data"


def data_dir() -> Path:
    """Folder of the artifacts: ``BOUNDSCAPE_DATA``, or ``data/`` beside the app."""
    return Path(os.environ.get("BOUNDSCAPE_DATA") or DEFAULT_DATA_DIR)


@st.cache_resource(max_entries=8, show_spinner="Opening the measurements…")
def _open(folder: str, suite: str, version: str) -> Suite:  # version is part of the cache key
    return Suite(Path(folder), suite)


def open_suite_from_sidebar() -> bool:
    """Let the reader choose a suite and open it; False if there is nothing to show.

    The open suite is ``st.session_state["open_suite"]``.
    """
    folder = data_dir()
    suites = list_suites(folder)
    if not suites:
        st.title("Boundscape")
        st.info(
            "There are no measurements yet. Run `make compute PRESET=tiny` for a first suite in "
            "about a minute, then reload this page.",
            icon=":material/inbox:",
        )
        return False
    with st.sidebar:
        name = controls.suite_control(suites)
    try:
        suite = _open(str(folder), name, suite_version(folder, name))
    except ArtifactError as error:
        show_error(error)
        return False
    st.session_state["open_suite"] = suite
    return True


def open_suite() -> Suite:
    """The suite that the frame has opened.

    Until some visitor has been through ``app.py``, Streamlit takes every file in ``pages/`` for a
    script of its own, so the first visitor of a fresh server who follows a link to a page arrives
    here without the frame.  Declaring the pages puts that right, and the script starts anew.
    """
    if "open_suite" not in st.session_state:
        navigation()
        st.rerun()
    return st.session_state["open_suite"]


def show_error(error: ArtifactError) -> None:
    """One sentence instead of a page."""
    st.error(str(error).replace("$", r"\$"), icon=":material/error:")


def show_provenance(suite: Suite) -> None:
    """In the sidebar: where the numbers come from."""
    values = suite.provenance()
    corpora = ", ".join(sorted(set(suite.models()["corpus"])))
    with st.sidebar:
        st.caption(
            f"Measured on: {corpora}  \nCode {values['code_revision']}, schema "
            f"{values['schema_version']}  \n{values['device']}"
        )
