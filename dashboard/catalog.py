"""Sources of suites: a folder of this machine, or an address."""

import os
from pathlib import Path
from typing import TypeVar

import streamlit as st

from dashboard.artifacts.files import files_state, list_suites
from dashboard.artifacts.remote.address import VARIABLE, is_address, parse_address
from dashboard.artifacts.remote.cache import default_cache
from dashboard.artifacts.remote.progress import Job
from dashboard.artifacts.remote.source import RemoteSource
from dashboard.artifacts.suite import Suite
from dashboard.artifacts.version import Version

#: Folder of the artifacts unless the environment names another.
DEFAULT_DATA_DIR = Path(__file__).resolve().parents[1] / "data"

#: Seconds between two checks of work that a visitor waits for.
_LOOK_SECONDS = 0.1

T = TypeVar("T")


def location() -> str:
    """A path or an address: ``BOUNDSCAPE_DATA``, or ``data/`` of the repository."""
    return os.environ.get(VARIABLE) or str(DEFAULT_DATA_DIR)


def suite_names() -> list[str]:
    """Suites that can be chosen, the shipped ladder first; of an address once it answered.

    Raises:
        ArtifactError: an address that cannot be used, or was never reached.
    """
    where = location()
    if is_address(where):
        return list(_remote(where).catalogue(_awaited).suites)
    return list_suites(Path(where))


def open_by_name(name: str) -> Suite:
    """A suite, fetched and opened once for all visitors while its files stay the same.

    Raises:
        ArtifactError: it cannot be used.
    """
    where = location()
    if not is_address(where):
        return _open(where, name, files_state(Path(where), name), None)
    source = _remote(where)
    catalogue = source.catalogue(_awaited)
    folder = source.folder(catalogue, name, _awaited)
    digest = catalogue.suites[name]
    return _open(str(folder), name, f"{digest} {files_state(folder, name)}", digest)


def notes() -> list[str]:
    """Sentences about artifacts that may be older than those at their address.

    Raises:
        ArtifactError: as ``suite_names``.
    """
    where = location()
    if not is_address(where):
        return []
    source = _remote(where)
    note = source.note(source.catalogue(_awaited))
    return [note] if note else []


@st.cache_resource(max_entries=8, show_spinner="Opening the measurements…")
def _open(folder: str, suite: str, state: str, digest: str | None) -> Suite:
    # `state` is only part of the cache's key.
    return Suite(Path(folder), suite, Version(digest) if digest else None)


@st.cache_resource(max_entries=4, show_spinner=False)
def _remote(where: str) -> RemoteSource:
    return RemoteSource(parse_address(where), default_cache())


def _awaited(job: Job[T], text: str) -> T:
    """The result of a job; the page shows its progress until then."""
    if not job.wait(_LOOK_SECONDS):
        place = st.empty()
        with place.container():
            st.title("Boundscape")  # Streamlit's own header covers the top of a page
            bar = st.progress(0.0, f"{text}…")
        while not job.wait(_LOOK_SECONDS):
            words = job.progress.words
            bar.progress(job.progress.share, f"{text}: {words}" if words else f"{text}…")
        place.empty()
    return job.result()
