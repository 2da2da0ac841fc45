"""Layers and Hessians that are degenerate or damaged, through every quantizer."""

import dataclasses
import re

import pytest
import torch

from compute.base.setting import UNQUANTIZED, Setting
from compute.models.layout import Kind, Parameter
from compute.quantize.quantizers import (
    WITHOUT_INPUTS,
    gptq,
    gptq_step,
    ldlq,
    quantize,
    rtn,
)
from compute.quantize.quantizers.damping import DAMPINGS, with_damping
from tests.compute.helpers.examples import OF_LAYERS, SETTINGS, layer, moment

ON_GRID = [s for s in OF_LAYERS if s.quantizer not in ("none", "cast")]
WITH_HESSIAN = [s for s in ON_GRID if s.quantizer not in WITHOUT_INPUTS]
NOT_ROTATED = [s for s in WITH_HESSIAN if s.quantizer != "ldlq_rotated"]


def slug(setting):
    return setting.slug


def linear(rows, columns):
    return Parameter("block.weight", (rows, columns), Kind.LINEAR)


def with_eigenvalue(value, columns=24):
    """A symmetric matrix of mean diagonal 1 with one eigenvalue ``value``, the others equal."""
    vector = torch.full((columns, 1), columns**-0.5, dtype=torch.float64)
    rest = (columns - value) / (columns - 1)
    return rest * torch.eye(columns, dtype=torch.float64) + (value - rest) * vector @ vector.T


@pytest.mark.parametrize("setting", SETTINGS, ids=slug)
@pytest.mark.parametrize("bad", [float("nan"), float("inf")])
def test_a_weight_that_is_not_finite_is_refused(setting, bad):
    weight = layer(6, 8)
    weight[2, 3] = bad
    with pytest.raises(ValueError, match="holds values that are not finite"):
        quantize(linear(6, 8), weight, moment(8), setting)


@pytest.mark.parametrize("setting", SETTINGS, ids=slug)
def test_inputs_that_are_not_finite_are_refused(setting):
    hessian = moment(8)
    hessian[1, 2] = float("nan")
    with pytest.raises(ValueError, match="inputs are not finite during calibration"):
        quantize(linear(6, 8), layer(6, 8), hessian, setting)


@pytest.mark.parametrize("setting", ON_GRID, ids=slug)
@pytest.mark.parametrize("shape", [(1, 1), (1, 9), (9, 1), (3, 5)])
def test_any_shape_can_be_quantized_and_many_levels_come_near(setting, shape):
    """Also layers that are smaller than a group."""
    weight = layer(*shape)
    finer = {"step": setting.step / 16} if setting.step else {"bits": 8}
    fine = dataclasses.replace(setting, **finer)
    got = quantize(linear(*shape), weight, moment(shape[1]), fine).dequantize()
    assert got.shape == weight.shape
    # 8 bits over a range of about 4 that includes 0, or a sixteenth of a coarse step.
    assert (got - weight).norm() <= 0.05 * weight.norm()


@pytest.mark.parametrize("setting", NOT_ROTATED, ids=slug)
def test_zero_and_constant_rows_stay_what_they_are(setting):
    weight = layer(4, 12)
    weight[1], weight[2] = 0.0, -0.75
    hessian = torch.eye(12, dtype=torch.float64)  # no errors are fed back into these rows
    got = quantize(linear(4, 12), weight, hessian, setting)
    assert torch.all(got.dequantize()[1] == 0.0)
    # bfloat16 scales have 8 digits; the step grid has its zero but not its constant as a level.
    half_a_step = got.scales[2, 0].item() / 2 if setting.step else 0.0
    assert torch.all((got.dequantize()[2] + 0.75).abs() <= 0.75 * 2.0**-8 + half_a_step)


def test_zero_rows_stay_zero_under_rotation_of_all_zeros():
    setting = Setting("ldlq_rotated", bits=3, quantizer_seed=0)
    got = quantize(linear(4, 12), torch.zeros(4, 12), moment(12), setting)
    assert torch.all(got.dequantize() == 0.0)


@pytest.mark.parametrize("setting", NOT_ROTATED, ids=slug)
def test_weights_of_inputs_that_are_always_zero_become_zero(setting):
    weight, hessian = layer(10, 20), moment(20)
    dead = torch.zeros(20, dtype=torch.bool)
    dead[[0, 7, 19]] = True
    hessian[dead], hessian[:, dead] = 0.0, 0.0
    weight[:, 7] *= 100  # nor may a dead weight stretch the grid of the others
    got = quantize(linear(10, 20), weight, hessian, setting).dequantize()
    assert torch.all(got[:, dead] == 0.0)
    alive = quantize(linear(10, 20), torch.where(dead, 0.0, weight), hessian, setting).dequantize()
    assert torch.equal(got, alive)


@pytest.mark.parametrize("setting", NOT_ROTATED, ids=slug)
def test_a_layer_whose_inputs_are_all_zero_becomes_zero(setting):
    got = quantize(linear(3, 5), layer(3, 5), torch.zeros(5, 5), setting)
    assert torch.all(got.dequantize() == 0.0)


@pytest.mark.parametrize("setting", WITH_HESSIAN, ids=slug)
def test_the_size_of_the_inputs_does_not_matter_even_where_some_are_always_zero(setting):
    weight, hessian = layer(10, 20), moment(20)
    hessian[4], hessian[:, 4] = 0.0, 0.0
    first, second = (
        quantize(linear(10, 20), weight, hessian * scale, setting) for scale in (1.0, 2.0**-20)
    )
    assert torch.equal(first.codes, second.codes)


@pytest.mark.parametrize("setting", NOT_ROTATED, ids=slug)
def test_inputs_that_are_always_zero_do_not_change_how_the_others_are_rounded(setting):
    whole_setting = alone_setting = dataclasses.replace(setting, group_size=None)
    weight, hessian = layer(10, 20), moment(20)
    alive = torch.arange(20) >= 10
    hessian[~alive], hessian[:, ~alive] = 0.0, 0.0
    if setting.step:  # zeros count in the root mean square of a row: half of them, half an octave
        alone_setting = dataclasses.replace(setting, step=setting.step * 0.5**0.5)
    whole = quantize(linear(10, 20), weight, hessian, whole_setting)
    alone = quantize(linear(10, 10), weight[:, alive], hessian[alive][:, alive], alone_setting)
    assert torch.equal(whole.scales, alone.scales)
    assert torch.equal(whole.codes[:, alive], alone.codes)


@pytest.mark.parametrize("setting", WITH_HESSIAN, ids=slug)
def test_a_hessian_of_rank_one_needs_no_more_than_the_first_damping(setting):
    x = layer(1, 30, seed=5).double()
    got = quantize(linear(8, 30), layer(8, 30), x.T @ x, setting)
    assert got.damping == DAMPINGS[0]
    assert torch.isfinite(got.dequantize()).all()


@pytest.mark.parametrize("setting", WITH_HESSIAN, ids=slug)
@pytest.mark.parametrize(("eigenvalue", "damping"), [(-0.02, 0.03), (-0.2, 0.3), (-0.9, 1.0)])
def test_more_damping_where_the_hessian_is_not_positive_and_the_tensor_says_so(
    setting, eigenvalue, damping
):
    got = quantize(linear(8, 24), layer(8, 24), with_eigenvalue(eigenvalue), setting)
    assert got.damping == damping
    assert torch.isfinite(got.dequantize()).all()


@pytest.mark.parametrize("setting", WITH_HESSIAN, ids=slug)
def test_a_hessian_that_no_damping_helps_is_refused(setting):
    with pytest.raises(ValueError, match="no Cholesky factor, even with 1 times its mean"):
        quantize(linear(8, 24), layer(8, 24), with_eigenvalue(-2.0), setting)


def test_only_a_missing_factor_asks_for_more_damping():
    def broken(_share):
        raise RuntimeError("out of memory")

    with pytest.raises(RuntimeError, match="out of memory"):
        with_damping(broken)


@pytest.mark.parametrize("setting", ON_GRID, ids=slug)
def test_a_layer_that_never_ran_is_rounded_to_nearest(setting):
    """Each quantizer on its own grid; all clipped ones without rotation on the same."""
    weight = layer(12, 30)
    got = quantize(linear(12, 30), weight, None, setting)
    if setting.step:
        assert torch.equal(got.codes, gptq_step.nearest(weight, setting.step).codes)
    elif setting.quantizer == "ldlq_rotated":
        rotated = got.rotation.matrix(weight.double())
        nearest = rtn.quantize(rotated, None, setting.bits, setting.group_size)
        assert torch.equal(got.codes, nearest.codes)
    else:
        nearest = rtn.quantize(weight, None, setting.bits, setting.group_size)
        assert torch.equal(got.codes, nearest.codes)


def test_what_is_given_is_left_as_it_was():
    weight, hessian = layer(10, 20), moment(20)
    hessian[3], hessian[:, 3] = 0.0, 0.0
    before = weight.clone(), hessian.clone()
    for setting in SETTINGS:
        quantize(linear(10, 20), weight, hessian, setting)
    assert torch.equal(weight, before[0])
    assert torch.equal(hessian, before[1])


@pytest.mark.parametrize("module", [gptq, ldlq])
@pytest.mark.parametrize("bits", [0, 9, None])
def test_bits_out_of_range_are_named_by_quantizers_with_feedback(module, bits):
    with pytest.raises(ValueError, match=f"bits={bits} must be between 1 and 8"):
        module.quantize(layer(2, 3), moment(3), bits)


def test_unquantized_and_cast_keep_what_they_are_given():
    weight = layer(4, 6)
    assert torch.equal(quantize(linear(4, 6), weight, None, UNQUANTIZED).dequantize(), weight)
    cast = quantize(linear(4, 6), weight, None, Setting("cast", bits=16))
    assert torch.equal(cast.dequantize(), weight.bfloat16().float())


@pytest.mark.parametrize("setting", NOT_ROTATED, ids=slug)
def test_rows_are_rounded_independently_of_each_other(setting):
    """Also where a layer has a single row, whose transpose lies in memory as it does itself."""
    weight, hessian = layer(5, 40), moment(40)
    whole = quantize(linear(5, 40), weight, hessian, setting).codes
    for k in range(5):
        alone = quantize(linear(1, 40), weight[k : k + 1], hessian, setting).codes
        assert torch.equal(alone[0], whole[k])


@pytest.mark.parametrize("step", [1e-300, 1e300])
def test_a_step_that_no_scale_can_hold_is_refused_by_name(step):
    with pytest.raises(ValueError, match=re.escape(f"step={step}")):
        quantize(linear(3, 8), layer(3, 8), moment(8), Setting("gptq_step", step=step))
