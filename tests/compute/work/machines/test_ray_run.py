"""A run of the command line on Ray, interrupted and with a worker killed."""

import os
import re
import signal
from pathlib import Path

import pytest

from tests.compute.helpers.processes import (
    run_here,
    started,
    table_files,
    times_of_units,
    units_of,
    wait_for,
)
from tests.conftest import compute_command

pytestmark = [
    pytest.mark.timeout(480),
    pytest.mark.slow,
    pytest.mark.usefixtures("ray_folder"),
]


def performing(driver: int) -> list[int]:
    """Processes below the driver that carry out a unit."""
    parents, titles = {}, {}
    for folder in Path("/proc").glob("[0-9]*"):
        try:
            fields = (folder / "stat").read_text().rsplit(")", 1)[1].split()
            titles[int(folder.name)] = (folder / "cmdline").read_text()
        except OSError:
            continue
        parents[int(folder.name)] = int(fields[1])

    def below(process):
        return process == driver or (process in parents and below(parents[process]))

    return [p for p, title in titles.items() if "_Worker.perform" in title and below(p)]


def test_interrupted_and_with_a_worker_killed_a_run_ends_with_the_serial_runs_bytes(
    nano_run, tmp_path, nano_ladder, text_folder
):
    command = compute_command(tmp_path, nano_ladder, text_folder, "--executor", "ray")
    with started(command, start_new_session=True) as process:
        at_work: list[int] = []
        wait_for(lambda: at_work.extend(performing(process.pid)) or len({*at_work}) == 2)
        os.kill(at_work[-1], signal.SIGKILL)
        wait_for(lambda: len(table_files(tmp_path)) >= 4)
        os.killpg(process.pid, signal.SIGINT)  # as a terminal does: Ray's processes get it too
        output, _ = process.communicate(timeout=280)
    assert process.returncode == 130, output
    assert "its worker died because it was killed or crashed" in output
    assert "failed" not in output
    kept = times_of_units(tmp_path)
    told = int(re.search(r"Stopped with (\d+) of 22 units", output)[1])
    assert told <= len(kept) <= told + 2  # either worker may have ended a unit just then
    devices = [{unit["device"] for unit in units_of(base)} for base in (tmp_path, nano_run)]
    assert devices[0] == devices[1]

    rest = run_here(compute_command(tmp_path, nano_ladder, text_folder))  # without Ray
    assert rest.returncode == 0, rest.stdout
    assert rest.stdout.count("\nok ") == 22 - len(kept)
    assert table_files(tmp_path) == table_files(nano_run)
    assert {path: path.stat().st_mtime_ns for path in kept} == kept
    assert not list(tmp_path.rglob("*.writing"))
