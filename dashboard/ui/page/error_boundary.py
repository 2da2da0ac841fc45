"""Unexpected errors: a sentence for the visitor, all details for the log."""

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
    """Keep every unexpected error from the visitor, with its path, module and traceback.

    Streamlit can hide them, but some hosts disable that.
    """
    try:
        yield
    except ArtifactError as error:
        show_error(error)
    except Exception:  # noqa: BLE001 - no visitor may see any unexpected error
        _log.exception("A page broke off")
        st.error(
            "Something went wrong here; the log of this server has the details. Reload the page, "
            "or open another one.",
            icon=":material/error:",
        )
