"""Mixtures of experts: products with their curvature, and what these take."""

import pytest
import torch
from torch.utils.flop_counter import FlopCounterMode
from transformers import MixtralConfig, MixtralForCausalLM, Qwen2MoeConfig, Qwen2MoeForCausalLM

from compute.base.memory import Memory
from compute.models.curvature import footprint as footprints
from compute.models.curvature.footprint import Counted, NotFollowedError, footprint
from compute.models.curvature.forecast import forecast
from compute.models.curvature.products import CurvatureProduct, twice_differentiable
from compute.suites.curvature_point import CurvaturePoint
from schema import MATRICES
from tests.compute.helpers import examples
from tests.compute.models.curvature import explicit

SHAPE = {
    "vocab_size": examples.VOCABULARY,
    "hidden_size": 16,
    "intermediate_size": 24,
    "num_hidden_layers": 2,
    "num_attention_heads": 4,
    "num_key_value_heads": 2,
    "num_experts_per_tok": 2,
    "max_position_embeddings": 32,
}


def mixtral():
    return MixtralForCausalLM(MixtralConfig(num_local_experts=4, **SHAPE))


def qwen2_moe():
    own = {"moe_intermediate_size": 12, "shared_expert_intermediate_size": 24, "num_experts": 8}
    return Qwen2MoeForCausalLM(Qwen2MoeConfig(**SHAPE, **own))


MODELS = pytest.mark.parametrize("make", [mixtral, qwen2_moe])


def seeded(make):
    with torch.random.fork_rng(devices=[]):
        torch.manual_seed(0)
        return make().eval()


@MODELS
def test_the_hessian_agrees_with_forward_over_reverse(make):
    model, batches = seeded(make), explicit.windows()
    before = model.config._experts_implementation
    with twice_differentiable(model):
        product = CurvatureProduct(model, lambda: batches, "hessian")
        vector = torch.randn(product.size, generator=torch.Generator().manual_seed(0))
        found = product(vector)
    assert model.config._experts_implementation == before
    wanted = explicit.forward_over_reverse(model, batches, vector)
    assert (found - wanted).norm() < 1e-5 * wanted.norm()


@MODELS
@pytest.mark.parametrize("matrix", MATRICES)
def test_what_a_product_takes_is_counted_although_nobody_knows_the_experts_chosen(make, matrix):
    model = seeded(make)
    ids = torch.randint(0, examples.VOCABULARY, (4, 24), generator=torch.Generator().manual_seed(1))
    with twice_differentiable(model):
        product = CurvatureProduct(model, lambda: [(ids, ids)], matrix)
        with Counted() as memory, FlopCounterMode(display=False) as arithmetic:
            for _ in product.parts(torch.ones(product.size)):
                pass
    counted = footprint(model.config, (4, 24), matrix)
    assert counted.flops == arithmetic.get_total_flops()
    assert counted.batch_bytes == pytest.approx(memory.peak, rel=0.02)


def test_a_model_that_cannot_be_followed_is_left_out_with_the_reason(monkeypatch):
    monkeypatch.setattr(footprints, "deal_out_evenly", lambda model: None)  # so the loop is taken
    monkeypatch.setattr(footprints, "_found", {})
    config = mixtral().config
    with pytest.raises(NotFollowedError):
        footprint(config, (1, 24), "hessian")
    found = forecast(config, 24, CurvaturePoint(), Memory("cpu", 2**34, 0))
    assert found.fit is None
    assert found.flops == 0
    assert "products of mixtral with the hessian matrix cannot be followed" in found.reason
    assert "\n" not in found.reason
