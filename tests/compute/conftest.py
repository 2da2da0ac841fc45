"""Fixtures of the batch stage's tests: tiny models in a local hub cache, made once per run."""

import shutil
import tempfile
from pathlib import Path

import pytest

from tests.compute.helpers.published_runs import miniature, on_miniature, own_miniature, pythia_run
from tests.tiny_hub import offline_hub, own_hub, tiny_hub

__all__ = [
    "miniature",
    "offline_hub",
    "on_miniature",
    "own_hub",
    "own_miniature",
    "pythia_run",
    "tiny_hub",
]


@pytest.fixture(scope="module")
def ray_folder():
    """Ray's own files; the path is short, because sockets are among them."""
    folder = Path(tempfile.mkdtemp(prefix="ray-", dir="/tmp"))
    (folder / "ray").mkdir()  # a cluster of the tests notes its address there, come what may
    with pytest.MonkeyPatch.context() as patch:
        patch.setenv("RAY_TMPDIR", str(folder))
        yield folder
    shutil.rmtree(folder, ignore_errors=True)
