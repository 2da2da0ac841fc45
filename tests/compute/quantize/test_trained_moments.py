"""Inputs of the trained model: measured once, and the same whether they are kept or not."""

import dataclasses

import pytest
import torch

from compute.base.setting import Setting
from compute.quantize import input_moment, trained_moments
from compute.quantize.input_moment import InputMoment
from compute.quantize.whole_model import quantize_model
from tests.compute.helpers.examples import MODELS, batches, model

RTN, GPTQ = Setting("rtn", bits=3), Setting("gptq", bits=3)


def layers_of(name, setting, folder) -> dict[str, dict]:
    _, found = quantize_model(model(name), setting, batches(), moments=folder)
    return {layer.layer: dataclasses.asdict(layer) for layer in found}


@pytest.mark.parametrize("name", MODELS)
def test_rounding_measures_inputs_once_for_all_settings(name, tmp_path, monkeypatch):
    runs = []
    measured = trained_moments.trained_inputs
    monkeypatch.setattr(
        trained_moments, "trained_inputs", lambda *args: runs.append(1) or measured(*args)
    )
    first = layers_of(name, RTN, tmp_path / "moments")
    again = layers_of(name, RTN, tmp_path / "moments")
    other = layers_of(name, Setting("rtn", bits=4), tmp_path / "moments")
    gptq = layers_of(name, GPTQ, tmp_path / "moments")
    assert len(runs) == 1
    assert first == again
    for layer, row in first.items():
        for column in ("trace_h", "trace_sqrt_h", "incoherence"):
            assert other[layer][column] == row[column]
        assert other[layer]["proxy_loss"] < row["proxy_loss"]
        assert gptq[layer]["trace_sqrt_h"] == row["trace_sqrt_h"]
        assert gptq[layer]["incoherence"] == row["incoherence"]


@pytest.mark.parametrize("room", [0, 2000])
def test_results_do_not_depend_on_what_is_kept(tmp_path, monkeypatch, room):
    """In a cache with little room some moments or none are kept."""
    kept = layers_of("gpt2", RTN, tmp_path / "all"), layers_of("gpt2", GPTQ, tmp_path / "all")
    monkeypatch.setattr(trained_moments, "KEPT_BYTES", room)
    few = layers_of("gpt2", RTN, tmp_path / "few"), layers_of("gpt2", GPTQ, tmp_path / "few")
    assert few == kept
    files = [len(list((tmp_path / folder).iterdir())) for folder in ("all", "few")]
    assert 1 <= files[1] < files[0]


def test_a_spectrum_too_large_for_the_device_is_not_a_number(monkeypatch):
    hessian = torch.eye(6, dtype=torch.float64)
    assert InputMoment(hessian).spectrum().trace_sqrt == pytest.approx(6.0)
    monkeypatch.setitem(input_moment.SPECTRUM_COLUMNS, "cpu", 5)
    found = InputMoment(hessian).spectrum()
    assert found.trace_sqrt != found.trace_sqrt
    assert found.incoherence != found.incoherence
