"""Errors of a page: one sentence for the visitor; unexpected ones are logged."""

import logging
from collections.abc import Iterator
from contextlib import contextmanager

import streamlit as st

from dashboard.artifacts.errors import ArtifactError

_log = logging.getLogger(__name__)


def show_error(error: ArtifactError) -> None:
    """One sentence on artifacts that cannot be used."""
    st.error(str(error).replace("$", r"\$"), icon=":material/error:")


@contextmanager
def as_one_sentence() -> Iterator[None]:
    """Let no error through to the visitor, with its path, its module or its traceback.

    Streamlit can be told to hide them, but some hosts tell it otherwise.
    """
    try:
        yield
    except ArtifactError as error:
        show_error(error)
    except Exception:  # noqa: BLE001 - whatever it is, a visitor must not see it
        _log.exception("A page broke off")
        st.error(
            "Something went wrong here, and the log of this server says what. Reload the page, or "
            "go to another one.",
            icon=":material/error:",
        )
