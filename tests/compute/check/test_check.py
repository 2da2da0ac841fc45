"""The check of a new machine: what it sees, and that it sees what is wrong."""

import json

import numpy as np
import pytest
import torch
from typer.testing import CliRunner

from compute.base.memory import Memory
from compute.check import agreement, machine, table, tiny
from compute.check.row import Row, at_most, rows_of
from compute.commands import cli
from compute.session import hub_estimate
from compute.suites.published.hub_suite import load_hub_suite
from compute.work.machines.measured import Measured
from compute.work.stages.units.hub import hub_units


@pytest.fixture
def one_model(monkeypatch):
    """Of the three models the one with the most peculiar layers, at one setting."""
    monkeypatch.setattr(agreement, "SETTINGS", agreement.SETTINGS[2:3])
    model = tiny.models()["gpt2"]
    monkeypatch.setattr(tiny, "models", lambda: {"gpt2": model})


def wrong(rows: list[Row]) -> list[str]:
    return [row.what for row in rows if row.ok is False]


def test_the_cpu_agrees_with_itself_in_float64(one_model):
    rows = list(agreement.rows("cpu"))
    assert len(rows) == 7
    assert not wrong(rows)
    assert all(row.ok for row in rows)


def test_products_of_ten_bits_are_seen(one_model, monkeypatch):
    """As where TF32 is on: matrix products of float32 numbers cut to 10 bits of mantissa."""
    plain = torch.nn.functional.linear

    def cut(x: torch.Tensor) -> torch.Tensor:
        return x if x.dtype != torch.float32 else (x * 8193).sub(x * 8193 - x)

    monkeypatch.setattr(
        "transformers.pytorch_utils.Conv1D.forward",
        lambda self, x: plain(cut(x), cut(self.weight).T, self.bias),
    )
    found = wrong(list(agreement.rows("cpu")))
    assert "gpt2: losses in float32, largest difference" in found
    assert "gpt2: product with the hessian matrix" in found


def test_a_file_that_does_not_restore_the_model_is_seen(one_model, monkeypatch):
    decode = agreement.codes.decode

    def off_by_one_bit(file, architecture):
        for name, weights in decode(file, architecture):
            damaged = weights.clone()
            damaged.view(-1).view(torch.int32)[0] ^= 1
            yield name, damaged

    monkeypatch.setattr(agreement.codes, "decode", off_by_one_bit)
    assert any("decoded on the CPU" in what for what in wrong(list(agreement.rows("cpu"))))


def test_training_that_does_not_repeat_itself_is_seen(one_model, monkeypatch):
    hashes = iter("abcdef")
    monkeypatch.setattr(agreement.language_model, "weights_sha256", lambda model: next(hashes))
    assert any("done twice" in what for what in wrong(list(agreement.rows("cpu"))))


def test_what_is_not_a_number_is_above_every_tolerance():
    assert at_most("part", "what", float("nan"), 1.0, "nats", "do this").ok is False
    assert at_most("part", "what", 1.0, 1.0, "nats", "do this").advice == ""


def test_a_part_that_fails_is_a_row_and_ends_alone():
    def look():
        yield Row("part", "first", "fine", ok=True)
        raise RuntimeError("the card fell off\nand more")

    rows = list(rows_of("part", look, "report it"))
    assert [row.ok for row in rows] == [True, False]
    assert rows[1].found == "failed: RuntimeError: the card fell off"
    assert rows[1].advice == "report it"


def test_the_machine_is_described_and_a_folder_that_cannot_be_written_is_named(tmp_path):
    rows = {row.what: row for row in machine.rows("cpu", tmp_path)}
    assert rows["disk of the cache"].ok
    assert torch.__version__.partition("+")[0] in rows["packages"].found
    closed = {row.what: row for row in machine.rows("cpu", machine.Path("/proc/nowhere"))}
    assert closed["disk of the cache"].found  # whatever it is there, it is said


def test_json_holds_every_row_and_the_status_says_whether_all_is_right(tmp_path, monkeypatch):
    for part in ("agreement", "cards", "pipeline", "speed"):
        monkeypatch.setattr(getattr(table, part), "rows", lambda *args: iter(()))
    command = ["check", "--device", "cpu", "--cache", str(tmp_path), "--json"]
    ended = CliRunner().invoke(cli.app, command)
    assert ended.exit_code == 0
    content = json.loads(ended.stdout)
    assert content["ok"]
    assert {row["part"] for row in content["rows"]} == {"machine"}
    bad = Row("speed", "what", "found", "wanted", False, "do this")
    monkeypatch.setattr(table.speed, "rows", lambda *args: iter([bad]))
    ended = CliRunner().invoke(cli.app, command[:-1])
    assert ended.exit_code == 1
    assert "1 of" in ended.stdout
    assert "do this" in ended.stdout


def test_an_unusable_device_is_refused_before_anything_is_looked_at(tmp_path):
    ended = CliRunner().invoke(cli.app, ["check", "--device", "tpu", "--cache", str(tmp_path)])
    assert ended.exit_code != 0
    assert "tpu" in str(ended.exception)


def test_measured_speeds_are_kept_and_only_for_the_same_device_and_torch(tmp_path, monkeypatch):
    found = Measured(scoring_flops=1e12, column_seconds=1e-3)
    file = found.save(tmp_path, "A card")
    assert Measured.load(tmp_path, "A card") == found
    assert Measured.load(tmp_path, "Another card") is None
    monkeypatch.setattr("compute.work.machines.measured.torch.__version__", "0.1")
    assert Measured.load(tmp_path, "A card") is None
    monkeypatch.undo()
    file.write_text(file.read_text().replace("1000000000000.0", "-1.0"))
    assert Measured.load(tmp_path, "A card") is None
    file.write_text("{")
    assert Measured.load(tmp_path, "A card") is None


def test_the_plan_counts_with_what_was_measured():
    suite = load_hub_suite("pythia")
    units = hub_units(suite.models[:1], suite.effort, {"stream": "x"})
    unit = next(unit for unit in units if unit.stage == "sample")
    memory = Memory("cpu", 2**34, 0)

    def seconds(found: Measured) -> float:
        speeds = hub_estimate.measure_speeds("cpu", found)
        return hub_estimate.unit_seconds(memory, speeds)(unit)

    slow, fast = Measured(scoring_flops=1e9), Measured(scoring_flops=1e12)
    work = 2.0 * unit.model.params_total * unit.work_tokens
    assert seconds(slow) == pytest.approx(work / 1e9, rel=1e-3)
    assert seconds(fast) == pytest.approx(work / 1e12, rel=1e-2)


def test_windows_and_texts_are_the_same_on_every_machine():
    assert np.array_equal(tiny.windows(3, seed=1), tiny.windows(3, seed=1))
    assert len(tiny.tokenizer()) == tiny.VOCABULARY
