"""Steps by column and by token frequency: less loss at the same bits than one step a row."""

import numpy as np
import pytest
import torch

from compute.base.setting import Setting
from compute.models.layout import Kind, Parameter
from compute.quantize.quantizers import Form, form_of, gptq_step, quantize, watersic
from compute.quantize.quantizers.damping import unit_upper_factor
from compute.quantize.quantizers.ldlq import order_of_columns
from compute.quantize.quantizers.tensors import column_factors
from tests.compute.helpers.examples import damped, layer, moment, proxy_loss
from tests.compute.quantize.quantizers.test_gptq_step import code_entropy_bits

SETTING = Setting("watersic", step=0.5)


def factors_of(hessian):
    """B and d in the order of rounding, and that order."""
    order = order_of_columns(hessian, act_order=True)
    return *unit_upper_factor(hessian[order][:, order], 0.01), order


def test_a_factor_is_a_power_of_the_fourth_root_of_two():
    steps = torch.arange(-128, 128).to(torch.int8)
    expected = 2.0 ** (steps.double() / 4)
    torch.testing.assert_close(column_factors(steps), expected, rtol=1e-15, atol=0.0)
    whole = torch.ldexp(torch.ones(64, dtype=torch.float64), steps[::4].int() // 4)
    assert torch.equal(column_factors(steps[::4]), whole)


def test_steps_are_inverse_to_the_root_of_the_loss_of_a_column():
    hessian = moment(64, decay=1.5)
    tensor = watersic.quantize(layer(200, 64), hessian, 0.5)
    _, losses, order = factors_of(hessian)
    wanted = -0.5 * losses.log2()
    found = tensor.column_steps.double()[order] / 4
    assert (found - (wanted - wanted.mean())).abs().max() <= 1 / 8 + 1e-9
    assert abs(found.mean()) <= 1 / 8


def test_codes_are_those_of_feedback_column_by_column():
    """A direct loop in the order of rounding: each column takes in the errors before it."""
    weight, hessian = layer(12, 20, seed=3), moment(20, decay=1.0, seed=4)
    tensor = watersic.quantize(weight, hessian, 0.9)
    factor, _, order = factors_of(hessian)
    steps = tensor.scales.double() * column_factors(tensor.column_steps)
    errors, w = torch.zeros(12, 20, dtype=torch.float64), weight.double()
    for place, column in enumerate(order.tolist()):
        target = w[:, column] + errors[:, :place] @ factor[:place, place]
        codes = (target / steps[:, column]).round()
        assert torch.equal(codes, tensor.codes[:, column].double())
        errors[:, place] = w[:, column] - codes * steps[:, column]
    torch.testing.assert_close(
        tensor.dequantize().double(), tensor.codes * steps, rtol=1e-6, atol=0
    )


def test_the_gain_over_one_step_a_row_is_that_of_theory():
    """At the same rate the loss falls by the arithmetic over the geometric mean of d: sum of
    s_i^2 d_i at a given sum of log s_i (section 7)."""
    weight, hessian = layer(3000, 64), moment(64, decay=2.0)
    ours, theirs = (
        watersic.quantize(weight, hessian, 0.25),
        gptq_step.quantize(weight, hessian, 0.25),
    )
    _, losses, _ = factors_of(hessian)
    bits = code_entropy_bits_by_column(theirs) - code_entropy_bits_by_column(ours)
    gain = np.log2(proxy_loss(theirs.dequantize() - weight, damped(hessian)))
    gain -= np.log2(proxy_loss(ours.dequantize() - weight, damped(hessian)))
    expected = torch.log2(losses.mean()) - losses.log2().mean()
    # A bit a weight quarters the loss; the row's size is another where columns are scaled.
    assert gain + 2 * bits == pytest.approx(expected.item(), abs=0.1)
    assert expected > 0.2


def code_entropy_bits_by_column(tensor) -> float:
    """Mean empirical entropy of the codes of a column, bits per weight."""
    found = []
    for column in tensor.codes.T:
        counts = np.unique(column, return_counts=True)[1]
        shares = counts / counts.sum()
        found.append(-(shares * np.log2(shares)).sum())
    return float(np.mean(found))


def test_rare_tokens_have_wider_steps_and_unused_ones_are_zero():
    values = layer(6, 400)
    frequencies = torch.tensor([0.64, 0.16, 0.16, 0.04, 0.0, 0.0], dtype=torch.float64)
    tensor = watersic.by_frequency(values, frequencies, 0.4)
    scales = tensor.scales.double()[:, 0]
    # A quarter of the frequency: 4^(1/4) times the step, to a quarter octave and bfloat16.
    assert torch.log2(scales[1] / scales[0]).item() == pytest.approx(0.5, abs=0.26)
    assert torch.log2(scales[3] / scales[0]).item() == pytest.approx(1.0, abs=0.26)
    assert scales[1] == scales[2]
    got = tensor.dequantize()
    assert torch.all(got[4:] == 0.0)
    error = (got - values)[:4].abs().amax(dim=1)
    assert torch.all(error <= 0.501 * scales[:4])


def test_less_weighted_loss_of_an_embedding_at_no_more_bits():
    """A coder has a table for rows of a size; their sizes are those of the tokens' steps."""
    values = layer(256, 400)
    shares = torch.arange(1, 257, dtype=torch.float64) ** -1.2
    shares /= shares.sum()
    ours, theirs = watersic.by_frequency(values, shares, 0.3), gptq_step.nearest(values, 0.15)

    def bits(tensor):
        return np.mean([code_entropy_bits(tensor.rows(slice(k, k + 1))) for k in range(256)])

    def loss(tensor):
        return ((tensor.dequantize() - values).square().sum(dim=1) * shares).sum().item()

    # By theory, the weighted over the geometric mean of squared steps, in bits of a squared step.
    gain = np.log2(loss(theirs) / loss(ours)) + 2 * (bits(theirs) - bits(ours))
    weights = (shares / shares.mean()) ** -0.5
    expected = weights.log2().mean() - (shares * weights).sum().log2()
    assert gain == pytest.approx(expected.item(), abs=0.15)
    assert gain > 0.3


def test_each_kind_of_parameter_has_its_form():
    linear = Parameter("layer", (8, 16), Kind.LINEAR)
    embedding = Parameter("embedding", (10, 8), Kind.EMBEDDING)
    vector = Parameter("norm", (64,), Kind.OTHER)
    forms = [form_of(parameter, SETTING) for parameter in (linear, embedding, vector)]
    assert forms == [Form.COLUMNS, Form.UNCLIPPED, Form.UNCLIPPED]
    assert quantize(linear, layer(8, 16), None, SETTING).column_steps.abs().max() == 0
    unknown = quantize(embedding, layer(10, 8), None, SETTING)
    assert torch.equal(unknown.codes, gptq_step.nearest(layer(10, 8), 0.5).codes)
    step = quantize(vector, layer(1, 64)[0], None, SETTING).scales.item()
    rms = layer(1, 64).square().mean().sqrt().item()
    assert abs(np.log2(step * 8 / rms)) <= 1 / 8 + 2.0**-8


@pytest.mark.parametrize("step", [0.0, -1.0, float("nan")])
def test_a_step_must_be_positive(step):
    with pytest.raises(ValueError, match="must be positive"):
        watersic.by_frequency(layer(4, 8), torch.ones(4), step)
    with pytest.raises(ValueError, match="must be positive"):
        watersic.quantize(layer(4, 8), moment(8), step)
