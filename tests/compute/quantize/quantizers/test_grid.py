"""Grids, and rounding to the nearest of their levels."""

import numpy as np
import pytest
import torch
from hypothesis import given
from hypothesis import strategies as st

from compute.quantize.quantizers import gptq_step, rtn
from compute.quantize.quantizers.grid import LARGEST_CODE, min_max_grid, unclipped_grid
from tests.compute.helpers.examples import layer


@given(
    seed=st.integers(0, 10**6),
    bits=st.integers(1, 8),
    rows=st.integers(1, 6),
    columns=st.integers(1, 40),
    group=st.one_of(st.none(), st.integers(1, 50)),
)
def test_rounding_errs_by_at_most_half_a_step(seed, bits, rows, columns, group):
    rng = np.random.default_rng(seed)
    weight = torch.from_numpy(rng.normal(0, 1, (rows, columns)))
    got = rtn.quantize(weight, None, bits, group)
    assert got.codes.shape == weight.shape
    assert int(got.codes.max()) < 2**bits
    assert int(got.zeros.max()) < 2**bits
    width = group or columns
    assert got.scales.shape == (rows, -(-columns // width))
    step = got.scales.double().repeat_interleave(width, 1)[:, :columns]
    # Half a step from rounding, another half from the zero point's own rounding at the ends,
    # and what bfloat16 took off the scale, at most 2**-8 of the range.
    slack = step * (1.0 + 2**bits * 2.0**-8)
    assert torch.all((got.dequantize().double() - weight).abs() <= slack + 1e-6)


def test_eight_bits_on_an_exact_grid_are_lossless():
    weight = torch.arange(-100, 156, dtype=torch.float64).reshape(1, -1) / 4
    got = rtn.quantize(weight, None, 8)
    torch.testing.assert_close(got.dequantize().double(), weight, rtol=0, atol=0)


def test_constant_zero_and_one_sided_rows():
    weight = torch.tensor([[0.0, 0, 0], [5, 5, 5], [-3, -1, -2]])
    got = rtn.quantize(weight, None, 4).dequantize()
    assert torch.equal(got[0], weight[0])
    assert torch.allclose(got, weight, atol=0.15)


def test_more_bits_never_hurt_by_much_and_two_bits_hurt():
    weight = torch.from_numpy(np.random.default_rng(0).normal(0, 1, (64, 64)))
    errors = [
        (rtn.quantize(weight, None, b).dequantize().double() - weight).square().mean()
        for b in (2, 3, 4, 8)
    ]
    assert errors == sorted(errors, reverse=True)
    # A uniform error of one step: variance step**2/12, step about the row's range over 255.
    steps = (weight.amax(1) - weight.amin(1)) / 255
    assert errors[-1] == pytest.approx((steps.square() / 12).mean().item(), rel=0.1)


@pytest.mark.parametrize("bits", [None, 0, 9])
def test_bits_out_of_range_are_named(bits):
    with pytest.raises(ValueError, match=f"bits={bits}"):
        rtn.quantize(torch.ones(2, 2), None, bits)


def test_group_sizes_below_one_are_named():
    with pytest.raises(ValueError, match="group_size=-3"):
        min_max_grid(torch.ones(2, 2), 4, -3)


@pytest.mark.parametrize("group", [7, 16, 40, 100])
def test_each_group_is_rounded_as_if_it_were_a_matrix_of_its_own(group):
    """Also the last one where groups do not divide the row, and a row shorter than a group."""
    weight = layer(5, 40)
    whole = rtn.quantize(weight, None, 3, group).dequantize()
    parts = [rtn.quantize(part, None, 3).dequantize() for part in weight.split(group, dim=1)]
    assert torch.equal(whole, torch.cat(parts, dim=1))


@pytest.mark.parametrize("bits", [1, 2, 8])
def test_zero_is_a_level_of_every_grid(bits):
    weight = layer(50, 9) + layer(50, 1, seed=1) * 3  # rows on one side of 0 among them
    weight[:, 4] = 0.0
    assert torch.all(rtn.quantize(weight, None, bits).dequantize()[:, 4] == 0.0)


@given(seed=st.integers(0, 10**6), step=st.floats(0.01, 10.0))
def test_an_unclipped_grid_errs_by_at_most_half_a_step_anywhere(seed, step):
    weight = torch.from_numpy(np.random.default_rng(seed).standard_cauchy((3, 20)))
    weight = weight.clamp(-100, 100)
    got = gptq_step.nearest(weight, step)
    assert got.zeros is None
    # float32 holds code * scale to 24 bits.
    slack = got.scales.double() * (0.5 + 2.0**-9)
    assert torch.all((got.dequantize().double() - weight).abs() <= slack)


def test_the_step_of_an_unclipped_grid_follows_the_row_to_an_eighth_of_an_octave():
    weight = layer(200, 64) * torch.exp(layer(200, 1, seed=1))
    scales = unclipped_grid(weight, 0.5).scales.double()
    rms = weight.double().square().mean(dim=1, keepdim=True).sqrt()
    off = (scales / (0.5 * rms)).log2().abs().max()
    assert off <= 1 / 8 + 2.0**-8  # rounding to bfloat16 adds 2**-9 relative
    # Quarter octaves: far fewer different scales than rows, over the 6 octaves that they span.
    assert len(scales.unique()) < 40


@pytest.mark.parametrize("step", [None, 0.0, -1.0, float("nan")])
def test_steps_that_are_not_positive_are_named(step):
    with pytest.raises(ValueError, match=f"step={step} must be positive"):
        unclipped_grid(torch.ones(2, 2), step)


def test_a_step_too_small_for_two_bytes_is_refused_with_advice():
    weight = torch.ones(1, 100)
    weight[0, 0] = 1000.0
    with pytest.raises(ValueError, match="at most 32767 can be stored; choose a larger step"):
        gptq_step.nearest(weight, 1e-4)
    largest = gptq_step.nearest(weight, 3e-4).codes.max()
    assert 0.9 * LARGEST_CODE < largest <= LARGEST_CODE


def test_a_row_of_zeros_is_zero_on_an_unclipped_grid():
    weight = layer(3, 8)
    weight[1] = 0.0
    got = gptq_step.nearest(weight, 0.5)
    assert torch.all(got.codes[1] == 0)
    assert torch.all(got.scales > 0)
