"""What is recorded about each quantized layer, against direct computations."""

import pytest
import torch

from compute.base.setting import Setting
from compute.models.layout import Kind, Parameter
from compute.quantize.layer_statistics import layer_statistics
from compute.quantize.quantizers import ACT_ORDER, WITHOUT_INPUTS, quantize
from compute.quantize.quantizers.tensors import column_factors
from tests.compute.helpers.examples import OF_LAYERS, damped, layer, moment, proxy_loss

ON_GRID = [s for s in OF_LAYERS if s.quantizer not in ("none", "cast")]


def statistics_of(weight, hessian, setting, kind=Kind.LINEAR):
    parameter = Parameter("layer.weight", tuple(weight.shape), kind)
    tensor = quantize(parameter, weight, hessian, setting)
    found = layer_statistics(parameter, weight, tensor, hessian, setting.quantizer in ACT_ORDER)
    return tensor, found


@pytest.mark.parametrize("setting", ON_GRID, ids=lambda s: s.slug)
def test_the_proxy_loss_is_the_mean_squared_error_of_the_output(setting):
    weight, inputs = layer(12, 20), layer(500, 20, seed=1) * torch.linspace(0.2, 2, 20)
    hessian = (inputs.double().T @ inputs.double()) / 500
    tensor, found = statistics_of(weight, hessian, setting)
    outputs = [inputs.double() @ w.double().T for w in (tensor.dequantize(), weight)]
    error = (outputs[0] - outputs[1]).square().sum(dim=1).mean().item()
    assert found.proxy_loss == pytest.approx(error, rel=1e-6)
    assert (found.rows, found.columns, found.kind) == (12, 20, "linear")
    assert found.trace_h == pytest.approx(inputs.double().square().sum().item() / 500, rel=1e-9)
    assert found.mean_squared_weight == pytest.approx(weight.square().mean().item(), rel=1e-6)


@pytest.mark.parametrize("setting", ON_GRID, ids=lambda s: s.slug)
def test_the_loss_of_rounding_is_that_on_the_same_grid(setting):
    weight, hessian = layer(40, 60), moment(60, decay=1.5)
    tensor, found = statistics_of(weight, hessian, setting)
    rounded = quantize(Parameter("layer.weight", (40, 60), Kind.LINEAR), weight, None, setting)
    if setting.quantizer == "watersic":  # without a Hessian it has the same step for all columns
        steps = tensor.scales.double() * column_factors(tensor.column_steps)
        expected = proxy_loss((weight / steps).round() * steps - weight, hessian)
    else:
        expected = proxy_loss(rounded.dequantize() - weight, hessian)
    assert found.rounding_proxy_loss == pytest.approx(expected, rel=1e-6)
    if setting.quantizer in WITHOUT_INPUTS:
        assert found.proxy_loss == pytest.approx(found.rounding_proxy_loss, rel=1e-12)
        assert found.damping is None
    else:
        assert found.proxy_loss < 0.9 * found.rounding_proxy_loss
        assert found.damping == tensor.damping == 0.01


@pytest.mark.parametrize(
    "setting",
    [
        Setting("ldlq", bits=8),
        Setting("gptq", bits=8),
        Setting("gptq_actorder", bits=8),
        Setting("ldlq_rotated", bits=8, quantizer_seed=0),
        Setting("gptq_step", step=0.3),
        Setting("watersic", step=0.3),
    ],
    ids=lambda s: s.slug,
)
@pytest.mark.parametrize("decay", [1.0, 2.5])
def test_predictions_come_true_where_their_assumptions_hold(setting, decay):
    """Weights uniform modulo the grid and next to nothing clipped, on flat and steep spectra."""
    weight, hessian = layer(1000, 64), moment(64, decay)
    _, found = statistics_of(weight, hessian, setting)
    # Squares of uniform errors vary by 0.9 of their mean, and at least 3000 of them count.  At the
    # ends of a clipped grid what is fed back may be clipped.
    tolerance = 0.03 if setting.step else 0.07
    assert found.proxy_loss == pytest.approx(found.predicted_proxy_loss, rel=tolerance)
    rounding = found.predicted_rounding_proxy_loss
    assert found.rounding_proxy_loss == pytest.approx(rounding, rel=tolerance)
    assert found.predicted_proxy_loss < 0.8 * found.predicted_rounding_proxy_loss


def test_traces_and_incoherence_of_known_spectra():
    setting = Setting("ldlq", bits=4)
    aligned = moment(16, decay=2.0, aligned=True)
    _, found = statistics_of(layer(8, 16), aligned, setting)
    assert found.trace_h == pytest.approx(sum(k**-2.0 for k in range(1, 17)), rel=1e-12)
    assert found.trace_sqrt_h == pytest.approx(sum(1 / k for k in range(1, 17)), rel=1e-12)
    assert found.incoherence == pytest.approx(4.0)  # sqrt(n): eigenvectors are coordinates
    hadamard = torch.ones(1, 1, dtype=torch.float64)
    for _ in range(4):
        hadamard = torch.kron(torch.tensor([[1.0, 1], [1, -1]]).double(), hadamard)
    vectors = hadamard / 4
    _, found = statistics_of(layer(8, 16), vectors @ aligned @ vectors, setting)
    assert found.incoherence == pytest.approx(1.0)


def test_rotation_makes_layer_and_hessian_incoherent_and_keeps_the_traces():
    weight, hessian = layer(32, 64), moment(64, decay=2.0, aligned=True)
    weight[3, 4] = 50.0
    _, plain = statistics_of(weight, hessian, Setting("ldlq", bits=4))
    _, rotated = statistics_of(weight, hessian, Setting("ldlq_rotated", bits=4, quantizer_seed=0))
    assert rotated.trace_h == pytest.approx(plain.trace_h, rel=1e-12)
    assert rotated.trace_sqrt_h == pytest.approx(plain.trace_sqrt_h, rel=1e-9)
    assert rotated.incoherence < 0.7 * plain.incoherence
    assert rotated.weight_incoherence < 0.2 * plain.weight_incoherence
    assert rotated.mean_squared_weight == plain.mean_squared_weight


def test_the_prediction_follows_the_order_of_columns_and_leaves_the_damping_out():
    weight, hessian = layer(10, 30), moment(30, decay=1.5)
    hessian = hessian * torch.outer(*[torch.linspace(0.1, 3.0, 30, dtype=torch.float64)] * 2)
    tensor, found = statistics_of(weight, hessian, Setting("gptq_step", step=0.5))
    order = torch.argsort(hessian.diagonal(), descending=True)
    ordered = hessian[order][:, order]
    # e = r B^-1 with independent residuals r, so E[e H e^T] = step^2/12 tr(B^-1 H B^-T); here
    # B^-1 comes from the inverse of the damped H = B D B^T, whose Cholesky factor is B^-T D^-1/2.
    root = torch.linalg.cholesky(torch.linalg.inv(damped(ordered)))
    inverse = (root / root.diagonal()).T
    trace = torch.trace(inverse @ ordered @ inverse.T).item()
    predicted = tensor.scales.double().square().sum().item() / 12 * trace
    assert found.predicted_proxy_loss == pytest.approx(predicted, rel=1e-9)


@pytest.mark.parametrize("setting", ON_GRID, ids=lambda s: s.slug)
def test_an_embedding_is_a_layer_with_one_hot_inputs(setting):
    values, frequencies = layer(10, 16), torch.arange(10, dtype=torch.float64) / 45
    tensor, found = statistics_of(values, frequencies, setting, Kind.EMBEDDING)
    error = (tensor.dequantize() - values).double()
    assert found.proxy_loss == pytest.approx((frequencies @ error.square()).sum().item(), rel=1e-6)
    assert found.proxy_loss == pytest.approx(found.rounding_proxy_loss, rel=1e-6)
    assert found.predicted_proxy_loss == found.predicted_rounding_proxy_loss
    assert found.trace_h == pytest.approx(1.0)
    assert found.trace_sqrt_h == pytest.approx(frequencies.sqrt().sum().item())
    assert (found.kind, found.damping) == ("embedding", None)


def test_entropy_and_clipped_share_of_known_codes():
    weight = torch.tensor([[0.0, 1.0, 2.0, 3.0], [0.0, 1.0, 2.0, 3.0]])
    _, found = statistics_of(weight, torch.eye(4), Setting("rtn", bits=2))
    assert found.weight_entropy_bits == pytest.approx(2.0)
    assert found.clipped_share == 0.5
    _, found = statistics_of(weight, torch.eye(4), Setting("gptq_step", step=0.5))
    assert found.clipped_share == 0.0
    _, found = statistics_of(torch.zeros(2, 3), torch.eye(3), Setting("rtn", bits=2))
    assert found.weight_entropy_bits == 0.0
    assert found.weight_incoherence == 0.0


@pytest.mark.parametrize("setting", ON_GRID, ids=lambda s: s.slug)
def test_inputs_that_are_always_zero_count_for_nothing(setting):
    weight, hessian = layer(10, 20), moment(20)
    hessian[5], hessian[:, 5] = 0.0, 0.0
    _, found = statistics_of(weight, hessian, setting)
    assert found.predicted_rounding_proxy_loss > found.predicted_proxy_loss > 0.0
    _, small = statistics_of(weight, hessian * 2.0**-20, setting)
    for name in ("proxy_loss", "rounding_proxy_loss", "predicted_proxy_loss"):
        assert getattr(small, name) == pytest.approx(getattr(found, name) * 2.0**-20, rel=1e-9)
    _, none = statistics_of(weight, torch.zeros(20, 20), setting)
    assert none.proxy_loss == none.trace_h == none.trace_sqrt_h == 0.0


@pytest.mark.parametrize("setting", ON_GRID, ids=lambda s: s.slug)
def test_inputs_that_are_always_zero_lose_nothing_and_are_expected_to(setting):
    _, found = statistics_of(layer(10, 20), torch.zeros(20, 20, dtype=torch.float64), setting)
    assert found.proxy_loss == found.predicted_proxy_loss == 0
    assert found.predicted_rounding_proxy_loss == 0
