"""Products with curvature matrices against three other ways of computing them."""

import numpy as np
import pytest
import torch

from compute.models.curvature.products import CurvatureProduct, twice_differentiable
from tests.compute.helpers import examples
from tests.compute.models.curvature import explicit

BATCHES = explicit.windows()


def product_of(model, matrix="hessian", names=None, batches=BATCHES, **others) -> CurvatureProduct:
    return CurvatureProduct(model, lambda: batches, matrix, names, **others)


def vector_for(product: CurvatureProduct, seed: int = 0) -> torch.Tensor:
    random = torch.Generator().manual_seed(seed)
    return torch.randn(product.size, generator=random, dtype=product.parameters[0].dtype)


def multiplied(model) -> tuple[torch.Tensor, torch.Tensor]:
    """A vector, and the Hessian times it."""
    with twice_differentiable(model):
        product = product_of(model)
        vector = vector_for(product)
        return vector, product(vector)


def error(found: torch.Tensor, wanted: torch.Tensor) -> float:
    return ((found - wanted).norm() / wanted.norm()).item()


@pytest.mark.parametrize("name", ["neox", "gpt2"])
def test_hessian_agrees_with_finite_differences(name, float64_softmax):
    model = examples.model(name).double()
    vector, found = multiplied(model)
    assert error(found, explicit.finite_difference(model, BATCHES, vector)) < 1e-6


@pytest.mark.parametrize("name", examples.MODELS)
def test_hessian_agrees_with_forward_over_reverse(name):
    model = examples.model(name)
    vector, found = multiplied(model)
    assert error(found, explicit.forward_over_reverse(model, BATCHES, vector)) < 1e-5


@pytest.mark.parametrize("name", examples.MODELS)
def test_every_parameter_agrees_in_single_precision(name, float64_softmax):
    """Also the rows of norms and biases, which are small beside the rest."""
    model = examples.model(name)
    with twice_differentiable(model):
        single = product_of(model)
        vector = vector_for(single)
        found = single(vector)
    model = model.double()
    with twice_differentiable(model):
        double = product_of(model)
        wanted = double(vector.double())
    sizes = [parameter.numel() for parameter in single.parameters]
    parts = zip(single.names, found.split(sizes), wanted.split(sizes), strict=True)
    for parameter, part, exact in parts:
        assert (part - exact).norm() <= 2e-5 * exact.norm() + 1e-9 * wanted.norm(), parameter


def tiny(name: str = "gpt2", width: int = 4):
    """A model of a few hundred parameters."""
    from transformers import GPT2Config, GPT2LMHeadModel

    assert name == "gpt2"
    config = GPT2Config(vocab_size=8, n_embd=width, n_layer=1, n_head=2, n_positions=12)
    with torch.random.fork_rng(devices=[]):
        torch.manual_seed(0)
        model = GPT2LMHeadModel(config).double()
        with torch.no_grad():
            for parameter in model.parameters():
                parameter += 0.2 * torch.randn_like(parameter)
    return model


TINY_BATCHES = [(x % 8, y % 8) for x, y in BATCHES]


@pytest.fixture(scope="module")
def hessian():
    """Of ``tiny()``, written out; the names of its parameters; how many entries each has."""
    model = tiny()
    with twice_differentiable(model):
        product = product_of(model, batches=TINY_BATCHES)
        found = explicit.explicit(product)
    return found, product.names, [parameter.numel() for parameter in product.parameters]


def test_hessian_is_that_of_autograd_and_symmetric(hessian):
    """Along random directions, in which every entry has its share."""
    found, *_ = hessian
    model = tiny()
    scale = np.abs(found).max()
    assert np.abs(found - found.T).max() < 1e-12 * scale
    random = torch.Generator().manual_seed(1)
    for vector in torch.randn((12, len(found)), generator=random, dtype=torch.float64):
        wanted = explicit.finite_difference(model, TINY_BATCHES, vector).numpy()
        assert np.abs(found @ vector.numpy() - wanted).max() < 1e-6 * scale


def test_gauss_newton_is_that_of_the_jacobian_and_never_negative():
    model = tiny()
    with twice_differentiable(model):
        found = explicit.explicit(product_of(model, "gauss_newton", batches=TINY_BATCHES))
    wanted = explicit.gauss_newton(model, TINY_BATCHES)
    assert np.abs(found - wanted).max() < 1e-12 * np.abs(wanted).max()
    assert np.linalg.eigvalsh(found).min() > -1e-12


def test_a_choice_of_parameters_is_a_block_of_the_whole(hessian):
    full, of_whole, sizes = hessian
    names = [name for name in of_whole if name.endswith("weight")][1:4]
    model = tiny()
    with twice_differentiable(model):
        block = explicit.explicit(product_of(model, names=names, batches=TINY_BATCHES))
    owner = np.repeat(of_whole, sizes)
    chosen = np.concatenate([np.flatnonzero(owner == name) for name in names])
    np.testing.assert_allclose(block, full[np.ix_(chosen, chosen)], rtol=0, atol=1e-13)


def test_batches_of_any_size_give_one_mean_and_are_reported():
    model = examples.model("neox").double()
    inputs, targets = (torch.cat(parts) for parts in zip(*BATCHES, strict=True))
    seen = []
    with twice_differentiable(model):
        split = product_of(model, report=seen.append)
        vector = vector_for(split)
        found = split(vector)
        whole = product_of(model, batches=[(inputs, targets)])(vector)
    assert error(found, whole) < 1e-6  # attention's softmax is taken in float32
    assert seen == [24, 24, 12]
    assert not split.equal_batches


def test_the_model_is_left_as_it_was():
    model = examples.model("llama").train()
    model.lm_head.eval()
    before = model.config._attn_implementation
    with twice_differentiable(model):
        assert not any(module.training for module in model.modules())
    assert model.training
    assert not model.lm_head.training
    assert model.config._attn_implementation == before != "eager"


def test_bad_input_is_refused_by_name():
    model = examples.model("gpt2")
    with pytest.raises(ValueError, match="no matrix 'fisher'"):
        product_of(model, "fisher")
    with pytest.raises(ValueError, match="at least one token"):
        product_of(model, batches=[])
    with pytest.raises(ValueError, match=r"shape \(\d+,\) is needed"):
        product_of(model)(torch.ones(3))
    model.get_parameter("transformer.ln_f.bias").requires_grad_(False)
    with pytest.raises(ValueError, match=r"transformer\.ln_f\.bias, and it does not"):
        product_of(model)
    with pytest.raises(ValueError, match="bfloat16"):
        product_of(model.bfloat16())


def test_a_product_that_overflows_is_refused():
    model = examples.model("gpt2")
    with torch.no_grad():
        model.get_parameter("transformer.wte.weight").mul_(1e30)
    product = product_of(model)
    with twice_differentiable(model), pytest.raises(ArithmeticError, match="hessian"):
        product(vector_for(product))
