import dataclasses

import numpy as np
import pytest
import torch
from hypothesis import given
from hypothesis import strategies as st

from compute import language_model
from compute.codes import stored
from compute.quantizers import quantize_parameters, rtn
from compute.setting import UNQUANTIZED, Setting
from compute.suites.ladder import load_ladder

SETTINGS = [
    UNQUANTIZED,
    Setting("cast", bits=16),
    *(Setting("rtn", bits=b) for b in (2, 3, 4, 8)),
    Setting("rtn", bits=3, group_size=5),
]


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


@pytest.mark.parametrize("setting", SETTINGS, ids=lambda s: s.slug)
def test_the_file_restores_every_weight_bit_for_bit(setting):
    model = language_model.build(load_ladder("tiny").models[1])
    parameters = language_model.parameters_by_name(model)
    tensors = quantize_parameters(parameters, setting)
    code = stored.encode(tensors, setting)
    decoded = stored.decode(code, {name: tuple(p.shape) for name, p in parameters.items()})
    assert list(decoded) == sorted(parameters)
    for name, tensor in tensors.items():
        assert torch.equal(decoded[name], tensor.dequantize()), name
    # Nothing is forgotten and nothing padded but the last byte of each packed run.
    exact = sum(tensor.stored_bits for tensor in tensors.values())
    assert 0 <= 8 * (len(code) - 14) - exact < 16 * len(tensors)
    if setting == UNQUANTIZED:
        assert all(torch.equal(decoded[name], p) for name, p in parameters.items())


def test_damaged_files_are_refused():
    setting = Setting("rtn", bits=4)
    model = language_model.build(load_ladder("tiny").models[0])
    parameters = language_model.parameters_by_name(model)
    shapes = {name: tuple(p.shape) for name, p in parameters.items()}
    code = stored.encode(quantize_parameters(parameters, setting), setting)
    with pytest.raises(ValueError, match="announces"):
        stored.decode(code[:-1], shapes)
    with pytest.raises(ValueError, match="at least"):
        stored.decode(code[:5], shapes)
    with pytest.raises(ValueError, match="quantizer number"):
        stored.decode(b"\xff" + code[1:], shapes)
    with pytest.raises(ValueError, match=r"architecture needs|ends inside"):
        stored.decode(code, dict(list(shapes.items())[:-1]))


def test_weights_that_are_not_finite_are_named():
    parameters = {"w": torch.tensor([[1.0, float("nan")]])}
    with pytest.raises(ValueError, match="parameter w holds values"):
        quantize_parameters(parameters, Setting("rtn", bits=4))


def test_unknown_quantizers_and_bits_are_named():
    with pytest.raises(ValueError, match="quantizer='guess'"):
        Setting("guess")
    with pytest.raises(ValueError, match="bits=99"):
        Setting("rtn", bits=99)
    with pytest.raises(ValueError, match="'ldlq' is not implemented"):
        quantize_parameters({}, Setting("ldlq", bits=4))
    assert dataclasses.replace(SETTINGS[-1], step=0.5).slug == "rtn-b3-g5-step0.5"
