"""Folders that appear completely or not at all."""

import shutil
import tempfile
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path


@contextmanager
def whole_folder(folder: Path) -> Iterator[Path]:
    """A folder to write into, which replaces ``folder`` when everything is written."""
    folder.parent.mkdir(parents=True, exist_ok=True)
    with tempfile.TemporaryDirectory(dir=folder.parent) as temporary:
        ready = Path(temporary) / "ready"
        ready.mkdir()
        yield ready
        if folder.exists():
            shutil.rmtree(folder)
        ready.rename(folder)


@contextmanager
def first_folder(folder: Path) -> Iterator[Path]:
    """A folder to write into, which becomes ``folder`` when everything is written, unless it
    exists.

    Another process may have made it in the meantime: for content that is the same in any process.
    """
    folder.parent.mkdir(parents=True, exist_ok=True)
    with tempfile.TemporaryDirectory(dir=folder.parent) as temporary:
        ready = Path(temporary) / "ready"
        ready.mkdir()
        yield ready
        try:
            ready.rename(folder)
        except OSError:
            if not folder.exists():
                raise
