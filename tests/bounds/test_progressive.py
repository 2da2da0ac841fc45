"""Progressive validation against learners whose risk on the way is known, and a broken one."""

import math

import numpy as np
import pytest
from scipy.stats import binom

from bounds import (
    ControlGrid,
    TokenLosses,
    bin_losses,
    chosen_geometric_bound,
)
from bounds.progressive import RECIPE_BITS, progressive_bound
from tests.bounds.markov import MarkovSource

pytestmark = pytest.mark.slow

VOCAB = 24
LENGTH, BATCH = 1200, 40

#: One control, so that nothing is paid for its choice and the bound is as sharp as it can be.
ONE = ControlGrid(alphas=(0.05,), offsets=(1.0,), slopes=(0.5,))
GRIDS = {"chosen": None, "fixed": ONE}


@pytest.fixture(scope="module")
def source():
    return MarkovSource(np.random.default_rng(3).dirichlet(np.full(VOCAB, 0.5), size=VOCAB))


def transitions(source, rng):
    """Transitions of each batch of one text, shape (batches, V, V)."""
    cumulative, state = source.transitions.cumsum(axis=1), int(rng.integers(VOCAB))
    found = np.zeros((LENGTH // BATCH, VOCAB, VOCAB))
    for k, draw in enumerate(rng.random(LENGTH)):
        following = min(int((draw > cumulative[state]).sum()), VOCAB - 1)
        found[k // BATCH, state, following] += 1
        state = following
    return found


def learned(found, trained_first):
    """Predictions at each batch by add-1/4 counts of the batches before it, shape (batches, V, V);
    the broken learner's counts hold the batch itself too."""
    seen = found.cumsum(axis=0)
    counts = 0.25 + (seen if trained_first else seen - found)
    return counts / counts.sum(axis=2, keepdims=True)


def violations(source, grid, delta, runs, trained_first=False):
    """Texts on which the bound lies below the mean true risk of the smoothed models on the way."""
    rng, violated = np.random.default_rng(1), 0
    for _ in range(runs):
        found = transitions(source, rng)
        predictions = learned(found, trained_first)
        entropies = -(predictions * np.log(predictions)).sum(axis=2, keepdims=True)
        here = found > 0
        losses = TokenLosses(
            -np.log(predictions[here]),
            np.broadcast_to(entropies, found.shape)[here],
            found[here],
        )
        got = progressive_bound(
            losses.mean_loss_nats,
            losses,
            train_tokens=LENGTH,
            vocab_size=VOCAB,
            failure_probability=delta,
            recipe_bits=1e-9,
            grid=grid,
        )
        mixed = -np.log((1 - got.alpha) * predictions + got.alpha / VOCAB)
        expected = (source.transitions * mixed).sum(axis=2)  # (batches, V), by context
        risk = (found.sum(axis=2) * expected).sum() / LENGTH
        violated += risk > got.total_nats
    return violated


@pytest.mark.parametrize("grid", GRIDS)
@pytest.mark.parametrize("delta", [0.5, 0.05])
def test_it_holds_for_a_learner_that_scores_before_it_trains(source, grid, delta):
    runs = 120
    assert violations(source, GRIDS[grid], delta, runs) <= binom.ppf(1 - 1e-4, runs, delta)


@pytest.mark.parametrize("grid", GRIDS)
def test_a_learner_that_trains_before_it_scores_is_found_out(source, grid):
    runs, delta = 60, 0.05
    got = violations(source, GRIDS[grid], delta, runs, trained_first=True)
    assert got > binom.ppf(1 - 1e-4, runs, delta)


ARGUMENTS = {"train_tokens": 4000, "vocab_size": 256, "failure_probability": 0.05}


@pytest.fixture(scope="module")
def losses():
    rng = np.random.default_rng(8)
    return TokenLosses.of_tokens(rng.gamma(2.0, 0.8, 4000), rng.gamma(4.0, 0.4, 4000))


def test_it_is_the_geometric_form_with_no_code(losses):
    mean = losses.mean_loss_nats
    got = progressive_bound(mean, losses, **ARGUMENTS, recipe_bits=0.0)
    bits = ControlGrid().choice_bits
    assert got.complexity_per_token.total_nats == pytest.approx(
        (bits * math.log(2) + math.log(1 / 0.05)) / 4000, rel=1e-12
    )
    same = chosen_geometric_bound(mean, losses, code_bits=1e-12, **ARGUMENTS)
    assert got.total_nats == pytest.approx(same.total_nats, abs=1e-9)
    assert got.gap_nats == got.total_nats - mean
    assert (got.form, got.quantization_gap_nats) == ("progressive", 0.0)


def test_the_recipe_is_paid_for(losses):
    free, paid = (
        progressive_bound(0.0, losses, **ARGUMENTS, recipe_bits=bits) for bits in (0.0, RECIPE_BITS)
    )
    assert paid.total_nats > free.total_nats
    assert paid.complexity_per_token.code_nats - free.complexity_per_token.code_nats == (
        pytest.approx(RECIPE_BITS * math.log(2) / 4000, rel=1e-9)
    )
    for bad in (-1.0, math.nan):
        with pytest.raises(ValueError, match="recipe_bits"):
            progressive_bound(0.0, losses, **ARGUMENTS, recipe_bits=bad)


def test_the_histogram_costs_little_and_never_too_little(losses):
    grid = ONE
    exact = progressive_bound(0.0, losses, **ARGUMENTS, grid=grid).total_nats
    binned = progressive_bound(0.0, bin_losses(losses), **ARGUMENTS, grid=grid).total_nats
    assert exact <= binned + 1e-2  # entropies move to the middle of their bin, either way
    same_entropy = TokenLosses(losses.loss_nats, np.full(4000, 1.125), losses.tokens)
    exact, binned = (
        progressive_bound(0.0, x, **ARGUMENTS, grid=grid).total_nats
        for x in (same_entropy, bin_losses(same_entropy))
    )
    assert exact <= binned <= exact + 0.006


def test_losses_must_cover_every_token(losses):
    with pytest.raises(ValueError, match="cover 4000 tokens"):
        progressive_bound(0.0, losses, **(ARGUMENTS | {"train_tokens": 4001}))
