"""Inputs of layers, block by block, against hooks on the whole model."""

import pytest
import torch
from torch import nn
from transformers.pytorch_utils import Conv1D

from compute.models.layout import Kind, layout, modules_of
from compute.quantize.calibration import layer_inputs, lookup_counts, trained_inputs
from tests.compute.helpers.examples import MODELS, VOCABULARY, batches, model


def linear_modules(of):
    return {m for m in of.modules() if isinstance(m, nn.Linear | Conv1D)}


@torch.inference_mode()
def direct_moment(of, module):
    """Mean of x x^T over the inputs of one module when the whole model runs."""
    seen = []
    handle = module.register_forward_pre_hook(
        lambda _, args: seen.append(args[0].flatten(0, 1).double())
    )
    for inputs in batches():
        of(inputs, use_cache=False)
    handle.remove()
    x = torch.cat(seen)
    return x.T @ x / len(x)


@pytest.mark.parametrize("name", MODELS)
@pytest.mark.parametrize("factor", [1.0, 0.8], ids=["unchanged", "changed"])
def test_moments_are_those_of_the_whole_model_as_it_is_then(name, factor):
    """Every layer is changed once it has been visited, so later ones see other inputs."""
    of = model(name)
    trained = {module: direct_moment(of, module) for module in linear_modules(of)}
    visited, moved = [], 0
    for inputs in layer_inputs(of, batches(), linear_modules(of)):
        expected = direct_moment(of, inputs.module)
        size = expected.diagonal().max().item()
        # Products in float32: relative errors of 1e-6 or so.
        torch.testing.assert_close(inputs.second_moment, expected, rtol=1e-5, atol=1e-5 * size)
        assert inputs.second_moment.dtype == torch.float64
        moved += not torch.allclose(expected, trained[inputs.module], rtol=1e-3)
        visited.append(inputs.module)
        with torch.no_grad():
            inputs.module.weight *= factor
    assert len(visited) == len(set(visited)) == len(linear_modules(of))
    # All but what the first block's attention (and of parallel blocks the MLP) begins with.
    assert moved == 0 if factor == 1.0 else moved >= len(visited) - 3


@pytest.mark.parametrize("name", MODELS)
def test_layers_are_visited_in_the_order_in_which_they_run(name):
    of, order = model(name), []
    handles = [
        m.register_forward_pre_hook(lambda m, _: order.append(m)) for m in linear_modules(of)
    ]
    of(batches()[0])
    for handle in handles:
        handle.remove()
    shares = []
    found = [i.module for i in layer_inputs(of, batches(), linear_modules(of), shares.append)]
    assert found == order
    assert shares == pytest.approx([(k + 1) / len(order) for k in range(len(order))])


def test_layers_that_are_given_the_same_tensor_share_one_moment():
    of = model("llama")
    seen = {i.module: i.second_moment for i in layer_inputs(of, batches(), linear_modules(of))}
    for block in of.model.layers:
        attention, mlp = block.self_attn, block.mlp
        assert seen[attention.q_proj] is seen[attention.k_proj] is seen[attention.v_proj]
        assert seen[mlp.gate_proj] is seen[mlp.up_proj]
        assert seen[mlp.gate_proj] is not seen[attention.q_proj]
        assert seen[mlp.down_proj] is not seen[attention.o_proj]


@pytest.mark.parametrize("name", MODELS)
def test_trained_inputs_are_those_before_anything_was_changed(name):
    """Layers are changed as soon as their inputs are there, and each block is run once."""
    of = model(name)
    expected = {module: direct_moment(of, module) for module in linear_modules(of)}
    block = next(m for m in of.modules() if isinstance(m, nn.ModuleList))[1]
    runs = []
    handle = block.register_forward_hook(lambda *_: runs.append(1))
    visited = []
    for shared in trained_inputs(of, batches(), linear_modules(of)):
        for module in shared.modules:
            visited.append(module)
            size = expected[module].diagonal().max().item()
            torch.testing.assert_close(
                shared.second_moment, expected[module], rtol=1e-5, atol=1e-5 * size
            )
            with torch.no_grad():
                module.weight *= 0.0
    handle.remove()
    assert {*visited} == linear_modules(of)
    assert len(visited) == len(expected)
    # Once for every batch, and a few times to find out the order of layers and what blocks return.
    assert len(runs) <= 3 * len(batches()) + 1


def test_only_the_layers_asked_for_are_visited_and_hooks_do_not_stay():
    of = model("llama")
    wanted = {of.model.layers[1].mlp.down_proj, of.lm_head}
    found = list(layer_inputs(of, batches(), wanted))
    assert [i.module for i in found] == [of.model.layers[1].mlp.down_proj, of.lm_head]
    for inputs in found:
        expected = direct_moment(of, inputs.module)
        torch.testing.assert_close(inputs.second_moment, expected, rtol=1e-5, atol=1e-5)
    assert not any(m._forward_pre_hooks or m._forward_hooks for m in of.modules())


def test_modules_that_never_run_are_not_visited():
    of = model("llama")
    unused = nn.Linear(3, 3)
    of.model.unused = unused
    assert unused not in {i.module for i in layer_inputs(of, batches(), linear_modules(of))}


@pytest.mark.parametrize("name", MODELS)
def test_lookup_counts_are_those_of_the_tokens(name):
    of = model(name)
    tokens = torch.cat([b.flatten() for b in batches()])
    embedding = of.get_input_embeddings()
    counts = lookup_counts(of, batches(), {embedding})[embedding]
    assert torch.equal(counts, torch.bincount(tokens, minlength=VOCABULARY))
    assert torch.all(counts[-3:] == 0)


def test_positions_are_counted_too_and_embeddings_that_are_not_used_left_out():
    of = model("gpt2")
    of.transformer.unused = nn.Embedding(4, 4)
    positions = of.transformer.wpe
    counts = lookup_counts(of, batches(), {positions, of.transformer.unused})
    assert set(counts) == {positions}
    assert torch.equal(counts[positions] > 0, torch.arange(32) < 24)  # windows are 24 long
    assert lookup_counts(of, batches(), set()) == {}


def test_layout_knows_kinds_ways_and_ties():
    parameters = {name: {p.name: p for p in layout(model(name))} for name in MODELS}
    gpt2 = parameters["gpt2"]
    assert gpt2["transformer.wte.weight"].kind == Kind.LINEAR  # tied: the output layer too
    assert gpt2["transformer.wpe.weight"].kind == Kind.EMBEDDING
    assert gpt2["transformer.h.0.attn.c_attn.weight"].transposed
    assert gpt2["transformer.h.0.attn.c_attn.weight"].matrix_shape == (48, 16)
    assert not gpt2["transformer.wte.weight"].transposed
    assert parameters["neox"]["gpt_neox.embed_in.weight"].kind == Kind.EMBEDDING
    assert parameters["neox"]["lm_head.weight"].kind == Kind.LINEAR
    llama = parameters["llama"]
    assert llama["model.layers.0.self_attn.k_proj.weight"].matrix_shape == (8, 16)
    assert llama["model.norm.weight"].kind == Kind.OTHER
    for name, found in parameters.items():
        of = model(name)
        assert list(found) == sorted(dict(of.named_parameters()))
        for parameter in found.values():
            values = of.get_parameter(parameter.name).detach()
            matrix = parameter.to_matrix(values)
            if values.ndim == 2:
                assert tuple(matrix.shape) == parameter.matrix_shape
            assert torch.equal(parameter.from_matrix(matrix), values)
    tied = modules_of(model("gpt2"), gpt2.values())["transformer.wte.weight"]
    assert len(tied) == 2
