"""Shared fixtures: a measured suite that is kept in the repository, and two very small ladders that
are trained and measured once per test run."""

import fcntl
import gc
import os
import shutil
import subprocess
import sys
from collections.abc import Callable
from pathlib import Path

import pytest
from hypothesis import settings

import schema
from tests.data.micro_suite import PUBLISHED, unpack_suite, unpack_text

ROOT = Path(__file__).resolve().parent.parent
_MAIN = sys.modules["__main__"]

# The same examples on every run, and no time limit: CI machines stall.  `--hypothesis-profile
# thorough` looks for new ones.
settings.register_profile("repeatable", derandomize=True, deadline=None)
settings.register_profile("thorough", deadline=None, max_examples=1000)
settings.load_profile("repeatable")

#: Tables that a run of a ladder fills: its tokens are scored one and all, its learning rates are
#: given, and its checkpoints are its own.
_OF_OTHERS = {"token_losses", "learning_rates", "left_out_checkpoints"}
LADDER_TABLES = tuple(name for name in schema.MEASURED_TABLES if name not in _OF_OTHERS)

MICRO_LADDER = """
[presets.micro]
suite = "micro"
context_length = 16
tokens_per_parameter = 4
fewest_steps = 200
heldout_bytes = 8192
corpus_seed = 1
calibration_windows = 32
requential = { passes = 1, tether = 0.1, replayed = 1, hold = 0.1 }
models = [
  { hidden_size = 8, layers = 1, heads = 1, learning_rate = 0.03, batch_windows = 4, seed = 0 },
  { hidden_size = 8, layers = 2, heads = 2, learning_rate = 0.03, batch_windows = 4, seed = 0 },
  { hidden_size = 16, layers = 1, heads = 2, learning_rate = 0.03, batch_windows = 8, seed = 0 },
]
measurements = [
  { quantizer = "none", bits = 32 },
  { quantizer = "rtn", bits = [3, 4] },
  { quantizer = "rtn", bits = 6, train_windows = 64 },
  { quantizer = "gptq", bits = [3, 4] },
  { quantizer = "gptq_step", step = [0.7, 1.4] },
]
curvature = [
  { windows = 4, EFFORT },
  { windows = 2, EFFORT, models = ["ladder-12k"] },
  { train_fraction = 0.5, windows = 4, EFFORT, models = ["ladder-12k"] },
  { matrix = "gauss_newton", windows = 4, EFFORT, models = ["ladder-12k"] },
  { matrix = ["hessian", "gauss_newton"], parameters = "quantized", windows = 4, EFFORT },
  { quantizer = "rtn", bits = 3, windows = 4, EFFORT, models = ["ladder-12k"] },
]
""".replace("EFFORT", "probes = 2, steps = 6, tests = 3")

#: Every stage in as few units as can be, for tests that start several runs of their own.
NANO_LADDER = """
[presets.nano]
suite = "nano"
context_length = 8
tokens_per_parameter = 2
fewest_steps = 200
heldout_bytes = 8192
corpus_seed = 1
calibration_windows = 16
models = [
  { hidden_size = 8, layers = 1, heads = 1, learning_rate = 0.03, batch_windows = 4, seed = 0 },
  { hidden_size = 12, layers = 1, heads = 2, learning_rate = 0.03, batch_windows = 8, seed = 0 },
]
measurements = [
  { quantizer = "none", bits = 32 },
  { quantizer = "rtn", bits = 3 },
  { quantizer = "gptq", bits = 3 },
]
curvature = [
  { windows = 2, probes = 2, steps = 4, tests = 3 },
]
"""


#: What takes long to make: tests that use one of these are slow.
EXPENSIVE = {"miniature", "micro_run", "tiny_hub", "nano_run", "swept", "container", "bare"}
EXPENSIVE |= {"new_environment"}


#: What processes that share a test run make once (``made_once``) in a minute or so.
SHARED = {"micro_run", "nano_run"}


def pytest_collection_modifyitems(items: list[pytest.Item]) -> None:
    """Slow tests go first: the short ones then fill the time beside them.

    Of the files that share a run, one comes early and makes it; the others come after all other
    slow tests, because a process that begins with one would only wait.
    """
    shared: dict[Path, set[str]] = {}
    for item in items:
        used = {*getattr(item, "fixturenames", ())}
        if EXPENSIVE & used:
            item.add_marker("slow")
        shared.setdefault(item.path, set()).update(SHARED & used)
    made: set[str] = set()
    later = set()
    for file, used in shared.items():
        if used & made:
            later.add(file)
        else:
            made |= used

    def place(item: pytest.Item) -> int:
        if item.get_closest_marker("slow") is None:
            return 2
        return int(item.path in later)

    items.sort(key=place)


def pytest_collection_finish() -> None:
    """What is imported by now stays: no collection of garbage looks through it again.

    Every unit of a run ends with one, as does many a test of torch.
    """
    gc.collect()
    gc.freeze()


def pytest_unconfigure() -> None:
    """Modules say at the end what was not given back: let all of it go."""
    gc.unfreeze()


@pytest.fixture(autouse=True)
def main_module():
    """The main module is ours again: a run of the app puts its own there, and spawned workers,
    which begin by importing the main module of their parent, would start the app."""
    sys.modules["__main__"] = _MAIN
    yield
    sys.modules["__main__"] = _MAIN


@pytest.fixture(scope="session")
def text_folder(tmp_path_factory) -> Path:
    """A folder of real text: Python sources, the same whatever Python runs the tests."""
    return made_once(tmp_path_factory, "text", unpack_text)


@pytest.fixture(scope="session")
def micro_ladder(tmp_path_factory) -> Path:
    """A ladder file with three models of 5 to 12 thousand parameters."""
    return _ladder(tmp_path_factory, "micro", MICRO_LADDER)


@pytest.fixture(scope="session")
def nano_ladder(tmp_path_factory) -> Path:
    """A ladder file with two models of 5 and 8 thousand parameters."""
    return _ladder(tmp_path_factory, "nano", NANO_LADDER)


def _ladder(tmp_path_factory, preset: str, text: str) -> Path:
    def make(folder: Path) -> None:
        (folder / f"{preset}.toml").write_text(text)

    return made_once(tmp_path_factory, f"{preset}-ladder", make) / f"{preset}.toml"


def compute_command(base: Path, ladder: Path, corpus: Path, *extra: str) -> list[str]:
    """The command line of a run with artifacts and cache under ``base``.

    The preset has the name of the ladder's file; of an option that ``extra`` has again the last
    one counts.
    """
    options = ["--preset", ladder.stem, "--ladder", str(ladder), "--corpus", str(corpus)]
    folders = ["--data", str(base / "data"), "--cache", str(base / "cache")]
    return [sys.executable, "-m", "compute", "run", *options, *folders, "--workers", "2", *extra]


def run_compute(command: list[str]) -> subprocess.CompletedProcess:
    """Run to the end; output is text."""
    environment = os.environ | {"COLUMNS": "200"}
    return subprocess.run(command, cwd=ROOT, capture_output=True, text=True, env=environment)


def made_once(tmp_path_factory, name: str, make: Callable[[Path], None]) -> Path:
    """A folder that ``make`` fills, once for all processes that share this test run."""
    own = tmp_path_factory.getbasetemp()
    shared = own.parent if "PYTEST_XDIST_WORKER" in os.environ else own
    folder, done = shared / name, shared / f"{name}.done"
    with (shared / f"{name}.lock").open("w") as lock:
        fcntl.flock(lock, fcntl.LOCK_EX)
        if not done.exists():
            shutil.rmtree(folder, ignore_errors=True)
            folder.mkdir()
            make(folder)
            done.touch()
    return folder


@pytest.fixture(scope="session")
def micro_suite(tmp_path_factory) -> Path:
    """Base folder with the artifacts of a micro run that is in the repository, one file for each
    unit and table, and without its cache; shared: write into copies only."""
    return made_once(
        tmp_path_factory, "micro-suite", lambda base: unpack_suite(PUBLISHED, base / "data")
    )
