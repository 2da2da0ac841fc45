"""The stages quantize and measure: what they read, what they write, what becomes of failures."""

import dataclasses
import shutil

import numpy as np
import pandas as pd
import pyarrow.parquet as pq
import pytest
import torch
from safetensors.torch import load_file, save_file

import schema
from compute.models import language_model
from compute.models.layout import layout
from compute.quantize import codes
from compute.quantize.codes.header import CODES
from compute.work.machines.perform import perform
from tests.compute.helpers.processes import run_here
from tests.compute.helpers.sessions import session_of
from tests.conftest import compute_command

MEASURED = 8  # settings of the micro ladder
SETTING = [field.name for field in schema.SETTING_FIELDS]


def table(base, name) -> pd.DataFrame:
    return pq.read_table(base / "data/micro" / name).to_pandas()


@pytest.fixture
def copied(micro_run, tmp_path):
    """A micro run that a test may damage."""
    for folder in ("data", "cache"):
        shutil.copytree(micro_run / folder, tmp_path / folder)
    return tmp_path


def unit_named(session, name):
    return next(unit for unit in session.plan.units if unit.name == name)


def test_units_come_in_order_and_only_matrices_on_a_grid_have_statistics(
    micro_run, micro_ladder, text_folder
):
    session = session_of(micro_run, micro_ladder, text_folder)
    names = [unit.name for unit in session.plan.units]
    for unit in session.plan.units:
        assert all(names.index(need) < names.index(unit.name) for need in unit.needs)
        if unit.stage == "measure":
            assert f"quantize {unit.label}" in unit.needs
    assert not session.plan.todo
    assert unit_named(session, "quantize ladder-5k--none-b32").tables == ()
    rounded = unit_named(session, "quantize ladder-5k--rtn-b4")
    assert rounded.tables == ("layers", "coded_tensors")


def test_there_is_one_row_of_layers_for_each_quantized_matrix(micro_run):
    layers, models = table(micro_run, "layers"), table(micro_run, "models")
    for model in models.itertuples():
        folder = next(micro_run.glob(f"cache/checkpoints/{model.model_id}-*"))
        matrices = {
            p.name: p.matrix_shape
            for p in layout(language_model.load(folder, torch.device("cpu")))
            if len(p.shape) == 2
        }
        assert len(matrices) == 4 * model.layers + 2
        of_model = layers[layers["model_id"] == model.model_id]
        groups = of_model.groupby(SETTING, dropna=False)
        assert len(groups) == MEASURED - 1  # all but the unquantized one
        for _, rows in groups:
            shapes = zip(rows["rows"], rows["columns"], strict=True)
            assert dict(zip(rows["layer"], shapes, strict=True)) == matrices
    errors = layers.set_index(SETTING[:1])
    assert errors.loc["rtn", "damping"].isna().all()
    for quantizer in ("gptq", "gptq_step"):
        rows = errors.loc[quantizer]
        assert (rows["damping"].isna() == (rows["kind"] == "embedding")).all()
        linear = rows[rows["kind"] == "linear"]
        assert linear["proxy_loss"].sum() < linear["rounding_proxy_loss"].sum()


def test_code_lengths_are_the_sizes_of_files_that_restore_what_was_measured(
    micro_run, micro_ladder, text_folder
):
    session = session_of(micro_run, micro_ladder, text_folder)
    quantized = table(micro_run, "quantized")
    found = 0
    for unit in session.plan.units:
        if unit.stage != "measure":
            continue
        row = quantized[quantized["model_id"] == unit.model_id]
        for name, value in unit.setting.columns.items():
            row = row[row[name].isna() if value is None else row[name] == value]
        files = {c: (session.workspace.coded(unit) / c).read_bytes() for c in CODES}
        for code, file in files.items():
            assert row[f"{code}_bits"].item() == 8 * len(file)
            assert codes.setting_of(file) == unit.setting
        # The range coder never needs more than fixed widths, small as these models are.
        assert len(files["entropy_coded"]) < len(files["stored"])
        found += 1
    assert found == len(quantized) == 3 * MEASURED


def test_nominal_bits_are_bits_times_parameters_or_the_entropy_of_codes(micro_run):
    quantized, layers = table(micro_run, "quantized"), table(micro_run, "layers")
    params = table(micro_run, "models").set_index("model_id")["params_total"]
    for row in quantized.itertuples():
        if row.quantizer == "gptq_step":
            of = layers[(layers["model_id"] == row.model_id) & (layers["step"] == row.step)]
            weights = of["rows"] * of["columns"]
            bits = (of["weight_entropy_bits"] * weights).sum() / weights.sum()
            assert 0.5 < bits < 4
        else:
            bits = row.bits
        assert row.nominal_bits == pytest.approx(bits * params[row.model_id], rel=1e-12)


def test_paired_gaps_agree_with_the_difference_of_the_losses(micro_run):
    quantized = table(micro_run, "quantized")
    models = table(micro_run, "models").set_index("model_id")
    before = quantized[quantized["quantizer"] == "none"].set_index("model_id")
    assert (before["paired_gap_nats"] == 0.0).all()
    assert (before["paired_gap_se_nats"] == 0.0).all()
    after = quantized[quantized["quantizer"] != "none"]
    for row in after.itertuples():
        windows = models.loc[row.model_id, "train_tokens"] // 16
        sampled = row.bits == 6
        assert row.paired_windows == (64 if sampled else 1024)
        assert row.train_tokens_evaluated == 16 * (64 if sampled else windows)
        assert row.heldout_tokens_evaluated == before.loc[row.model_id, "heldout_tokens_evaluated"]
        assert 0 < row.paired_gap_se_nats < 0.05
        gap = row.train_loss_nats - before.loc[row.model_id, "train_loss_nats"]
        if not sampled:
            assert abs(row.paired_gap_nats - gap) < 5 * row.paired_gap_se_nats
        heldout = row.heldout_loss_nats - before.loc[row.model_id, "heldout_loss_nats"]
        assert abs(heldout - gap) < 0.2 or sampled
    # More levels, smaller gaps; feedback helps at 3 bits.
    gaps = after[after["step"].isna()].groupby(["quantizer", "bits"])["paired_gap_nats"].mean()
    assert gaps["rtn", 3] > gaps["rtn", 4] > gaps["rtn", 6]
    assert gaps["gptq", 3] < gaps["rtn", 3]


def test_sampled_measurements_write_no_histogram(micro_run):
    assert not list(micro_run.glob("data/micro/loss_histograms/*--rtn-b6--*"))
    assert len(list(micro_run.glob("data/micro/quantized/*--rtn-b6--*"))) == 3


def test_calibration_looks_at_so_many_different_training_windows(
    micro_run, micro_ladder, text_folder
):
    session = session_of(micro_run, micro_ladder, text_folder)
    unit = unit_named(session, "quantize ladder-5k--gptq-b3")
    model = unit.model
    drawn = unit.draw(model.train_windows)
    assert len(np.unique(drawn)) == len(drawn) == 32
    assert 0 <= drawn.min() < drawn.max() < model.train_windows
    assert unit.seeds.keys() == {"weights", "calibration"}


def test_measuring_again_needs_the_coded_model_and_nothing_else_is_made_again(
    copied, micro_run, micro_ladder, text_folder
):
    """A coded model that left the cache is made again only where a unit to be run reads it."""
    session = session_of(copied, micro_ladder, text_folder)
    workspace = session.workspace
    unit = unit_named(session, "measure ladder-5k--gptq-b3")
    shutil.rmtree(workspace.coded(unit))
    shutil.rmtree(workspace.coded(unit_named(session, "measure ladder-5k--rtn-b3")))
    assert not session.planned_again().plan.todo
    kept = workspace.store.path("quantized", unit)
    original = kept.read_bytes()
    kept.unlink()
    todo = session.planned_again().plan.todo
    assert [u.name for u in todo] == ["quantize ladder-5k--gptq-b3", "measure ladder-5k--gptq-b3"]
    for u in todo:
        outcome = perform(u, workspace, lambda tokens: None)
        assert outcome.error is None, outcome.error
    assert kept.read_bytes() == original
    layers = workspace.store.path("layers", todo[0])
    assert layers.read_bytes() == (micro_run / layers.relative_to(copied)).read_bytes()
    assert not workspace.coded(unit_named(session, "measure ladder-5k--rtn-b3")).exists()


def test_a_damaged_or_foreign_coded_model_is_never_measured(copied, micro_ladder, text_folder):
    session = session_of(copied, micro_ladder, text_folder)
    workspace = session.workspace
    unit = unit_named(session, "measure ladder-5k--rtn-b3")
    other = unit_named(session, "measure ladder-5k--rtn-b4")
    larger = unit_named(session, "measure ladder-6k--rtn-b3")
    file = workspace.coded(unit) / "entropy_coded"
    damaged = bytearray(file.read_bytes())
    damaged[-1] ^= 1
    file.write_bytes(bytes(damaged))
    outcome = perform(unit, workspace, lambda tokens: None)
    assert "is not the one that was made" in outcome.error
    for source in (other, larger):
        shutil.rmtree(workspace.coded(unit))
        shutil.copytree(workspace.coded(source), workspace.coded(unit))
        outcome = perform(unit, workspace, lambda tokens: None)
        assert "is not the one that was made" in outcome.error or "other weights" in outcome.error
    assert workspace.store.state(unit)[0] == "failed"


def test_a_model_that_cannot_be_quantized_does_not_cost_the_others(
    copied, micro_ladder, text_folder
):
    """The measurement is not run, the error is recorded, and the rest of the ladder goes on."""
    session = session_of(copied, micro_ladder, text_folder)
    weights = session.workspace.checkpoint(unit_named(session, "train ladder-5k"))
    tensors = load_file(weights / "model.safetensors")
    name = "gpt_neox.layers.0.mlp.dense_h_to_4h.weight"
    tensors[name][0, 0] = float("nan")
    save_file(tensors, weights / "model.safetensors", metadata={"format": "pt"})
    for label in ("ladder-5k--gptq-b3", "ladder-12k--rtn-b4"):
        shutil.rmtree(next((copied / "cache/coded").glob(f"{label}-*")))
        for old in copied.glob(f"data/micro/*/*{label}--*"):
            old.unlink()
    result = run_here(compute_command(copied, micro_ladder, text_folder))
    assert result.returncode == 1, result.stdout + result.stderr
    assert "To do: 4 units" in result.stdout
    assert f"failed quantize ladder-5k--gptq-b3: ValueError: {name}:" in result.stdout
    assert "not run measure ladder-5k--gptq-b3: it needs a unit that failed" in result.stdout
    assert "ok measure ladder-12k--rtn-b4" in result.stdout
    units = table(copied, "units")
    failed = units[units["status"] == "failed"]
    assert list(failed["stage"]) == ["quantize"]
    assert "not finite" in failed["error"].item()
    assert not list(copied.glob("data/micro/quantized/ladder-5k--gptq-b3--*"))
    plan = session_of(copied, micro_ladder, text_folder).plan
    assert plan.blocked == ["measure ladder-5k--gptq-b3"]
    assert not plan.todo


def test_other_calibration_windows_make_other_units(micro_run, tmp_path, micro_ladder, text_folder):
    """What determines a result is in its key: nothing stale counts as done."""
    session = session_of(micro_run, micro_ladder, text_folder)
    keys = [unit.key for unit in session.plan.units]
    assert len(set(keys)) == len(keys)
    changed = micro_ladder.read_text().replace(
        "calibration_windows = 32", "calibration_windows = 33"
    )
    file = tmp_path / micro_ladder.name  # the preset has the name of its file
    file.write_text(changed)
    other = session_of(micro_run, file, text_folder)
    redone = {unit.stage for unit in other.plan.todo}
    assert redone == {"quantize", "measure", "information", "curvature"}
    assert dataclasses.replace(session.ladder, calibration_windows=33) == other.ladder
