"""auto-gptq's own GPTQ, made to round onto the grid that the other quantizers use."""

import sys

import pytest
import torch

from compute.quantize.quantizers import gptq, rtn
from compute.quantize.quantizers.grid import min_max_grid
from tests.compute.helpers.examples import layer, moment, proxy_loss


@pytest.mark.parametrize("act_order", [False, True])
@pytest.mark.parametrize("group_size", [None, 24, 64, 500])
def test_every_weight_lies_on_the_grid_that_rounding_uses(group_size, act_order):
    weight, hessian = layer(20, 150), moment(150)
    tensor = gptq.quantize(weight, hessian, 3, group_size, act_order=act_order)
    grid = min_max_grid(weight, 3, group_size)
    assert torch.equal(tensor.scales, grid.scales)
    assert torch.equal(tensor.zeros.double(), grid.zeros)
    assert int(tensor.codes.max()) < 8
    losses = [
        proxy_loss(t.dequantize() - weight, hessian)
        for t in (tensor, rtn.quantize(weight, None, 3, group_size))
    ]
    assert losses[0] < 0.7 * losses[1]


def test_the_scale_of_the_hessian_does_not_matter():
    weight, hessian = layer(20, 64), moment(64)
    codes = [gptq.quantize(weight, hessian * scale, 3).codes for scale in (2.0**-20, 1.0, 2.0**20)]
    assert torch.equal(codes[0], codes[1])
    assert torch.equal(codes[2], codes[1])


def test_act_order_helps_where_a_late_input_matters_most():
    weight, hessian = layer(50, 64), moment(64, decay=0.5)
    size = torch.ones(64, dtype=torch.float64)
    size[-4:] = 10.0
    hessian = hessian * torch.outer(size, size)
    losses = [
        proxy_loss(gptq.quantize(weight, hessian, 2, act_order=a).dequantize() - weight, hessian)
        for a in (True, False)
    ]
    assert losses[0] < losses[1]


def test_the_package_is_used_without_its_front_door():
    """``__init__`` requires CUDA kernels; other code must not find a package without it."""
    module = gptq._gptq_module()
    assert module.__name__ == "auto_gptq.quantization.gptq"
    assert not any(name.partition(".")[0] == "auto_gptq" for name in sys.modules)


def test_weights_that_auto_gptq_puts_elsewhere_are_refused(monkeypatch):
    module = gptq._gptq_module()
    original = module.GPTQ.fasterquant

    def off_grid(self, **options):
        original(self, **options)
        self.layer.weight.data[0, 0] += 1e-3

    monkeypatch.setattr(module.GPTQ, "fasterquant", off_grid)
    with pytest.raises(ValueError, match="not on the grid"):
        gptq.quantize(layer(3, 8), moment(8), 4)
