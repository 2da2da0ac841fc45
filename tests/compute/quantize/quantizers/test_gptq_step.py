"""Grid-step GPTQ: the unclipped grid that entropy coding is made for."""

import math

import numpy as np
import pytest
import torch

from compute.base.setting import Setting
from compute.models.layout import Kind, Parameter
from compute.quantize.quantizers import Form, form_of, gptq_step, ldlq, quantize
from compute.quantize.quantizers.damping import unit_upper_factor
from compute.quantize.quantizers.ldlq import order_of_columns
from tests.compute.helpers.examples import damped, layer, moment, proxy_loss

SETTING = Setting("gptq_step", step=0.5)


def code_entropy_bits(tensor) -> float:
    """Empirical entropy of the integer codes, bits per weight."""
    counts = np.unique(tensor.codes, return_counts=True)[1]
    shares = counts / counts.sum()
    return float(-(shares * np.log2(shares)).sum())


def test_the_proxy_loss_is_a_twelfth_of_the_squared_step_times_the_trace_of_d():
    """QuIP's constant (section 7), for weights uniform modulo the grid."""
    weight, hessian = layer(2000, 64), moment(64, decay=1.5)
    tensor = gptq_step.quantize(weight, hessian, 0.5)
    order = order_of_columns(hessian, act_order=True)
    _, diagonal = unit_upper_factor(hessian[order][:, order], 0.01)
    predicted = tensor.scales.double().square().sum().item() / 12 * diagonal.sum().item()
    found = proxy_loss(tensor.dequantize() - weight, damped(hessian))
    # e^2 of a uniform e has relative standard deviation 0.9; some 2000 * 10 of them count.
    assert found == pytest.approx(predicted, rel=0.03)


def test_fewer_bits_than_a_clipped_grid_at_the_same_proxy_loss():
    weight, hessian = layer(200, 64), moment(64, decay=1.5)
    clipped = ldlq.quantize(weight, hessian, 3)
    target = proxy_loss(clipped.dequantize() - weight, hessian)
    step = clipped.scales.double().mean().item()
    unclipped = gptq_step.quantize(weight, hessian, step)
    assert proxy_loss(unclipped.dequantize() - weight, hessian) <= target
    assert code_entropy_bits(unclipped) < 2.7


def test_halving_the_step_costs_one_bit_and_quarters_the_loss():
    """High-rate theory: entropy h(w) - log2(step), error step^2/12."""
    weight, hessian = layer(300, 64), moment(64)
    coarse, fine = (gptq_step.quantize(weight, hessian, step) for step in (0.5, 0.25))
    assert code_entropy_bits(fine) - code_entropy_bits(coarse) == pytest.approx(1.0, abs=0.05)
    losses = [proxy_loss(t.dequantize() - weight, hessian) for t in (coarse, fine)]
    assert losses[0] / losses[1] == pytest.approx(4.0, rel=0.1)
    gaussian = 0.5 * math.log2(2 * math.pi * math.e)
    # Feedback widens the distribution of what is rounded, and steps differ a little.
    assert code_entropy_bits(fine) == pytest.approx(gaussian + 2.0, abs=0.15)


def test_vectors_are_put_on_a_fine_grid_and_others_keep_them_raw():
    vector = Parameter("norm", (64,), Kind.OTHER)
    values = layer(1, 64)[0] + 1
    tensor = quantize(vector, values, None, SETTING)
    step = tensor.scales.float().item()
    assert torch.all((tensor.dequantize()[0] - values).abs() <= 0.501 * step)
    rms = values.square().mean().sqrt().item()
    # A 32nd of the root mean square, to an eighth of an octave (and bfloat16's 2**-9).
    assert abs(math.log2(step * 32 / rms)) <= 1 / 8 + 2.0**-8
    assert form_of(vector, Setting("gptq", bits=4)) == Form.RAW


def test_entries_that_are_never_looked_up_become_zero():
    embedding = Parameter("embedding", (10, 8), Kind.EMBEDDING)
    values = layer(10, 8)
    frequencies = torch.full((10,), 0.125, dtype=torch.float64)
    frequencies[[3, 7]] = 0.0
    got = quantize(embedding, values, frequencies, SETTING).dequantize()
    assert torch.all(got[[3, 7]] == 0.0)
    unknown = quantize(embedding, values, None, SETTING).dequantize()
    others = [0, 1, 2, 4, 5, 6, 8, 9]
    assert torch.equal(got[others], unknown[others])
    assert torch.any(unknown[[3, 7]] != 0.0)
