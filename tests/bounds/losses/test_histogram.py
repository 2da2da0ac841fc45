import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from bounds import LossBins, TokenLosses, bin_losses
from bounds.losses.histogram import merge_histograms

BINS = LossBins()


@given(st.lists(st.floats(0, 1e5), min_size=1, max_size=50))
def test_losses_are_never_rounded_down_and_by_less_than_a_bin(losses):
    x = np.array(losses)
    index = BINS.loss_bins(x)
    edges = BINS.upper_edges(index)
    assert np.all(edges >= x)
    width = BINS.first_width_nats + BINS.growth * edges
    assert np.all(edges - x <= width)


def test_edges_are_their_own_bins():
    index = np.arange(5000)
    np.testing.assert_array_equal(BINS.loss_bins(BINS.upper_edges(index)), index)


@pytest.mark.parametrize("mean", [0.5, 1.3, 2.5, 5.0])
def test_rounding_up_costs_less_than_five_thousandths(mean):
    x = np.random.default_rng(0).exponential(mean, 200_000)
    cost = (BINS.upper_edges(BINS.loss_bins(x)) - x).mean()
    assert 0 < cost < 0.005


@given(seed=st.integers(0, 2**32 - 1), size=st.integers(1, 300))
def test_a_histogram_keeps_every_token_and_bounds_the_mean(seed, size):
    rng = np.random.default_rng(seed)
    tokens = TokenLosses.of_tokens(rng.exponential(1.5, size), rng.uniform(0, 5.5, size))
    cells = bin_losses(tokens)
    assert cells.total_tokens == size
    assert cells.mean_loss_nats >= tokens.mean_loss_nats - 1e-12
    entropy_shift = abs(cells.mean(cells.entropy_nats) - tokens.mean(tokens.entropy_nats))
    assert entropy_shift <= BINS.entropy_width_nats / 2


def test_merging_parts_equals_binning_the_whole():
    rng = np.random.default_rng(3)
    loss, entropy = rng.exponential(1.5, 4000), rng.uniform(0, 5.5, 4000)
    whole = bin_losses(TokenLosses.of_tokens(loss, entropy))
    parts = [
        bin_losses(TokenLosses.of_tokens(loss[i : i + 700], entropy[i : i + 700]))
        for i in range(0, 4000, 700)
    ]
    merged = merge_histograms(parts)
    for name in ("loss_nats", "entropy_nats", "tokens"):
        np.testing.assert_array_equal(getattr(merged, name), getattr(whole, name))


@given(st.floats(0.0, 200.0))
def test_a_loss_lies_between_the_edges_of_its_bin(loss):
    bins = LossBins()
    upper = bins.upper_edges(bins.loss_bins(np.array([loss])))
    lower = bins.lower_edges(upper)
    assert lower[0] - 1e-12 <= loss <= upper[0]
    assert upper[0] - lower[0] <= bins.first_width_nats + bins.growth * upper[0]
