import math

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from bounds import loss_range_nats, smooth_losses_nats, smoothing_cost_nats, smoothing_weight
from bounds.losses.smoothing import exact_smoothing_cost_nats

positive_c = st.floats(1e-8, 50.0)
vocabularies = st.integers(2, 10**6)


@given(c=positive_c)
def test_the_weight_minimises_the_price_of_smoothing(c):
    def price(alpha):
        return -math.log1p(-alpha) + c * math.log(1 / alpha)

    best = smoothing_weight(c)
    assert price(best) == pytest.approx(exact_smoothing_cost_nats(c), rel=1e-9)
    for factor in (0.9, 1.1):
        if 0 < best * factor < 1:
            assert price(best * factor) >= price(best) - 1e-12


@given(c=positive_c)
def test_the_closed_form_never_undercuts_the_exact_cost(c):
    assert smoothing_cost_nats(c) >= exact_smoothing_cost_nats(c)


@given(
    losses=st.lists(st.floats(0, 1e6), min_size=1, max_size=20),
    alpha=st.floats(1e-9, 1 - 1e-9),
    vocab=vocabularies,
)
def test_smoothed_losses_are_bounded_and_rise(losses, alpha, vocab):
    x = np.sort(np.array(losses))
    smoothed = smooth_losses_nats(x, alpha, vocab)
    assert np.all(smoothed <= loss_range_nats(alpha, vocab))
    assert np.all(smoothed <= x - math.log1p(-alpha) + 1e-9)
    assert np.all(np.diff(smoothed) >= -1e-12)
    # No token can be more likely than under certainty mixed with uniform.
    assert np.all(smoothed >= -math.log(1 - alpha + alpha / vocab) - 1e-9)


def test_against_the_probabilities_themselves():
    p = np.array([0.5, 0.01, 1e-12, 1.0])
    expected = -np.log(0.9 * p + 0.1 / 256)
    np.testing.assert_allclose(smooth_losses_nats(-np.log(p), 0.1, 256), expected, rtol=1e-12)


def test_an_impossible_token_costs_the_range():
    assert smooth_losses_nats(np.array([np.inf]), 0.1, 256)[0] == loss_range_nats(0.1, 256)


@pytest.mark.parametrize(("alpha", "vocab"), [(0.0, 256), (1.0, 256), (0.5, 1)])
def test_bad_arguments_are_refused(alpha, vocab):
    with pytest.raises(ValueError, match=r"alpha|vocab_size"):
        loss_range_nats(alpha, vocab)
