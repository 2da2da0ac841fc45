"""The batch stage as a person runs it: whole runs, failing ones, and what it refuses.

Interrupted runs are in ``test_interruption``.
"""

import math
import shutil

import numpy as np
import pyarrow.compute as pc
import pyarrow.parquet as pq
import pytest

import schema
from tests.compute.helpers.processes import run_here
from tests.conftest import LADDER_TABLES, compute_command

SETTING = [field.name for field in schema.SETTING_FIELDS]


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
        batch_tokens = model["batch_windows"] * model["context_length"]
        assert of_model.num_rows == math.ceil(model["train_tokens"] / batch_tokens)
        for split, tokens in (("train", model["train_tokens"]), ("heldout", heldout_tokens)):
            cells = histograms.filter((pc.field("model_id") == name) & (pc.field("split") == split))
            counted = cells.group_by(SETTING).aggregate([("tokens", "sum")])
            assert counted.num_rows == 7  # all settings but the sampled one
            assert set(counted["tokens_sum"].to_pylist()) == {tokens}


def test_the_online_histogram_is_that_of_the_online_losses(micro_run):
    suite = micro_run / "data/micro"
    histograms = pq.read_table(suite / "loss_histograms").to_pandas()
    online = histograms[histograms["split"] == "online"]
    losses = pq.read_table(suite / "online_losses").to_pandas()
    models = pq.read_table(suite / "models").to_pandas().set_index("model_id")
    assert set(online["model_id"]) == set(models.index)
    assert set(online["quantizer"]) == {"none"}
    assert set(online["bits"]) == {32}
    for name, cells in online.groupby("model_id"):
        steps = losses[losses["model_id"] == name].sort_values("tokens_seen")
        assert cells["tokens"].sum() == models["train_tokens"][name]
        assert not cells.duplicated(["loss_nats", "entropy_nats"]).any()
        mean = np.average(steps["loss_nats"], weights=np.diff(steps["tokens_seen"], prepend=0))
        rounded_up = np.average(cells["loss_nats"], weights=cells["tokens"])
        assert mean - 1e-6 <= rounded_up <= mean + 0.005


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
    result = run_here(compute_command(micro_run, micro_ladder, text_folder))
    assert result.returncode == 0
    assert "nothing to do" in result.stdout
    assert before == {path: path.stat().st_mtime_ns for path in micro_run.glob("data/micro/*/*")}


def test_the_estimate_comes_first_and_the_summary_last(micro_run):
    lines = (micro_run / "output.txt").read_text().splitlines()
    assert any("To do: 76 units" in line and "about" in line for line in lines[:10])
    assert sum(line.startswith("ok ") for line in lines) == 76
    assert any("tokens/s" in line and "left" in line for line in lines)
    assert lines[-1].startswith("units")
    assert (micro_run / "data/micro/manifest.json").exists()


def test_a_model_that_diverges_does_not_cost_the_others(tmp_path, nano_ladder, text_folder):
    ladder = tmp_path / "nano.toml"
    ladder.write_text(nano_ladder.read_text().replace("0.03", "1e30", 1))
    without = ("--without", "curvature", "--without", "quantize", "--without", "information")
    result = run_here(compute_command(tmp_path, ladder, text_folder, *without))
    assert result.returncode == 1
    assert "its learning rate of 1e+30 is too high" in result.stdout
    (other,) = (tmp_path / "data/nano/models").glob("*.parquet")
    assert other.name.startswith("ladder-8k--")


def test_other_weights_are_never_mixed_in(nano_run, tmp_path, nano_ladder, text_folder):
    """A model whose retraining differs from what was measured is refused, not mixed."""
    base = tmp_path / "copy"
    shutil.copytree(nano_run / "data", base / "data")
    registered = next((base / "data/nano/models").glob("ladder-5k--*"))
    rows = pq.read_table(registered)
    at = rows.column_names.index("weights_sha256")
    pq.write_table(rows.set_column(at, rows.field(at), [["0" * 64]]), registered)
    next((base / "data/nano/quantized").glob("ladder-5k--rtn-b3*")).unlink()
    result = run_here(compute_command(base, nano_ladder, text_folder))
    assert result.returncode == 1
    assert "training again gave other weights than those already measured" in result.stdout


def test_another_corpus_gets_a_suite_of_its_own(nano_run, nano_ladder, text_folder, tmp_path):
    (tmp_path / "text").mkdir()
    for i, path in enumerate(sorted(text_folder.rglob("*.py"))):
        (tmp_path / f"text/{i}.py").write_bytes(path.read_bytes() + b"\n# changed\n")
    base = tmp_path / "copy"
    shutil.copytree(nano_run / "data", base / "data")
    command = compute_command(base, nano_ladder, tmp_path / "text")
    command[command.index("run")] = "plan"
    assert "Suite nano-" in run_here(command).stdout
    refused = run_here([*command, "--suite", "nano"])
    assert refused.returncode == 2
    assert "measured on another corpus" in refused.stderr


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
    result = run_here([*compute_command(tmp_path, micro_ladder, text_folder), *options])
    assert result.returncode == 2
    assert sentence in result.stderr
    assert len(result.stderr.strip().splitlines()) == 1
    assert not (tmp_path / "data").exists()


def test_status_and_help(micro_run, micro_ladder, text_folder):
    command = compute_command(micro_run, micro_ladder, text_folder)
    command[command.index("run")] = "status"
    at = command.index("--workers")
    status = run_here(command[:at])
    assert "76 of 76 units done, 0 failed, 0 missing" in status.stdout
    shown = run_here([*command[:3], "--help"])
    for name in ("plan", "run", "status"):
        assert name in shown.stdout
