import math

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from scipy.stats import binom

from bounds.confidence import METHODS, upper_mean_betting, upper_mean_empirical_bernstein

both = pytest.mark.parametrize("method", METHODS.values(), ids=METHODS)


@both
@pytest.mark.parametrize(
    "draw",
    [
        lambda rng, size: (rng.random(size) < 0.1).astype(float),
        lambda rng, size: rng.beta(2, 8, size),
        lambda rng, size: (rng.random(size) < 0.004).astype(float),
        lambda rng, size: np.clip(rng.normal(0.5, 0.02, size), 0, 1),
    ],
    ids=["coin", "beta", "rare", "narrow"],
)
def test_the_mean_lies_above_as_rarely_as_claimed(method, draw):
    rng = np.random.default_rng(0)
    truth = draw(np.random.default_rng(1), 4_000_000).mean()
    for delta, size in ((0.2, 50), (0.05, 300)):
        missed = sum(method(draw(rng, size), delta) < truth - 2e-4 for _ in range(600))
        assert missed <= binom.ppf(1 - 1e-4, 600, delta)


@both
@given(seed=st.integers(0, 10**6), size=st.integers(2, 200), delta=st.floats(1e-9, 0.5))
def test_it_lies_between_the_mean_and_one_and_falls_with_delta(method, seed, size, delta):
    x = np.random.default_rng(seed).beta(1, 4, size)
    got = method(x, delta)
    assert x.mean() - 1e-9 <= got <= 1.0
    assert method(x, delta / 10) >= got - 1e-9


def test_empirical_bernstein_by_its_formula():
    x = np.random.default_rng(3).random(1000)
    log_term = math.log(2 / 0.01)
    spread = math.sqrt(2 * np.var(x, ddof=1) * log_term / 1000)
    expected = x.mean() + spread + 7 * log_term / (3 * 999)
    assert upper_mean_empirical_bernstein(x, 0.01) == pytest.approx(expected, rel=1e-12)


@pytest.mark.parametrize("size", [1024, 4096, 16384])
def test_betting_is_clearly_narrower_on_window_means(size):
    """Window means of a loss in an interval of 8 nats: narrow and far from the upper end."""
    x = np.clip(np.random.default_rng(4).normal(1.4, 0.35, size) / 8, 0, 1)
    betting = upper_mean_betting(x, 0.005) - x.mean()
    bernstein = upper_mean_empirical_bernstein(x, 0.005) - x.mean()
    assert 0 < betting < 0.75 * bernstein


def test_betting_against_a_step_by_step_gambler():
    """The same capital, bet by bet, for candidates on both sides of the returned bound."""
    x = np.random.default_rng(5).beta(2, 6, 120)
    delta = 0.05
    got = upper_mean_betting(x, delta)

    def ever_rich(candidate):
        capital, total, squares = 1.0, 0.0, 0.0
        for t, draw in enumerate(x, start=1):
            variance = 0.25 if t == 1 else (0.25 + squares) / t
            bet = math.sqrt(2 * math.log(1 / delta) / (len(x) * variance))
            capital *= 1 + min(bet, 0.75 / (1 - candidate)) * (candidate - draw)
            if capital >= 1 / delta:
                return True
            total += draw
            squares += (draw - (0.5 + total) / (t + 1)) ** 2
        return False

    assert ever_rich(got + 1e-9)
    assert not ever_rich(got - 1e-6)


@both
@pytest.mark.parametrize("draws", [[0.5], [0.5, 1.2], [-0.1, 0.5], [[0.1, 0.2]], [0.1, math.nan]])
def test_draws_outside_the_unit_interval_are_refused(method, draws):
    with pytest.raises(ValueError, match="draws"):
        method(np.array(draws), 0.05)
    with pytest.raises(ValueError, match="failure_probability"):
        method(np.array([0.1, 0.2]), 1.0)
