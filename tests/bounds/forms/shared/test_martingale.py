import math

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from bounds import (
    TokenLosses,
    loss_range_nats,
    loss_variation,
    s_grid,
    smooth_losses_nats,
    smoothing_weight,
)
from bounds.forms.shared.martingale import variation_at


def worked_example(c):
    """Section 12: D = 1000 losses -ln((k-0.5)/1000), Y = 1, V = 256, alpha = C/(1+C)."""
    losses = -np.log((np.arange(1, 1001) - 0.5) / 1000)
    alpha = smoothing_weight(c)
    smoothed = TokenLosses.of_tokens(smooth_losses_nats(losses, alpha, 256), np.ones(1000))
    return smoothed, loss_range_nats(alpha, 256)


@pytest.mark.parametrize(
    ("c", "mean", "loss_range", "sigma", "index", "bound"),
    [
        (0.1386294361, 1.1251430, 7.6509536, 0.2308312, 1000, 2.2717357),
        (0.001, 1.0006184, 12.4539322, 1.0609087, 524, 1.0466212),
    ],
)
def test_worked_example(c, mean, loss_range, sigma, index, bound):
    smoothed, delta = worked_example(c)
    got = loss_variation(smoothed, delta, c)
    assert smoothed.mean_loss_nats == pytest.approx(mean, abs=5e-8)
    assert delta == pytest.approx(loss_range, abs=5e-8)
    assert got.sigma_nats == pytest.approx(sigma, abs=5e-8)
    assert got.s == pytest.approx(index / 1001, abs=1e-15)
    total = smoothed.mean_loss_nats + delta * c + got.sigma_nats * math.sqrt(c)
    assert total == pytest.approx(bound, abs=5e-8)


def brute_force(smoothed, loss_range, c, grid_size):
    """Section 1 written out over the whole grid, independently of the package."""
    s = np.arange(1, grid_size + 1)[:, None] / (grid_size + 1)
    a = (smoothed.entropy_nats - smoothed.loss_nats) / loss_range
    v = s * a - np.log1p(s * a)  # (K, n)
    mean_v = (v * smoothed.tokens).sum(axis=1) / smoothed.tokens.sum()
    s = s[:, 0]
    root = math.sqrt(c)
    return (loss_range * root * (1 - s) / s + loss_range / root * mean_v / s).min()


@given(
    seed=st.integers(0, 2**32 - 1),
    size=st.integers(1, 200),
    scale=st.floats(0.01, 30),
    log_c=st.floats(math.log(1e-6), math.log(10.0)),
    grid_size=st.sampled_from([1, 2, 17, 1000]),
)
def test_search_equals_brute_force_in_both_regimes(seed, size, scale, log_c, grid_size):
    rng = np.random.default_rng(seed)
    c = math.exp(log_c)
    alpha = smoothing_weight(c)
    delta = loss_range_nats(alpha, 256)
    losses = smooth_losses_nats(rng.exponential(scale, size), alpha, 256)
    entropies = rng.uniform(0, math.log(256), size)
    smoothed = TokenLosses(losses, entropies, rng.integers(1, 100, size))
    got = loss_variation(smoothed, delta, c, grid_size)
    expected = brute_force(smoothed, delta, c, grid_size)
    assert got.sigma_nats == pytest.approx(expected, rel=1e-12)


def test_small_and_large_complexity_pick_opposite_ends():
    rng = np.random.default_rng(0)
    losses = rng.exponential(1.5, 5000)
    picked = []
    for c in (1e-4, 0.14):
        alpha = smoothing_weight(c)
        smoothed = TokenLosses.of_tokens(smooth_losses_nats(losses, alpha, 256), np.full(5000, 1.5))
        picked.append(loss_variation(smoothed, loss_range_nats(alpha, 256), c))
    assert picked[0].s < 0.5
    assert picked[1].s == s_grid()[-1]
    # With little complexity the whole excess is about sqrt(2C) times the rms of X - Y.
    c, alpha = 1e-4, smoothing_weight(1e-4)
    delta = loss_range_nats(alpha, 256)
    excess = delta * c + picked[0].sigma_nats * math.sqrt(c)
    rms = np.sqrt(np.mean((smooth_losses_nats(losses, alpha, 256) - 1.5) ** 2))
    assert excess == pytest.approx(math.sqrt(2 * c) * rms, rel=0.1)


def test_equal_form_of_the_theory():
    """Delta*C + Sigma*sqrt(C) + mean X is form (1) at lambda = s/Delta."""
    smoothed, delta = worked_example(0.01)
    c, s = 0.01, 0.3
    lam = s / delta
    y, x = smoothed.entropy_nats, smoothed.loss_nats
    form_1 = np.mean(y - np.log1p(lam * (y - x)) / lam) + c / lam
    sigma = variation_at(s, smoothed, delta, c)
    assert smoothed.mean_loss_nats + delta * c + sigma * math.sqrt(c) == pytest.approx(form_1)


def test_histogram_weights_equal_repeated_tokens():
    rng = np.random.default_rng(1)
    losses, entropies, counts = rng.uniform(0, 5, 30), rng.uniform(0, 5, 30), rng.integers(1, 9, 30)
    cells = TokenLosses(losses, entropies, counts)
    tokens = TokenLosses.of_tokens(np.repeat(losses, counts), np.repeat(entropies, counts))
    a, b = (loss_variation(t, 8.0, 0.02) for t in (cells, tokens))
    assert a.sigma_nats == pytest.approx(b.sigma_nats, rel=1e-12)


def test_losses_above_the_range_are_refused():
    losses = TokenLosses.of_tokens(np.array([9.0]), np.array([1.0]))
    with pytest.raises(ValueError, match="exceeds the loss range"):
        loss_variation(losses, 8.0, 0.1)
