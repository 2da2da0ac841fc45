import math

import numpy as np
import pytest

from bounds import TokenLosses
from bounds.forms.azuma import azuma_bound
from bounds.forms.empirical_bernstein import empirical_bernstein_bound
from bounds.forms.freedman import freedman_bound
from bounds.losses.smoothing import loss_interval_nats, loss_range_nats, smooth_losses_nats

RNG = np.random.default_rng(0)
LOSSES = TokenLosses.of_tokens(RNG.exponential(1.4, 5000), RNG.uniform(0, 5, 5000))
ARGUMENTS = {
    "code_bits": 1000.0,
    "train_tokens": 5000,
    "vocab_size": 256,
    "failure_probability": 0.05,
}
C = (1000 * math.log(2) + math.log(20)) / 5000


def test_the_interval_is_that_of_lotfi_et_al():
    low, high = loss_interval_nats(0.1, 256)
    assert high - low == pytest.approx(math.log(1 + 0.9 * 256 / 0.1))
    assert low == pytest.approx(-math.log(0.9 + 0.1 / 256))


def test_azuma_by_its_formula():
    got = azuma_bound(1.0, LOSSES, 0.1, **ARGUMENTS)
    mean = smooth_losses_nats(LOSSES.loss_nats, 0.1, 256).mean()
    width = math.log(1 + 0.9 * 256 / 0.1)
    assert got.total_nats == pytest.approx(mean + width * math.sqrt(C / 2))


def test_freedman_by_its_formula_and_with_the_trivial_variance():
    mean = smooth_losses_nats(LOSSES.loss_nats, 0.1, 256).mean()
    width = math.log(1 + 0.9 * 256 / 0.1)
    got = freedman_bound(1.0, LOSSES, 0.1, 2.0, **ARGUMENTS)
    assert got.total_nats == pytest.approx(mean + math.sqrt(4 * C) + width * C / 3)
    trivial = freedman_bound(1.0, LOSSES, 0.1, **ARGUMENTS)
    assert trivial.total_nats > azuma_bound(1.0, LOSSES, 0.1, **ARGUMENTS).total_nats
    with pytest.raises(ValueError, match="variance"):
        freedman_bound(1.0, LOSSES, 0.1, -1.0, **ARGUMENTS)


def test_empirical_bernstein_by_brute_force():
    got = empirical_bernstein_bound(1.0, LOSSES, **ARGUMENTS)
    c = C + math.log(1000) / 5000
    alpha = c / (1 + c)
    delta = loss_range_nats(alpha, 256)
    x = smooth_losses_nats(LOSSES.loss_nats, alpha, 256)
    square = np.mean(((LOSSES.entropy_nats - x) / delta) ** 2)
    expected = min(
        x.mean() + delta * ((-math.log(1 - s) - s) * square + c) / s
        for s in np.arange(1, 1001) / 1001
    )
    assert got.total_nats == pytest.approx(expected, rel=1e-12)


def test_the_lemma_behind_empirical_bernstein():
    a = np.linspace(-1, 5, 2001)
    for s in (0.01, 0.3, 0.9, 0.999):
        psi = -math.log(1 - s) - s
        assert np.all(np.exp(s * a - psi * a**2) <= 1 + s * a + 1e-12)
