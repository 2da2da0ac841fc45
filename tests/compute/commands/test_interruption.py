"""Runs that are interrupted, that are killed, that lose a worker or their cache, or that meet."""

import os
import shutil
import signal
import time

import pytest

from tests.compute.helpers.processes import (
    run_here,
    start,
    table_files,
    times_of_units,
    units_of,
    wait_for,
    worker_pids,
)
from tests.conftest import compute_command

pytestmark = pytest.mark.long

#: Of a run that goes on or starts again: one worker starts up faster than two, and what it writes
#: is compared with what two have written.
ALONE = ("--workers", "1")


@pytest.mark.parametrize("how", [signal.SIGINT, signal.SIGKILL])
def test_interrupted_anywhere_a_run_ends_with_the_same_bytes(
    how, nano_run, tmp_path, nano_ladder, text_folder
):
    command = compute_command(tmp_path, nano_ladder, text_folder)
    finished_before = 0
    # Stop it once while models train and once while they are quantized and measured.
    for wanted in (1, 8):
        process = start(command)
        wait_for(lambda n=wanted: len(table_files(tmp_path)) >= n)
        os.kill(process.pid, how)
        output, _ = process.communicate(timeout=60)
        if how == signal.SIGINT:
            assert process.returncode == 130, output
            assert "run the same command again" in output
        else:
            assert process.returncode == -signal.SIGKILL, output
        done = table_files(tmp_path)
        assert finished_before <= len(done) < len(table_files(nano_run))
        finished_before = len(done)
    times = times_of_units(tmp_path)
    result = run_here([*command, *ALONE])
    assert result.returncode == 0, result.stdout + result.stderr
    assert table_files(tmp_path) == table_files(nano_run)
    # Nothing that was finished has been done again.
    assert times == {path: path.stat().st_mtime_ns for path in times}
    assert not list(tmp_path.rglob("*.writing"))


@pytest.mark.parametrize("moment", ["while it starts", "while it works"])
def test_a_killed_worker_costs_one_unit_and_is_retried_on_request(
    moment, nano_run, tmp_path, nano_ladder, text_folder
):
    command = compute_command(tmp_path, nano_ladder, text_folder)
    process = start(command)
    wait_for(lambda: len(worker_pids(process.pid)) == 2)
    if moment == "while it works":  # either trains one of the two models
        wait_for(lambda: len(list(tmp_path.glob("cache/training/*"))) == 2)
    else:
        time.sleep(0.1)
    os.kill(worker_pids(process.pid)[0], signal.SIGKILL)
    output, _ = process.communicate(timeout=120)
    assert process.returncode == 1, output
    failed = [unit for unit in units_of(tmp_path) if unit["status"] == "failed"]
    assert len(failed) == 1
    assert "killed by signal 9 (SIGKILL)" in failed[0]["error"]
    assert f"failed {failed[0]['stage']} {failed[0]['model_id']}" in output
    assert failed[0]["stage"] == "train"
    assert "it needs a unit that failed" in output

    before = units_of(tmp_path)
    left_alone = run_here(command)
    assert left_alone.returncode == 1
    assert "try them again with RETRY_FAILED=1" in left_alone.stdout
    assert "it needs a unit that failed" in left_alone.stdout
    assert units_of(tmp_path) == before

    retried = run_here([*command, *ALONE, "--retry-failed"])
    assert retried.returncode == 0, retried.stdout
    assert table_files(tmp_path) == table_files(nano_run)


def test_a_lost_cache_is_made_again_only_where_it_is_needed(
    nano_run, tmp_path, nano_ladder, text_folder
):
    base = tmp_path / "copy"
    shutil.copytree(nano_run / "data", base / "data")
    victim = next((base / "data/nano/quantized").glob("ladder-5k--rtn-b3*"))
    victim.unlink()
    result = run_here(compute_command(base, nano_ladder, text_folder, *ALONE))
    assert result.returncode == 0, result.stdout
    for stage in ("train", "quantize", "measure"):
        assert result.stdout.count(f"ok {stage}") == 1
    assert table_files(base) == table_files(nano_run)


def test_a_damaged_artifact_is_measured_again(nano_run, tmp_path, nano_ladder, text_folder):
    base = tmp_path / "copy"
    shutil.copytree(nano_run, base)
    for table in ("models", "quantized"):
        min((base / "data/nano" / table).glob("*.parquet")).write_bytes(b"")
    result = run_here(compute_command(base, nano_ladder, text_folder, *ALONE))
    assert result.returncode == 0, result.stdout + result.stderr
    assert "To do: 2 units" in result.stdout
    assert table_files(base) == table_files(nano_run)


def test_two_runs_on_one_suite_do_not_meet(tmp_path, nano_ladder, text_folder):
    command = compute_command(tmp_path, nano_ladder, text_folder)
    process = start(command)
    try:
        wait_for(lambda: worker_pids(process.pid))
        second = run_here(command)
        assert second.returncode == 2
        assert "Another run is writing the suite 'nano'" in second.stderr
    finally:
        process.kill()
        process.wait()
