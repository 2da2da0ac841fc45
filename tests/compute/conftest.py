"""Fixtures of the batch stage's tests: tiny models in a local hub cache, made once per run."""

import gc
import shutil
import tempfile
from pathlib import Path

import pytest

from compute.base.process_memory import keep_loaded
from compute.commands.publish.publish import publish_suite
from tests.compute.helpers import second_device
from tests.compute.helpers.processes import run_here
from tests.compute.helpers.published_runs import miniature, on_miniature, own_miniature, pythia_run
from tests.conftest import compute_command, made_once
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

second_device.register()


@pytest.fixture(scope="module", autouse=True)
def _keep_loaded():
    """As a worker: the collection at the end of each unit passes over what has been loaded."""
    gc.collect()
    keep_loaded()


@pytest.fixture(scope="module")
def ray_folder():
    """Ray's own files; the path is short, because sockets are among them."""
    folder = Path(tempfile.mkdtemp(prefix="ray-", dir="/tmp"))
    (folder / "ray").mkdir()  # a cluster of the tests notes its address there, come what may
    with pytest.MonkeyPatch.context() as patch:
        patch.setenv("RAY_TMPDIR", str(folder))
        yield folder
    shutil.rmtree(folder, ignore_errors=True)


@pytest.fixture(scope="session")
def micro_run(tmp_path_factory, micro_ladder, text_folder) -> Path:
    """Base folder of a micro run that has just been finished; shared: write into copies only.

    ``output.txt`` is what the run printed.
    """
    return _finished(tmp_path_factory, micro_ladder, text_folder)


@pytest.fixture(scope="session")
def nano_run(tmp_path_factory, nano_ladder, text_folder) -> Path:
    """As ``micro_run``, of the smaller ladder."""
    return _finished(tmp_path_factory, nano_ladder, text_folder)


@pytest.fixture(scope="session")
def published_run(tmp_path_factory, micro_run) -> Path:
    """The suite of ``micro_run`` as a published copy; to be read only.

    It is published from artifacts of its own, because who publishes a suite locks it.
    """

    def make(base: Path) -> None:
        shutil.copytree(micro_run / "data", base / "measured")
        publish_suite(base / "measured", "micro", base / "new/data")

    return made_once(tmp_path_factory, "published", make) / "new/data/micro"


def _finished(tmp_path_factory, ladder: Path, corpus: Path) -> Path:
    def make(base: Path) -> None:
        result = run_here(compute_command(base, ladder, corpus))
        assert result.returncode == 0, result.stdout + result.stderr
        (base / "output.txt").write_text(result.stdout)

    return made_once(tmp_path_factory, ladder.stem, make)
