"""The batch stage as a person runs it: whole runs, interrupted ones, failing ones."""

import os
import signal
import subprocess
import time
from pathlib import Path

import pyarrow.compute as pc
import pyarrow.parquet as pq
import pytest

import schema
from tests.conftest import LADDER_TABLES, ROOT, compute_command, run_compute

SETTING = [field.name for field in schema.SETTING_FIELDS]


def table_files(base: Path) -> dict[str, bytes]:
    """Bytes of every artifact but those of ``units``, by path."""
    data = base / "data"
    return {
        path.relative_to(data).as_posix(): path.read_bytes()
        for path in sorted(data.glob("*/*/*.parquet"))
        if path.parent.name != "units"
    }


def units(base: Path) -> list[dict]:
    return pq.read_table(base / "data/micro/units").to_pylist()


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


def wait_for(condition, seconds=120):
    end = time.monotonic() + seconds
    while not condition():
        assert time.monotonic() < end, "waited in vain"
        time.sleep(0.02)


def start(command: list[str]) -> subprocess.Popen:
    return subprocess.Popen(
        command,
        cwd=ROOT,
        stdout=subprocess.PIPE,
        stderr=subprocess.STDOUT,
        text=True,
        # As in a terminal, even where the tests themselves run in the background.
        preexec_fn=lambda: signal.signal(signal.SIGINT, signal.SIG_DFL),
    )


def test_a_run_writes_every_table_of_a_ladder(micro_run):
    for table in LADDER_TABLES:
        rows = pq.read_table(micro_run / "data/micro" / table)
        assert rows.num_rows, table
        assert rows.schema.names == schema.TABLES[table].names
        for path in (micro_run / "data/micro" / table).glob("*.parquet"):
            metadata = pq.read_metadata(path).metadata
            assert {key.encode() for key in schema.PROVENANCE_KEYS} <= metadata.keys()
    assert not list(micro_run.rglob("*.writing"))


def test_every_batch_and_every_token_is_accounted_for(micro_run):
    suite = micro_run / "data/micro"
    models = {row["model_id"]: row for row in pq.read_table(suite / "models").to_pylist()}
    assert len(models) == 3
    online = pq.read_table(suite / "online_losses")
    heldout_tokens = pq.read_table(suite / "quantized")["heldout_tokens_evaluated"][0].as_py()
    histograms = pq.read_table(suite / "loss_histograms")
    for name, model in models.items():
        of_model = online.filter(pc.field("model_id") == name)
        assert pc.max(of_model["tokens_seen"]).as_py() == model["train_tokens"]
        assert of_model.num_rows >= 1000
        for split, tokens in (("train", model["train_tokens"]), ("heldout", heldout_tokens)):
            cells = histograms.filter((pc.field("model_id") == name) & (pc.field("split") == split))
            counted = cells.group_by(SETTING).aggregate([("tokens", "sum")])
            assert counted.num_rows == 7  # all settings but the sampled one
            assert set(counted["tokens_sum"].to_pylist()) == {tokens}


def test_information_is_the_area_between_the_curves(micro_run):
    suite = micro_run / "data/micro"
    online = pq.read_table(suite / "online_losses").to_pandas()
    final = pq.read_table(suite / "quantized").to_pandas().query("quantizer == 'none'")
    final = final.set_index("model_id")["train_loss_nats"]
    rows = pq.read_table(suite / "information").to_pylist()
    assert len(rows) == 6
    for row in rows:
        if row["method"] == "checkpoints":
            continue
        curve = online[online["model_id"] == row["model_id"]]
        tokens = curve["tokens_seen"].diff().fillna(curve["tokens_seen"].iloc[0])
        area = (tokens * (curve["loss_nats"] - final[row["model_id"]])).sum()
        assert row["k_nats"] == pytest.approx(area, rel=1e-9)
        assert row["certified"] is False


def test_a_rerun_has_nothing_to_do(micro_run, micro_ladder, text_folder):
    before = {path: path.stat().st_mtime_ns for path in micro_run.glob("data/micro/*/*")}
    result = run_compute(compute_command(micro_run, micro_ladder, text_folder))
    assert result.returncode == 0
    assert "nothing to do" in result.stdout
    assert before == {path: path.stat().st_mtime_ns for path in micro_run.glob("data/micro/*/*")}


def test_the_estimate_comes_first_and_the_summary_last(tmp_path, micro_ladder, text_folder):
    result = run_compute(compute_command(tmp_path, micro_ladder, text_folder))
    lines = result.stdout.splitlines()
    assert any("To do: 73 units" in line and "about" in line for line in lines[:10])
    assert sum(line.startswith("ok ") for line in lines) == 73
    assert any("tokens/s" in line and "left" in line for line in lines)
    assert lines[-1].startswith("units")
    assert (tmp_path / "data/micro/manifest.json").exists()


@pytest.mark.parametrize("how", [signal.SIGINT, signal.SIGKILL])
def test_interrupted_anywhere_a_run_ends_with_the_same_bytes(
    how, micro_run, tmp_path, micro_ladder, text_folder
):
    command = compute_command(tmp_path, micro_ladder, text_folder)
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
        done = table_files(tmp_path)
        assert len(done) >= finished_before
        finished_before = len(done)
    times = {p: p.stat().st_mtime_ns for p in tmp_path.glob("data/micro/units/*.parquet")}
    result = run_compute(command)
    assert result.returncode == 0, result.stdout + result.stderr
    assert table_files(tmp_path) == table_files(micro_run)
    # Nothing that was finished has been done again.
    assert times == {p: p.stat().st_mtime_ns for p in times}
    assert not list(tmp_path.rglob("*.writing"))


@pytest.mark.parametrize("moment", [0.1, 6.0], ids=["while it starts", "while it works"])
def test_a_killed_worker_costs_one_unit_and_is_retried_on_request(
    moment, micro_run, tmp_path, micro_ladder, text_folder
):
    command = compute_command(tmp_path, micro_ladder, text_folder)
    process = start(command)
    wait_for(lambda: len(worker_pids(process.pid)) == 2)
    time.sleep(moment)
    os.kill(worker_pids(process.pid)[0], signal.SIGKILL)
    output, _ = process.communicate(timeout=120)
    assert process.returncode == 1, output
    failed = [unit for unit in units(tmp_path) if unit["status"] == "failed"]
    assert len(failed) == 1
    assert "killed by signal 9 (SIGKILL)" in failed[0]["error"]
    assert f"failed {failed[0]['stage']} {failed[0]['model_id']}" in output
    # Trained and quantized models are needed by others, and so is the loss of the unquantized one.
    needed = failed[0]["stage"] in ("train", "quantize") or failed[0]["quantizer"] == "none"
    assert ("it needs a unit that failed" in output) == needed

    before = units(tmp_path)
    left_alone = run_compute(command)
    assert left_alone.returncode == 1
    assert "try them again with RETRY_FAILED=1" in left_alone.stdout
    assert ("it needs a unit that failed" in left_alone.stdout) == needed
    assert units(tmp_path) == before

    retried = run_compute([*command, "--retry-failed"])
    assert retried.returncode == 0, retried.stdout
    assert table_files(tmp_path) == table_files(micro_run)


def test_a_model_that_diverges_does_not_cost_the_others(tmp_path, micro_ladder, text_folder):
    ladder = tmp_path / "ladder.toml"
    ladder.write_text(micro_ladder.read_text().replace("0.03", "1e30", 1))
    result = run_compute(compute_command(tmp_path, ladder, text_folder))
    assert result.returncode == 1
    assert "its learning rate of 1e+30 is too high" in result.stdout
    assert len(list((tmp_path / "data/micro/models").glob("*.parquet"))) == 2


def test_a_lost_cache_is_made_again_only_where_it_is_needed(
    micro_run, tmp_path, micro_ladder, text_folder
):
    base = tmp_path / "copy"
    (base / "data").parent.mkdir()
    subprocess.run(["cp", "-r", str(micro_run / "data"), str(base / "data")], check=True)
    victim = next((base / "data/micro/quantized").glob("ladder-12k--rtn-b4*"))
    victim.unlink()
    result = run_compute(compute_command(base, micro_ladder, text_folder))
    assert result.returncode == 0, result.stdout
    for stage in ("train", "quantize", "measure"):
        assert result.stdout.count(f"ok {stage}") == 1
    assert table_files(base) == table_files(micro_run)


def test_a_damaged_artifact_is_measured_again(micro_run, tmp_path, micro_ladder, text_folder):
    base = tmp_path / "copy"
    subprocess.run(["cp", "-r", str(micro_run), str(base)], check=True)
    for table in ("models", "quantized"):
        min((base / "data/micro" / table).glob("*.parquet")).write_bytes(b"")
    result = run_compute(compute_command(base, micro_ladder, text_folder))
    assert result.returncode == 0, result.stdout + result.stderr
    assert "To do: 2 units" in result.stdout
    assert table_files(base) == table_files(micro_run)


def test_other_weights_are_never_mixed_in(micro_run, tmp_path, micro_ladder, text_folder):
    """A model whose retraining differs from what was measured is refused, not mixed."""
    base = tmp_path / "copy"
    base.mkdir()
    subprocess.run(["cp", "-r", str(micro_run / "data"), str(base / "data")], check=True)
    registered = next((base / "data/micro/models").glob("ladder-5k--*"))
    rows = pq.read_table(registered)
    at = rows.column_names.index("weights_sha256")
    pq.write_table(rows.set_column(at, rows.field(at), [["0" * 64]]), registered)
    next((base / "data/micro/quantized").glob("ladder-5k--rtn-b4*")).unlink()
    result = run_compute(compute_command(base, micro_ladder, text_folder))
    assert result.returncode == 1
    assert "training again gave other weights than those already measured" in result.stdout


def test_another_corpus_gets_a_suite_of_its_own(micro_run, micro_ladder, text_folder, tmp_path):
    (tmp_path / "text").mkdir()
    for i, path in enumerate(sorted(text_folder.rglob("*.py"))):
        (tmp_path / f"text/{i}.py").write_bytes(path.read_bytes() + b"\n# changed\n")
    base = tmp_path / "copy"
    base.mkdir()
    subprocess.run(["cp", "-r", str(micro_run / "data"), str(base / "data")], check=True)
    command = compute_command(base, micro_ladder, tmp_path / "text")
    command[command.index("run")] = "plan"
    assert "Suite micro-" in run_compute(command).stdout
    refused = run_compute([*command, "--suite", "micro"])
    assert refused.returncode == 2
    assert "measured on another corpus" in refused.stderr


def test_two_runs_on_one_suite_do_not_meet(tmp_path, micro_ladder, text_folder):
    command = compute_command(tmp_path, micro_ladder, text_folder)
    process = start(command)
    try:
        wait_for(lambda: worker_pids(process.pid))
        second = run_compute(command)
        assert second.returncode == 2
        assert "Another run is writing the suite 'micro'" in second.stderr
    finally:
        process.kill()
        process.wait()


@pytest.mark.parametrize(
    ("options", "sentence"),
    [
        (["--corpus", "/nowhere/at/all"], "The corpus /nowhere/at/all does not exist"),
        (["--preset", "huge"], "There is no preset 'huge'"),
        (["--device", "tpu9"], "The device 'tpu9' cannot be used"),
        (["--workers", "0"], "The number of workers must be at least 1, not 0"),
        (["--suite", "../elsewhere"], "The suite name '../elsewhere' cannot be a folder name"),
        (["--ladder", "/no/such.toml"], "The ladder file /no/such.toml cannot be read"),
    ],
)
def test_bad_input_is_one_sentence(tmp_path, micro_ladder, text_folder, options, sentence):
    result = run_compute([*compute_command(tmp_path, micro_ladder, text_folder), *options])
    assert result.returncode == 2
    assert sentence in result.stderr
    assert len(result.stderr.strip().splitlines()) == 1
    assert not (tmp_path / "data").exists()


def test_status_and_help(micro_run, micro_ladder, text_folder):
    command = compute_command(micro_run, micro_ladder, text_folder)
    command[command.index("run")] = "status"
    at = command.index("--workers")
    status = run_compute(command[:at])
    assert "73 of 73 units done, 0 failed, 0 missing" in status.stdout
    shown = run_compute([*command[:3], "--help"])
    for name in ("plan", "run", "status"):
        assert name in shown.stdout
