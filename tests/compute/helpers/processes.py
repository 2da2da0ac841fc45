"""Commands of the batch stage, in a process of their own or in this one, and what they leave."""

import contextlib
import io
import os
import runpy
import signal
import subprocess
import sys
import time
from collections.abc import Callable, Iterator
from pathlib import Path
from unittest.mock import patch

import pyarrow.parquet as pq
import torch

from compute.work.machines import this_machine
from compute.work.machines.devices import prepare_process
from compute.work.machines.executor import Event, Finished, Started
from compute.work.machines.perform import perform
from compute.work.schedule import Schedule
from compute.work.unit import Unit
from compute.work.workspace import Workspace
from tests.conftest import ROOT


def run_here(command: list[str], folder: Path = ROOT) -> subprocess.CompletedProcess:
    """As ``conftest.run_compute``, all in this process: a new one takes seconds to import torch.

    For commands that end by themselves, where it matters what they do and not how they start.

    Args:
        folder: where it is given.
    """
    interpreter, option, module, *arguments = command
    assert (interpreter, option) == (sys.executable, "-m")
    output, errors = io.StringIO(), io.StringIO()
    with (
        units_here(),
        contextlib.redirect_stdout(output),
        contextlib.redirect_stderr(errors),
        contextlib.chdir(folder),
        patch.dict(os.environ, {"COLUMNS": "200"}),
        patch.object(sys, "argv", [module, *arguments]),
    ):
        try:
            runpy.run_module(module, run_name="__main__", alter_sys=True)
            status = 0
        except SystemExit as ended:
            status = ended.code or 0
    return subprocess.CompletedProcess(command, status, output.getvalue(), errors.getvalue())


@contextlib.contextmanager
def units_here() -> Iterator[None]:
    """Within, a run carries its units out in this process, prepared as a worker is."""
    deterministic = torch.are_deterministic_algorithms_enabled()
    threads = torch.get_num_threads()
    with patch.object(this_machine, "run_units", _run_units):
        try:
            yield
        finally:
            torch.use_deterministic_algorithms(deterministic)
            torch.set_num_threads(threads)


def _run_units(units: list[Unit], workspace: Workspace, _workers: int, weight) -> Iterator[Event]:
    """As ``compute.work.machines.executor.run_units``, one unit after the other."""
    prepare_process()
    schedule = Schedule(units, weight)
    while (unit := schedule.take()) is not None:
        yield Started(unit)
        outcome = perform(unit, workspace, lambda tokens: None)
        yield Finished(unit, outcome.error, outcome.seconds)
        if outcome.error is None:
            schedule.ended_well(unit)


@contextlib.contextmanager
def started(command: list[str], **options) -> Iterator[subprocess.Popen]:
    """A run in a process of its own, which does not outlive the block; its output and errors are
    one text."""
    process = subprocess.Popen(
        command,
        cwd=ROOT,
        env=os.environ | {"COLUMNS": "200"},
        stdout=subprocess.PIPE,
        stderr=subprocess.STDOUT,
        text=True,
        # As in a terminal, even where the tests themselves run in the background.
        preexec_fn=lambda: signal.signal(signal.SIGINT, signal.SIG_DFL),
        **options,
    )
    try:
        yield process
    finally:
        process.kill()
        process.wait()


def wait_for(condition: Callable[[], object], seconds: float = 280) -> None:
    end = time.monotonic() + seconds
    while not condition():
        assert time.monotonic() < end, "nothing happened in time"
        time.sleep(0.1)  # to look takes processor time that the process needs


def worker_pids(parent: int) -> list[int]:
    """Worker processes of a run, oldest first."""
    found = []
    for status in Path("/proc").glob("[0-9]*/stat"):
        try:
            fields = status.read_text().rsplit(")", 1)[1].split()
            command = (status.parent / "cmdline").read_text()
        except OSError:
            continue
        if int(fields[1]) == parent and "spawn_main" in command:
            found.append(int(status.parent.name))
    return sorted(found)


def table_files(base: Path) -> dict[str, bytes]:
    """Bytes of every artifact but those of ``units``, by path."""
    data = base / "data"
    return {
        path.relative_to(data).as_posix(): path.read_bytes()
        for path in sorted(data.glob("*/*/*.parquet"))
        if path.parent.name != "units"
    }


def units_of(base: Path) -> list[dict]:
    """Rows of the table ``units`` of the one suite under ``base``."""
    (folder,) = (base / "data").glob("*/units")
    return pq.read_table(folder).to_pylist()


def times_of_units(base: Path) -> dict[Path, int]:
    """When each unit's file was written last."""
    return {path: path.stat().st_mtime_ns for path in base.glob("data/*/units/*.parquet")}
