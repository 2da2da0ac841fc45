import dataclasses
import math

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from bounds import TokenLosses, bin_losses, four_term_bound

ADDENDS = {
    "training_loss_nats",
    "complexity_nats",
    "loss_variation_nats",
    "smoothing_nats",
    "quantization_gap_nats",
}


def losses(seed, size, mean=1.4, vocab=256):
    rng = np.random.default_rng(seed)
    return TokenLosses.of_tokens(rng.exponential(mean, size), rng.uniform(0, math.log(vocab), size))


def bound(seed=0, size=2000, bits_per_token=0.2, delta=0.05, **changes):
    arguments = {
        "code_bits": bits_per_token * size,
        "train_tokens": size,
        "vocab_size": 256,
        "failure_probability": delta,
    }
    plain, rounded = losses(seed, size), losses(seed, size, mean=1.5)
    return four_term_bound(plain.mean_loss_nats, rounded, **(arguments | changes))


@given(
    seed=st.integers(0, 10**6),
    bits_per_token=st.floats(0.01, 2.0),
    delta=st.floats(1e-12, 0.5),
)
def test_terms_sum_to_the_total(seed, bits_per_token, delta):
    got = bound(seed, bits_per_token=bits_per_token, delta=delta)
    terms = [f.name for f in dataclasses.fields(got) if f.name in ADDENDS]
    assert got.total_nats == pytest.approx(sum(getattr(got, t) for t in terms), abs=1e-12)
    assert got.total_nats > got.training_loss_nats + got.quantization_gap_nats


def test_each_term_by_its_definition():
    got = bound(bits_per_token=0.2, delta=0.05)
    c = 0.2 * math.log(2) + math.log(1000 / 0.05) / 2000
    assert got.complexity_per_token.total_nats == pytest.approx(c)
    assert got.complexity_nats == pytest.approx(c * math.log(256))
    assert got.smoothing_nats == pytest.approx(math.sqrt(2 * c))
    assert got.alpha == pytest.approx(c / (1 + c))
    assert got.loss_range_nats == pytest.approx(math.log(256 * (1 + c) / c))
    assert got.loss_variation_nats == pytest.approx(got.parameters["sigma_nats"] * math.sqrt(c))


@given(seed=st.integers(0, 10**6), bits_per_token=st.floats(0.001, 1.0))
def test_the_histogram_never_gives_a_smaller_bound(seed, bits_per_token):
    """Rounding losses up only raises the bound: at equal entropies, term by term."""
    plain, rounded = losses(seed, 500), losses(seed, 500, mean=1.5)
    entropies = np.round(rounded.entropy_nats / 0.25) * 0.25 + 0.125  # each a bin's middle
    tokens = TokenLosses.of_tokens(rounded.loss_nats, entropies)
    shared = {
        "code_bits": 500 * bits_per_token,
        "train_tokens": 500,
        "vocab_size": 256,
        "failure_probability": 0.05,
    }
    exact = four_term_bound(plain.mean_loss_nats, tokens, **shared)
    binned = four_term_bound(plain.mean_loss_nats, bin_losses(tokens), **shared)
    assert binned.total_nats >= exact.total_nats - 1e-9
    assert binned.total_nats <= exact.total_nats + 0.01


def test_it_falls_with_delta_and_rises_with_the_code():
    assert bound(delta=0.5).total_nats < bound(delta=1e-12).total_nats
    assert bound(bits_per_token=0.1).total_nats < bound(bits_per_token=0.2).total_nats


def test_losses_that_do_not_cover_the_training_set_are_refused():
    with pytest.raises(ValueError, match="cover 2000 tokens, but the training set has 2001"):
        bound(train_tokens=2001)
