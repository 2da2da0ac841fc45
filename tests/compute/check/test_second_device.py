"""What runs on a GPU, on a second device that a CPU imitates: no tensor is on the wrong one."""

from dataclasses import replace
from pathlib import Path

import pyarrow as pa
import pytest
import torch

from compute.check import agreement, tiny
from compute.models import evaluation, sampled_evaluation
from compute.quantize import trained_moments
from compute.work.machines import perform
from tests.compute.helpers.second_device import NAME, MixedDevicesError, second_device
from tests.compute.helpers.sessions import session_of

#: Every stage, and each kind of quantizer.
LADDER = """
[presets.small]
suite = "small"
context_length = 8
tokens_per_parameter = 1
fewest_steps = 10
heldout_bytes = 4096
corpus_seed = 1
calibration_windows = 16
requential = { passes = 1, tether = 0.1, replayed = 1, hold = 0.1 }
models = [
  { hidden_size = 8, layers = 1, heads = 1, learning_rate = 0.03, batch_windows = 32, seed = 0 },
]
measurements = [
  { quantizer = "none", bits = 32 },
  { quantizer = "rtn", bits = 3 },
  { quantizer = "gptq", bits = 3 },
  { quantizer = "ldlq_rotated", bits = 3, quantizer_seed = 0 },
  { quantizer = ["gptq_step", "watersic", "watersic_priced"], step = 1.0 },
]
curvature = [
  { windows = 2, probes = 2, steps = 4, tests = 3 },
]
"""


#: Tables with a loss for each model.  Last digits differ: a device has kernels of its own.
LOSSES = {"quantized", "students"}


@pytest.fixture(autouse=True)
def known(monkeypatch):
    """What goes by a device's name: batches of the CPU's size, files by way of the CPU."""
    sizes = (
        evaluation.BATCH_TOKENS,
        sampled_evaluation.BATCH_TOKENS,
        sampled_evaluation.BATCH_LOGITS,
        sampled_evaluation.SCORED_LOGITS,
    )
    for size in sizes:
        monkeypatch.setitem(size, NAME, size["cpu"])
    load = trained_moments.load_file

    def by_way_of_the_cpu(file: Path, device: str) -> dict[str, torch.Tensor]:
        return {name: tensor.to(device) for name, tensor in load(file).items()}

    monkeypatch.setattr(trained_moments, "load_file", by_way_of_the_cpu)


def test_tensors_of_two_devices_do_not_mix():
    here = torch.ones(3)
    with second_device() as device:
        there = here.to(device)
        with pytest.raises(MixedDevicesError, match="add"):
            there + here
        with pytest.raises(MixedDevicesError):
            torch.nn.functional.linear(here, torch.ones(2, 3, device=device))
        with pytest.raises(RuntimeError):
            there.numpy()
        assert there.device.type == NAME
        assert (2 * there + torch.tensor(1.0)).cpu().tolist() == [3, 3, 3]


def test_a_model_whose_buffer_stayed_behind_is_seen():
    model = tiny.gpt_neox(0)
    with second_device() as device:
        model.to(device)
        rotary = model.gpt_neox.rotary_emb
        rotary.inv_freq = rotary.inv_freq.cpu()
        rotary.forward = lambda x, position_ids: x * rotary.inv_freq.repeat(8)
        with pytest.raises(MixedDevicesError):
            model(torch.zeros(1, 4, dtype=torch.int64, device=device))


@pytest.mark.parametrize("name", ["gpt2", "llama"])  # the ladder below has the third
def test_each_architecture_agrees_with_the_cpu(name, monkeypatch):
    model = tiny.models()[name]
    monkeypatch.setattr(tiny, "models", lambda: {name: model})
    monkeypatch.setattr(agreement, "SETTINGS", agreement.SETTINGS[1:2])
    monkeypatch.setattr(agreement, "_TRAINING_STEPS", 2)
    with second_device() as device:
        rows = list(agreement.rows(device))
    assert len(rows) == 7
    assert [row.what for row in rows if not row.ok] == []


def test_every_stage_runs_there_and_measures_the_same_losses(tmp_path, text_folder):
    ladder = tmp_path / "small.toml"
    ladder.write_text(LADDER)
    expected = measured(tmp_path / "here", ladder, text_folder, "cpu")
    with second_device() as device:
        found = measured(tmp_path / "there", ladder, text_folder, device)
    assert {stage for stage, *_ in found} >= {"train", "requential", "quantize", "curvature"}
    assert found.keys() == expected.keys()
    losses = {
        key: rows["train_loss_nats"].to_pylist() for key, rows in found.items() if key[2] in LOSSES
    }
    assert len(losses) == 8
    for key, values in losses.items():
        assert values == pytest.approx(expected[key]["train_loss_nats"].to_pylist(), rel=1e-3), key


def measured(base: Path, ladder: Path, text: Path, device: str) -> dict[tuple, pa.Table]:
    """(stage, unit, table) -> its rows, of every unit of the ladder on the device."""
    session = session_of(base, ladder, text, workers=1).prepared()
    workspace, found = replace(session.workspace, device=device), {}
    for unit in session.plan.todo:
        for table, rows in unit.run(workspace, int).items():
            workspace.store.write(table, unit, rows, perform.metadata(unit, workspace))
            found[unit.stage, unit.name, table] = rows
    return found
