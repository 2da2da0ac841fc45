"""Whole models through every quantizer."""

import pytest
import torch

from compute.base.setting import Setting
from compute.models.layout import Kind, layout
from compute.quantize.calibration import layer_inputs
from compute.quantize.quantizers import QuantizedTensor, ldlq
from compute.quantize.whole_model import quantize_model
from tests.compute.helpers.examples import (
    MODELS,
    SETTINGS,
    VOCABULARY,
    batches,
    model,
    proxy_loss,
    quantized,
)

LDLQ = Setting("ldlq", bits=3)


@pytest.mark.parametrize("setting", SETTINGS, ids=lambda s: s.slug)
@pytest.mark.parametrize("name", MODELS)
def test_the_model_then_holds_exactly_the_decoded_weights(name, setting):
    of, tensors, statistics = quantized(name, setting)
    parameters = {p.name: p for p in layout(of)}
    assert set(tensors) == set(parameters)
    for parameter in parameters.values():
        decoded = parameter.from_matrix(tensors[parameter.name].dequantize())
        assert torch.equal(of.get_parameter(parameter.name), decoded), parameter.name
    matrices = {p.name for p in parameters.values() if p.kind != Kind.OTHER}
    on_grid = setting.quantizer not in ("none", "cast")
    assert {s.layer for s in statistics} == (matrices if on_grid else set())
    for row in statistics:
        shape = parameters[row.layer].matrix_shape
        assert (row.rows, row.columns) == shape
        assert isinstance(tensors[row.layer], QuantizedTensor)
    assert torch.isfinite(of(batches()[0]).logits).all()


def test_tied_embeddings_come_first_with_the_inputs_of_the_trained_output_layer():
    of, name = model("gpt2"), "transformer.wte.weight"
    (inputs,) = layer_inputs(of, batches(), {of.lm_head})
    expected = ldlq.quantize(of.lm_head.weight.detach(), inputs.second_moment, 3)
    tensors, statistics = quantize_model(of, LDLQ, batches())
    assert torch.equal(tensors[name].codes, expected.codes)
    assert of.lm_head.weight is of.transformer.wte.weight
    assert torch.equal(of.lm_head.weight, expected.dequantize())
    assert statistics[0].layer == name
    assert statistics[0].kind == "linear"


def test_a_layer_is_quantized_with_inputs_from_the_layers_quantized_before():
    of = model("neox")
    last = of.lm_head
    (before,) = layer_inputs(of, batches(), {last})
    weight = last.weight.detach().clone()
    tensors, statistics = quantize_model(of, LDLQ, batches())
    (after,) = layer_inputs(of, batches(), {last})
    got = tensors["lm_head.weight"]
    assert torch.equal(ldlq.quantize(weight, after.second_moment, 3).codes, got.codes)
    assert not torch.equal(ldlq.quantize(weight, before.second_moment, 3).codes, got.codes)
    assert statistics[-1].layer == "lm_head.weight"
    loss = proxy_loss(got.dequantize() - weight, after.second_moment)
    assert statistics[-1].proxy_loss == pytest.approx(loss, rel=1e-5)


@pytest.mark.parametrize("name", MODELS)
def test_quantizing_twice_gives_the_same_codes(name):
    first, second = (quantize_model(model(name), LDLQ, batches())[0] for _ in range(2))
    for key, tensor in first.items():
        assert torch.equal(tensor.dequantize(), second[key].dequantize())


def test_a_matrix_that_never_runs_is_rounded_to_nearest():
    of = model("llama")
    of.model.unused = torch.nn.Linear(5, 4, bias=False)
    weight = of.model.unused.weight.detach().clone()
    tensors, statistics = quantize_model(of, LDLQ, batches())
    nearest = ldlq.quantize(weight, torch.eye(5), 3)
    assert torch.equal(tensors["model.unused.weight"].codes, nearest.codes)
    assert "model.unused.weight" not in {row.layer for row in statistics}


@pytest.mark.parametrize("setting", SETTINGS, ids=lambda s: s.slug)
@pytest.mark.parametrize("name", ["embed_in.weight", "layers.1.mlp.dense_h_to_4h.weight"])
def test_the_parameter_that_cannot_be_quantized_is_named(name, setting):
    of = model("neox")
    with torch.no_grad():
        of.get_parameter(f"gpt_neox.{name}")[0, 0] = float("nan")
    with pytest.raises(ValueError, match=rf"gpt_neox\.{name}.* not finite"):
        quantize_model(of, setting, batches())


def test_the_share_of_layers_done_is_reported():
    shares = []
    quantize_model(model("neox"), LDLQ, batches(), report=shares.append)
    assert shares == pytest.approx([k / 9 for k in range(1, 10)])


def test_tokens_that_calibration_misses_are_kept_where_training_has_them():
    """Rows of the embedding that no training window looks up become 0, the others do not."""
    counts = torch.ones(VOCABULARY, dtype=torch.int64)
    counts[[2, 5]] = 0
    of = model("neox")
    quantize_model(of, Setting("gptq_step", step=0.3), batches(), token_counts=counts)
    empty = (of.get_input_embeddings().weight == 0.0).all(dim=1)
    assert torch.equal(empty, counts == 0)


def test_a_buffer_that_no_code_covers_is_refused_by_name():
    of = model("neox")
    of.gpt_neox.register_buffer("running_mean", torch.zeros(3))
    with pytest.raises(ValueError, match=r"gpt_neox\.running_mean is a buffer"):
        quantize_model(of, LDLQ, batches())
