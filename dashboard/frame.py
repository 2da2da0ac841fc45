"""The frame of every page: which suite is open, and plain words where none can be."""

import os
from pathlib import Path

import streamlit as st

from dashboard import links, suite_controls
from dashboard.artifact_files import list_suites, suite_version
from dashboard.artifacts import Suite
from dashboard.certificates import plain
from dashboard.errors import ArtifactError
from dashboard.navigation import link_to, navigation, title_of

#: Folder of the artifacts unless the environment says otherwise.
DEFAULT_DATA_DIR = Path(__file__).resolve().parent.parent / "data"


def data_dir() -> Path:
    """Folder of the artifacts: ``BOUNDSCAPE_DATA``, or ``data/`` beside the app."""
    return Path(os.environ.get("BOUNDSCAPE_DATA") or DEFAULT_DATA_DIR)


@st.cache_resource(max_entries=8, show_spinner="Opening the measurements…")
def _open(folder: str, suite: str, version: str) -> Suite:  # version is part of the cache key
    return Suite(Path(folder), suite)


def open_by_name(name: str) -> Suite:
    """A suite of the data folder, opened once for all visitors as long as its files stay.

    Raises:
        ArtifactError: it cannot be used.
    """
    folder = data_dir()
    return _open(str(folder), name, suite_version(folder, name))


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
        name = suite_controls.suite_control(suites)
    try:
        suite = open_by_name(name)
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


def title(suite: Suite, text: str) -> None:
    """The head of a page: its title, what was wrong with the link, and whether another text stands
    in for what the models were trained on."""
    st.title(text)
    links.show_complaints()
    for sentence in stand_ins(suite):
        st.warning(sentence, icon=":material/swap_horiz:")


def stand_ins(suite: Suite) -> list[str]:
    """Sentences about models whose training text could not be had, one per text that stands in."""
    models = suite.models()
    sentences = []
    for text, rows in models.dropna(subset=["stand_in"]).groupby("stand_in", sort=False):
        of = "" if len(rows) == len(models) else f" ({', '.join(rows['model_id'])})"
        sentences.append(
            f"**Another text stands in for the training text**{plain(of)}: {plain(text)}. No bound "
            "computed from it is certified, so all of them are drawn hollow."
        )
    return sentences


def show_error(error: ArtifactError) -> None:
    """One sentence instead of a page."""
    st.error(str(error).replace("$", r"\$"), icon=":material/error:")


def show_provenance(suite: Suite) -> None:
    """In the sidebar: where the numbers come from."""
    values = suite.provenance()
    models = suite.models()
    corpora, arithmetic = (", ".join(sorted(set(models[key]))) for key in ("corpus", "arithmetic"))
    sampled = ", scored on sampled windows" if suite.is_sampled else ""
    with st.sidebar:
        st.caption(
            f"Trained on: {corpora}  \nRun in {arithmetic}{sampled}  \nCode "
            f"{values['code_revision']}, schema {values['schema_version']}  \n{values['device']}"
        )
        if st.session_state.get("page") != title_of("artifacts"):
            link_to("artifacts", "What was run, and every file")
