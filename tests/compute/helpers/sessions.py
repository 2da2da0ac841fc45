"""The session behind a finished run, as the command line opens it."""

from pathlib import Path

from compute.session.opening import open_session
from compute.session.request import Request
from compute.session.session import Session


def session_of(base: Path, ladder: Path, text: Path, workers: int | None = None) -> Session:
    """Of the artifacts and the cache under ``base``; the preset has the name of ``ladder``."""
    folders = (base / "data", base / "cache")
    choices = {"ladder_file": ladder, "device": "cpu", "workers": workers}
    return open_session(Request(ladder.stem, text, *folders, **choices))
