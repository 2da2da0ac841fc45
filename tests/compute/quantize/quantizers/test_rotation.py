"""The seeded rotations: orthogonal, exactly undone, the same for ever."""

import hashlib
import math

import pytest
import torch

from compute.base.setting import Setting
from compute.models.layout import Kind, Parameter, layout
from compute.quantize.quantizers import ldlq, ldlq_rotated, rotation_of
from compute.quantize.quantizers.damping import unit_upper_factor
from compute.quantize.quantizers.rotation import Rotation
from tests.compute.helpers.examples import damped, layer, model, moment, proxy_loss

SIZES = [1, 2, 3, 64, 96, 97]


@pytest.mark.parametrize("columns", SIZES)
@pytest.mark.parametrize("rows", [1, 3, 32, 97])
def test_rotations_are_orthogonal_and_undone_by_their_inverse(rows, columns):
    rotation = Rotation(0, "layer")
    weight = layer(rows, columns).double()
    rotated = rotation.matrix(weight)
    assert rotated.shape == weight.shape
    torch.testing.assert_close(rotation.inverse(rotated), weight, rtol=0, atol=1e-12)
    torch.testing.assert_close(
        rotation.matrix(rotation.inverse(weight)), weight, rtol=0, atol=1e-12
    )
    only_columns = Rotation(0, "layer", rows=False).matrix(torch.eye(columns, dtype=torch.float64))
    torch.testing.assert_close(
        only_columns @ only_columns.T, torch.eye(columns).double(), rtol=0, atol=1e-12
    )
    # U W V^T has the singular values of W.
    torch.testing.assert_close(
        torch.linalg.svdvals(rotated), torch.linalg.svdvals(weight), rtol=0, atol=1e-12
    )


@pytest.mark.parametrize("columns", SIZES)
def test_the_proxy_loss_is_the_same_before_and_after(columns):
    rotation = Rotation(5, "layer")
    weight, error = layer(6, columns).double(), 0.1 * layer(6, columns, seed=1).double()
    hessian = moment(columns)
    seen = rotation.hessian(hessian)
    torch.testing.assert_close(seen, seen.T, rtol=0, atol=1e-14)
    rotated_error = rotation.matrix(weight + error) - rotation.matrix(weight)
    assert proxy_loss(rotated_error, seen) == pytest.approx(proxy_loss(error, hessian), rel=1e-10)


def test_the_seed_and_the_name_make_the_rotation():
    weight = layer(20, 33).double()
    first = Rotation(1, "a").matrix(weight)
    assert torch.equal(first, Rotation(1, "a").matrix(weight))
    for other in (Rotation(2, "a"), Rotation(1, "b"), Rotation(1, "a", rows=False)):
        assert not torch.allclose(first, other.matrix(weight))


def test_a_rotation_is_the_same_bits_on_every_machine():
    """Files written once must decode for ever: a fixed matrix has a fixed digest."""
    weight = torch.arange(5 * 7, dtype=torch.float64).reshape(5, 7)
    rotated = Rotation(3, "model.layer.weight").matrix(weight)
    digest = hashlib.sha256(rotated.numpy().tobytes()).hexdigest()
    assert digest == "224fd818b1d8686a31870d99cada40a8e1700b66ef0445e1199bfd42e2744f69"


def test_rows_that_are_tokens_are_not_mixed():
    setting = Setting("ldlq_rotated", bits=4, quantizer_seed=0)
    inner = Parameter("w", (8, 8), Kind.LINEAR)
    assert rotation_of(inner, setting).rows
    for kind in (Kind.LINEAR, Kind.EMBEDDING):
        assert not rotation_of(Parameter("w", (8, 8), kind, per_token=True), setting).rows
    assert rotation_of(Parameter("w", (8,), Kind.OTHER), setting) is None
    assert rotation_of(inner, Setting("ldlq", bits=4)) is None
    of = {p.name: p for p in layout(model("gpt2"))}
    assert of["transformer.wte.weight"].per_token
    assert not of["transformer.h.0.mlp.c_fc.weight"].per_token
    assert {p.name for p in layout(model("neox")) if p.per_token} == {
        "gpt_neox.embed_in.weight",
        "lm_head.weight",
    }


@pytest.mark.parametrize("columns", [64, 96])
def test_rotation_lowers_the_loss_where_the_hessian_decays_along_the_coordinates(columns):
    """Without a rotation D is H itself; with one, tr(D) <= (mu^2/n) tr(sqrt(H))^2 (section 7)."""
    hessian = moment(columns, decay=2.0, aligned=True)
    rotation = Rotation(0, "layer")
    _, plain = unit_upper_factor(hessian, 0.01)
    assert plain.sum().item() == pytest.approx(damped(hessian).trace().item(), rel=1e-12)
    seen = rotation.hessian(hessian)
    _, spread = unit_upper_factor(seen, 0.01)
    values, vectors = torch.linalg.eigh(damped(seen))
    mu = math.sqrt(columns) * vectors.abs().max().item()
    assert spread.sum().item() <= mu**2 / columns * values.sqrt().sum().item() ** 2 * (1 + 1e-9)
    assert spread.sum() < 0.5 * plain.sum()
    weight = layer(64, columns)
    rotated = ldlq_rotated.quantize(weight, hessian, 4, rotation=rotation)
    straight = ldlq.quantize(weight, hessian, 4)
    losses = [proxy_loss(t.dequantize() - weight, hessian) for t in (rotated, straight)]
    assert losses[0] < 0.6 * losses[1]


def test_rotation_spreads_outliers():
    weight = torch.zeros(32, 64, dtype=torch.float64)
    weight[3, 5] = 1.0
    rotated = Rotation(0, "layer").matrix(weight)
    # Both sizes are powers of two: every entry is the same but for its sign.
    torch.testing.assert_close(rotated.abs(), torch.full_like(rotated, (32 * 64) ** -0.5))
