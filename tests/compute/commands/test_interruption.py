"""Runs that are interrupted, that are killed, that lose a worker or their cache, or that meet."""

import os
import shutil
import signal
import threading
from dataclasses import replace

import pyarrow.parquet as pq
import pytest

from compute.work.machines.executor import Finished, run_units
from compute.work.stages.ladder.train import Train
from compute.work.store import SuiteStore
from compute.work.unit import Unit
from tests.compute.helpers.odd_stage import odd_unit, tries
from tests.compute.helpers.processes import (
    run_here,
    started,
    table_files,
    times_of_units,
    units_of,
    wait_for,
    worker_pids,
)
from tests.compute.helpers.sessions import session_of
from tests.conftest import compute_command

pytestmark = pytest.mark.slow


def test_interrupted_and_killed_a_run_ends_with_the_same_bytes(
    nano_run, tmp_path, nano_ladder, text_folder
):
    command = compute_command(tmp_path, nano_ladder, text_folder, "--workers", "1")
    with started(command) as process:  # killed while a model trains
        wait_for(lambda: any(tmp_path.glob("cache/training/*")) or table_files(tmp_path))
        process.kill()
        output, _ = process.communicate(timeout=280)
    assert process.returncode == -signal.SIGKILL, output
    with started(command) as process:  # interrupted while they are quantized and measured
        wait_for(lambda: len(table_files(tmp_path)) >= 8)
        process.send_signal(signal.SIGINT)
        output, _ = process.communicate(timeout=280)
    assert process.returncode == 130, output
    assert "run the same command again" in output
    assert 8 <= len(table_files(tmp_path)) < len(table_files(nano_run))
    times = times_of_units(tmp_path)
    result = run_here(command)
    assert result.returncode == 0, result.stdout + result.stderr
    assert table_files(tmp_path) == table_files(nano_run)
    # Nothing that was finished has been done again.
    assert times == {path: path.stat().st_mtime_ns for path in times}
    assert not list(tmp_path.rglob("*.writing"))


def test_a_killed_worker_fails_its_own_unit_and_no_other(nano_ladder, text_folder, tmp_path):
    """One is killed while it starts, one while it works; a new one does what is left."""
    found = session_of(tmp_path / "base", nano_ladder, text_folder, workers=2).workspace
    workspace = replace(found, store=SuiteStore(tmp_path / "data", "odd"), cache_dir=tmp_path)
    early, late = (odd_unit(name, tmp_path, seconds=30.0) for name in ("early", "late"))
    needs, other = odd_unit("needs", tmp_path, needs=(late,)), odd_unit("other", tmp_path)
    events = run_units([early, late, needs, other], workspace, 2, lambda unit: 1.0)
    assert [next(events).unit, next(events).unit] == [late, early]  # something needs the first
    at_work, starting = worker_pids(os.getpid())[-2:]
    os.kill(starting, signal.SIGKILL)
    killer = threading.Thread(target=_kill_at_work, args=(late, at_work))
    killer.start()
    errors = {e.unit: e.error for e in events if isinstance(e, Finished)}
    killer.join()
    assert errors.keys() == {early, late, other}
    assert errors[other] is None
    for unit in (early, late):
        assert "the worker process died: killed by signal 9 (SIGKILL)" in errors[unit]
    assert tries(early) == tries(needs) == []
    records = pq.read_table(workspace.store.folder / "units").to_pylist()
    assert {row["model_id"]: row["error"] for row in records} == {
        unit.model_id: error for unit, error in errors.items()
    }


def _kill_at_work(unit: Unit, worker: int) -> None:
    wait_for(lambda: tries(unit))
    os.kill(worker, signal.SIGKILL)


def test_a_unit_that_failed_is_left_alone_until_it_is_asked_for(
    nano_run, tmp_path, nano_ladder, text_folder, monkeypatch
):
    command = compute_command(tmp_path, nano_ladder, text_folder)
    train = Train.run

    def fail_once(unit, workspace, report):
        if unit.model_id == "ladder-5k":
            raise RuntimeError("the machine was switched off")
        return train(unit, workspace, report)

    monkeypatch.setattr(Train, "run", fail_once)
    first = run_here(command)
    assert first.returncode == 1
    assert "failed train ladder-5k: RuntimeError: the machine was switched off" in first.stdout
    assert "it needs a unit that failed" in first.stdout
    monkeypatch.setattr(Train, "run", train)

    before = units_of(tmp_path)
    assert [unit["stage"] for unit in before if unit["status"] == "failed"] == ["train"]
    left_alone = run_here(command)
    assert left_alone.returncode == 1
    assert "try them again with RETRY_FAILED=1" in left_alone.stdout
    assert "it needs a unit that failed" in left_alone.stdout
    assert units_of(tmp_path) == before

    retried = run_here([*command, "--retry-failed"])
    assert retried.returncode == 0, retried.stdout
    assert table_files(tmp_path) == table_files(nano_run)


def test_a_lost_cache_is_made_again_only_where_it_is_needed(
    nano_run, tmp_path, nano_ladder, text_folder
):
    base = tmp_path / "copy"
    shutil.copytree(nano_run / "data", base / "data")
    victim = next((base / "data/nano/quantized").glob("ladder-5k--rtn-b3*"))
    victim.unlink()
    result = run_here(compute_command(base, nano_ladder, text_folder))
    assert result.returncode == 0, result.stdout
    for stage in ("train", "quantize", "measure"):
        assert result.stdout.count(f"ok {stage}") == 1
    assert table_files(base) == table_files(nano_run)


def test_a_damaged_artifact_is_measured_again(nano_run, tmp_path, nano_ladder, text_folder):
    base = tmp_path / "copy"
    shutil.copytree(nano_run, base)
    for table in ("models", "quantized"):
        min((base / "data/nano" / table).glob("*.parquet")).write_bytes(b"")
    result = run_here(compute_command(base, nano_ladder, text_folder))
    assert result.returncode == 0, result.stdout + result.stderr
    assert "To do: 2 units" in result.stdout
    assert table_files(base) == table_files(nano_run)


def test_two_runs_on_one_suite_do_not_meet(tmp_path, nano_ladder, text_folder):
    with SuiteStore(tmp_path / "data", "nano").locked():
        second = run_here(compute_command(tmp_path, nano_ladder, text_folder))
    assert second.returncode == 2
    assert "Another run is writing the suite 'nano'" in second.stderr
