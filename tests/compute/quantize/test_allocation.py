"""Steps that are chosen by what each matrix adds to loss and length."""

import json

import pytest
import torch

from compute.base.setting import Setting
from compute.models.layout import Kind, layout
from compute.quantize import allocation, codes
from compute.quantize.allocation import STEPS, Trial, cheapest_steps
from compute.quantize.codes import entropy
from compute.quantize.quantizers import quantize
from compute.quantize.whole_model import quantize_model
from tests.compute.helpers.examples import MODELS, batches, model, moment

TRIALS = {
    "steep": [Trial(1.0, 0.0, 3000), Trial(2.0, 1.0, 2000), Trial(4.0, 5.0, 1500)],
    "flat": [Trial(1.0, 0.0, 3000), Trial(2.0, 0.01, 2000), Trial(4.0, 0.02, 1500)],
}


def test_each_matrix_goes_where_a_bit_costs_its_price():
    # 1000 bits of 1000 parameters are a bit per parameter.
    assert cheapest_steps(TRIALS, 0.005, 1000) == {"steep": 1.0, "flat": 1.0}
    assert cheapest_steps(TRIALS, 0.3, 1000) == {"steep": 1.0, "flat": 4.0}
    assert cheapest_steps(TRIALS, 1.5, 1000) == {"steep": 2.0, "flat": 4.0}
    assert cheapest_steps(TRIALS, 100.0, 1000) == {"steep": 4.0, "flat": 4.0}
    with pytest.raises(ValueError, match="price of 0"):
        cheapest_steps(TRIALS, 0.0, 1000)


def moments_of(of):
    return [
        (p, moment(p.matrix_shape[1]) if p.kind == Kind.LINEAR else torch.ones(p.matrix_shape[0]))
        for p in layout(of)
        if p.kind != Kind.OTHER
    ]


@pytest.mark.parametrize("name", MODELS)
def test_a_trial_is_the_model_with_that_matrix_rounded_alone(name):
    of = model(name)
    before = {key: value.clone() for key, value in of.state_dict().items()}
    found = allocation.measure_trials(of, moments_of(of), batches())
    assert all(torch.equal(value, before[key]) for key, value in of.state_dict().items())
    parameter, of_inputs = moments_of(of)[1]
    trial = found[parameter.name][2]
    values = parameter.to_matrix(of.get_parameter(parameter.name).detach())
    tensor = quantize(parameter, values, of_inputs, Setting("watersic", step=trial.step))
    assert trial.bits == 8 * len(entropy.encode([tensor]))
    trained = allocation._loss(of, batches())
    with torch.no_grad():
        of.get_parameter(parameter.name).copy_(parameter.from_matrix(tensor.dequantize()))
    assert trial.loss_nats == pytest.approx(allocation._loss(of, batches()) - trained, abs=1e-6)
    for trials in found.values():
        assert [trial.step for trial in trials] == list(STEPS)
        assert trials[0].bits > trials[-1].bits


@pytest.mark.parametrize("name", MODELS)
def test_a_higher_price_makes_the_file_smaller(name, tmp_path):
    sizes = []
    for price in (1e-4, 1.0, 1e4):
        setting = Setting("watersic_priced", step=price)
        tensors, _ = quantize_model(model(name), setting, batches(), moments=tmp_path / "moments")
        sizes.append(len(codes.encode("entropy_coded", tensors, setting)))
    assert sizes[0] > sizes[1] >= sizes[2]
    assert sizes[0] > 1.3 * sizes[2]


def test_trials_are_measured_once_for_all_prices(tmp_path, monkeypatch):
    calls = []
    measure = allocation.measure_trials
    monkeypatch.setattr(
        allocation, "measure_trials", lambda *args: calls.append(1) or measure(*args)
    )
    found = [
        quantize_model(
            model("neox"), Setting("watersic_priced", step=price), batches(), moments=folder
        )[0]
        for price, folder in ((0.3, tmp_path / "a"), (0.3, tmp_path / "a"), (30.0, tmp_path / "a"))
    ]
    assert len(calls) == 1
    for key, tensor in found[0].items():
        assert torch.equal(tensor.dequantize(), found[1][key].dequantize())
    stored = json.loads((tmp_path / "a-trials/trials.json").read_text())
    assert [trial["step"] for trial in next(iter(stored.values()))] == list(STEPS)


def test_a_matrix_that_no_step_fits_is_named(monkeypatch):
    monkeypatch.setattr(allocation, "STEPS", (1e-9,))
    of = model("neox")
    parameter, of_inputs = moments_of(of)[1]
    with pytest.raises(ValueError, match=parameter.name):
        allocation.measure_trials(of, [(parameter, of_inputs)], batches())
