"""Layers multiply by oneDNN only where they can, give the same numbers, and are put back."""

import numpy as np
import pytest
import torch
from torch.nn import functional

from compute.models import language_model
from compute.models.products import onednn_products
from compute.suites.ladder.ladder_suite import load_ladder


@pytest.fixture(scope="module")
def model():
    return language_model.build(load_ladder("tiny").models[1]).eval()


@torch.inference_mode()
def test_the_losses_are_those_of_torchs_own_products(model):
    tokens = torch.from_numpy(np.random.default_rng(0).integers(1, 255, (3, 64)))
    expected = model(tokens).logits
    with onednn_products(model):
        found = model(tokens).logits
    torch.testing.assert_close(found, expected, rtol=1e-5, atol=1e-6)


@torch.inference_mode()
def test_a_layer_without_bias_and_inputs_of_any_rank():
    layer = torch.nn.Linear(5, 3, bias=False)
    for shape in ((5,), (2, 5), (2, 4, 5)):
        inputs = torch.randn(shape)
        expected = functional.linear(inputs.double(), layer.weight.double()).float()
        with onednn_products(layer):
            torch.testing.assert_close(layer(inputs), expected, rtol=1e-5, atol=1e-6)


def test_layers_are_put_back_whatever_happens(model):
    def fail():
        with onednn_products(model):
            assert any("forward" in vars(layer) for layer in model.modules())
            raise KeyError

    with pytest.raises(KeyError):
        fail()
    assert not any("forward" in vars(layer) for layer in model.modules())


@torch.inference_mode()
def test_other_arithmetic_and_other_layers_are_left_alone():
    class Doubling(torch.nn.Linear):
        def forward(self, inputs):
            return 2 * super().forward(inputs)

    half, own = torch.nn.Linear(4, 4).bfloat16(), Doubling(4, 4)
    inputs = torch.randn(2, 4)
    expected = half(inputs.bfloat16()), own(inputs)
    with onednn_products(torch.nn.ModuleList([half, own])):
        found = half(inputs.bfloat16()), own(inputs)
    for one, other in zip(found, expected, strict=True):
        assert torch.equal(one, other)
