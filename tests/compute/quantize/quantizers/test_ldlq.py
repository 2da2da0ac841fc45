"""Rounding with error feedback against an independent GPTQ, exhaustive search and theory."""

import itertools

import numpy as np
import pytest
import torch

from compute.quantize.quantizers import gptq, gptq_step, ldlq, rtn
from compute.quantize.quantizers.damping import unit_upper_factor
from compute.quantize.quantizers.grid import min_max_grid, unclipped_grid
from compute.quantize.quantizers.ldlq import round_with_feedback
from tests.compute.helpers.examples import damped, layer, moment, proxy_loss


def assert_alike(ours, theirs, weight, hessian):
    """The same codes but for ties that float32 breaks otherwise, or the same loss."""
    assert torch.equal(ours.scales, theirs.scales)
    assert torch.equal(ours.zeros, theirs.zeros)
    assert ours.damping == theirs.damping
    share = (ours.codes == theirs.codes).double().mean().item()
    losses = [proxy_loss(t.dequantize() - weight, hessian) for t in (ours, theirs)]
    # One other code changes all that are rounded after it in its row, but not how good they are.
    assert share >= 0.999 or losses[0] == pytest.approx(losses[1], rel=1e-3), (share, losses)


@pytest.mark.parametrize("bits", [2, 3, 4, 8])
@pytest.mark.parametrize("group_size", [None, 32, 24])
def test_ldlq_is_gptq(bits, group_size):
    """The equivalence that QuIP proves (Chee et al. 2023, theorem 6), on auto-gptq's code."""
    weight, hessian = layer(48, 200), moment(200, decay=1.0)
    ours = ldlq.quantize(weight, hessian, bits, group_size)
    theirs = gptq.quantize(weight, hessian, bits, group_size)
    assert_alike(ours, theirs, weight, hessian)


@pytest.mark.parametrize("group_size", [None, 24])
def test_in_act_order_too(group_size):
    weight = layer(48, 200)
    hessian = moment(200) * torch.outer(*[torch.linspace(0.2, 2.0, 200, dtype=torch.float64)] * 2)
    ours = round_with_feedback(
        weight, hessian, lambda rows, _: min_max_grid(rows, 3, group_size), act_order=True
    )
    theirs = gptq.quantize(weight, hessian, 3, group_size, act_order=True)
    assert_alike(ours, theirs, weight, hessian)
    in_place = ldlq.quantize(weight, hessian, 3, group_size)
    assert not torch.equal(ours.codes, in_place.codes)


def test_the_factor_gives_the_damped_hessian_back():
    hessian = moment(60, decay=2.0)
    factor, diagonal = unit_upper_factor(hessian, 0.01)
    torch.testing.assert_close(
        factor @ torch.diag(diagonal) @ factor.T, damped(hessian), rtol=0, atol=1e-14
    )
    assert torch.equal(factor, factor.triu())
    assert torch.all(factor.diagonal() == 1.0)


def test_feedback_leaves_half_a_step_in_every_bracket_of_the_proxy_loss():
    """e H e^T = sum d_k (e_k + sum_{j<k} e_j B_jk)^2, and without clipping no bracket is larger
    than half a step: what rounding with feedback is for."""
    weight, hessian = layer(20, 150).double(), moment(150, decay=1.5)
    tensor = round_with_feedback(weight, hessian, lambda rows, _: unclipped_grid(rows, 0.8))
    error = weight - tensor.dequantize().double()
    factor, diagonal = unit_upper_factor(hessian, 0.01)
    brackets = error @ factor
    assert (brackets.square() * diagonal).sum().item() == pytest.approx(
        proxy_loss(error, damped(hessian)), rel=1e-10
    )
    half = tensor.scales.double() / 2
    assert torch.all(brackets.abs() <= half + 1e-6)  # dequantized values are float32
    nearest = weight - gptq_step.nearest(weight, 0.8).dequantize().double()
    assert torch.any((nearest @ factor).abs() > 2 * half)


def every_rounding(tensor):
    """All matrices on the grid of a tensor of one row: (choices, columns), float64."""
    columns = tensor.codes.shape[1]
    levels = torch.arange(2**tensor.bits, dtype=torch.float64) - tensor.zeros.double().item()
    choices = torch.tensor(list(itertools.product(levels.tolist(), repeat=columns)))
    return choices.double() * tensor.scales.double().item()


@pytest.mark.parametrize("columns", [2, 3, 4])
def test_against_exhaustive_search_on_rows_of_few_weights(columns):
    over_best, over_nearest = [], []
    for seed in range(60):
        weight = layer(1, columns, seed)
        x = layer(columns + 1, columns, seed + 1000).double()
        hessian = x.T @ x
        tensor = ldlq.quantize(weight, hessian, 2)
        errors = every_rounding(tensor) - weight.double()
        exact = damped(hessian)
        best = torch.einsum("ci,ij,cj->c", errors, exact, errors).min().item()
        found = proxy_loss(tensor.dequantize() - weight, exact)
        nearest = proxy_loss(rtn.quantize(weight, None, 2).dequantize() - weight, exact)
        assert found >= best * (1 - 1e-6)
        if columns == 2:  # the first bracket is the same, the second as small as it can be
            assert found <= nearest * (1 + 1e-6)
        over_best.append(found / best)
        over_nearest.append(found / nearest)
    # Geometric means.  A greedy choice is not the best one, and with so few weights there is
    # little to feed back; on average it lies nearer to the best one than rounding does.
    assert np.exp(np.mean(np.log(over_best))) < 1.25
    assert np.exp(np.mean(np.log(over_nearest))) < 0.97


@pytest.mark.parametrize("group_size", [None, 24])
def test_without_correlations_every_quantizer_rounds_to_nearest(group_size):
    weight, hessian = layer(16, 64), moment(64, aligned=True).flip(0, 1)
    nearest = rtn.quantize(weight, None, 3, group_size).codes
    for tensor in (
        ldlq.quantize(weight, hessian, 3, group_size),
        gptq.quantize(weight, hessian, 3, group_size),
        gptq.quantize(weight, hessian, 3, group_size, act_order=True),
    ):
        assert torch.equal(tensor.codes, nearest)
    step = gptq_step.quantize(weight, hessian, 0.7)
    assert torch.equal(step.codes, gptq_step.nearest(weight, 0.7).codes)


def test_feedback_beats_rounding_where_inputs_are_correlated():
    weight, hessian = layer(64, 96), moment(96, decay=1.5)
    losses = {
        "ldlq": ldlq.quantize(weight, hessian, 3),
        "nearest": rtn.quantize(weight, None, 3),
    }
    losses = {k: proxy_loss(t.dequantize() - weight, hessian) for k, t in losses.items()}
    assert losses["ldlq"] < 0.5 * losses["nearest"]


@pytest.mark.parametrize("columns", [1, 15, 16, 17, 33])
def test_splitting_the_columns_changes_no_code(columns, monkeypatch):
    weight, hessian = layer(12, columns), moment(columns)
    split = ldlq.quantize(weight, hessian, 3).codes
    monkeypatch.setattr("compute.quantize.quantizers.ldlq.NARROW", 10**6)
    assert torch.equal(ldlq.quantize(weight, hessian, 3).codes, split)
