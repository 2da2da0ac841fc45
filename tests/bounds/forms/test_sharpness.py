"""Sources that push each inequality to its limit, so that a constant that is too small shows.

On ordinary sources the bounds have room to spare, and a forgotten ln(1/delta) would go unnoticed.
Here a source flips coins whose losses sit at the two ends of the smoothed range, watches the very
capital that the proof of an inequality bounds, and stops as soon as it reaches 1/delta; from then
on every loss meets its conditional mean.  That is lawful, its risk is known exactly, and it makes
the bound fail with a probability close to delta.
"""

import math

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from scipy.stats import binom

from bounds import (
    Control,
    TokenLosses,
    four_term_bound,
    geometric_bound,
    loss_variation,
    measured_smoothing_bound,
)
from bounds.codes.complexity import complexity
from bounds.forms.azuma import azuma_bound
from bounds.forms.empirical_bernstein import empirical_bernstein_bound
from bounds.forms.freedman import freedman_bound
from bounds.losses.smoothing import loss_interval_nats

DELTA, LENGTH, RUNS = 0.1, 2000, 600
ALPHA, VOCAB = 0.05, 2
LOW, HIGH = loss_interval_nats(ALPHA, VOCAB)
MIDDLE = (LOW + HIGH) / 2
NO_CODE = 1e-9


def most_allowed(delta=DELTA, runs=RUNS) -> int:
    return int(binom.ppf(1 - 1e-4, runs, delta))


def stopped_coins(log_gain_low, log_gain_high, threshold, coins=1, seed=0):
    """Heads and tails of fair coins that stop once their log capital reaches the threshold.

    Returns counts of (low, high) losses, shape (runs, coins, 2); the rest of the run is at rest.
    """
    rng = np.random.default_rng(seed)
    high = rng.random((RUNS, coins, LENGTH)) < 0.5
    capital = np.cumsum(np.where(high, log_gain_high, log_gain_low), axis=2)
    ahead = capital >= threshold
    stop = np.where(ahead.any(axis=2), ahead.argmax(axis=2), LENGTH - 1)
    highs = np.take_along_axis(np.cumsum(high, axis=2), stop[..., None], axis=2)[..., 0]
    return np.stack([stop + 1 - highs, highs], axis=2)


def run_losses(lows, highs) -> tuple[TokenLosses, float]:
    """Losses of one run with the coin's mean as entropy, and its true smoothed risk.

    At rest the model is uniform: its loss is ln 2 whatever comes, and so is its entropy.
    """
    rest = LENGTH - lows - highs
    counts = np.array([lows, highs, rest], dtype=float)
    losses = np.array([0.0, 1e6, math.log(2)])  # certain, impossible, uniform
    entropies = np.array([MIDDLE, MIDDLE, math.log(2)])
    seen = counts > 0
    risk = ((lows + highs) * MIDDLE + rest * math.log(2)) / LENGTH
    return TokenLosses(losses[seen], entropies[seen], counts[seen]), risk


def arguments(delta, code_bits=NO_CODE):
    return {
        "code_bits": code_bits,
        "train_tokens": LENGTH,
        "vocab_size": VOCAB,
        "failure_probability": delta,
    }


# --- the geometric form, W constant: Z is W - X, and its mean is the same in both phases if W moves
# with the phase: the control W = offset*Delta + H has W - E[X] = offset*Delta throughout.
CONTROL = Control(alpha=ALPHA, offset=1.0, slope=1.0)


def geometric_violations(delta_paid, coins=1, code_bits=NO_CODE) -> int:
    slack = CONTROL.offset * HIGH
    gains = np.log((slack + MIDDLE - np.array([LOW, HIGH])) / slack)
    threshold = code_bits * math.log(2) + math.log(1 / delta_paid)
    violated = 0
    for run in stopped_coins(*gains, threshold, coins):
        found = False
        for lows, highs in run:
            losses, risk = run_losses(lows, highs)
            got = geometric_bound(1.0, losses, CONTROL, **arguments(delta_paid, code_bits))
            found |= got.total_nats < risk - 1e-12
        violated += found
    return violated


# --- form (1) at a single s = 1/2, on losses 0, 1 (and 1/2 at rest) with Y = 1/2 and Delta = 1.
def form_1_violations(delta_paid, coins=1, code_bits=NO_CODE) -> int:
    c = complexity(code_bits, LENGTH, delta_paid, grid_size=1).total_nats
    violated = 0
    for run in stopped_coins(math.log1p(0.25), math.log1p(-0.25), c * LENGTH, coins, seed=1):
        found = False
        for lows, highs in run:
            counts = np.array([lows, highs, LENGTH - lows - highs], dtype=float)
            seen = counts > 0
            losses = TokenLosses(
                np.array([0.0, 1.0, 0.5])[seen], np.full(seen.sum(), 0.5), counts[seen]
            )
            sigma = loss_variation(losses, 1.0, c, grid_size=1).sigma_nats
            found |= losses.mean_loss_nats + c + sigma * math.sqrt(c) < 0.5 - 1e-12
        violated += found
    return violated


@pytest.mark.parametrize("violations", [geometric_violations, form_1_violations])
@pytest.mark.slow
class TestStoppedCoins:
    def test_the_bound_holds_and_is_nearly_reached(self, violations):
        assert 0.5 * DELTA * RUNS < violations(DELTA) <= most_allowed()

    def test_paying_for_half_the_confidence_is_found_out(self, violations):
        assert violations(math.sqrt(DELTA)) > most_allowed()

    def test_a_code_that_names_eight_models_must_be_paid_for(self, violations):
        assert violations(DELTA, coins=8, code_bits=3.0) <= most_allowed()
        assert violations(DELTA, coins=8) > most_allowed()


def final_violations(bound, delta=0.01) -> int:
    """Without stopping: fair coins to the end, bound against the known risk."""
    rng = np.random.default_rng(2)
    highs = rng.binomial(LENGTH, 0.5, 4000)
    values, counts = np.unique(highs, return_counts=True)
    violated = 0
    for high, count in zip(values, counts, strict=True):
        losses, risk = run_losses(LENGTH - high, high)
        violated += count * (bound(losses, arguments(delta)) < risk)
    return violated


@pytest.mark.parametrize("name", ["azuma", "freedman with its variance known"])
def test_sub_gaussian_forms_hold_and_half_of_them_does_not(name):
    variance = ((HIGH - LOW) / 2) ** 2  # of a fair coin between the ends: known exactly

    def form(losses, shared):
        if name == "azuma":
            return azuma_bound(1.0, losses, ALPHA, **shared)
        return freedman_bound(1.0, losses, ALPHA, variance, **shared)

    def whole(losses, shared):
        return form(losses, shared).total_nats

    def half(losses, shared):
        got = form(losses, shared)
        return got.total_nats - 0.5 * (got.complexity_nats + got.loss_variation_nats)

    allowed = int(binom.ppf(1 - 1e-4, 4000, 0.01))
    assert final_violations(whole) <= allowed
    assert final_violations(half) > allowed


def test_empirical_bernstein_without_its_square_is_found_out():
    """Stopped coins again, with the capital that a vanished psi(s) would promise."""
    allowed, violated = most_allowed(), 0
    for ((lows, highs),) in stopped_coins(0.25, -0.25, math.log(1 / DELTA), seed=3):
        counts = np.array([lows, highs, LENGTH - lows - highs], dtype=float)
        mean = float(counts @ np.array([0.0, 1.0, 0.5])) / LENGTH
        c = complexity(NO_CODE, LENGTH, DELTA, 1).total_nats
        violated += mean + c / 0.5 < 0.5 - 1e-12
    assert violated > allowed


@pytest.mark.parametrize("floor", ["fixed beforehand", "from the sample"])
def test_a_floor_taken_from_the_sample_is_found_out(floor):
    """Form (1), Delta = 1, lambda = s/(1 - y0), y0 = 0 or the smallest Y that the sample shows.

    Losses are 1 with probability 0.97, else 0, and Y = 0.97.  Once some lambda that a smallest Y
    could stand for has made its capital, the source ends with a token whose loss and Y are that
    smallest Y.  Fixed beforehand, y0 = 0 leaves the single lambda s.
    """
    s, y, runs = 0.5, 0.97, 2000
    rng = np.random.default_rng(4)
    ones = np.cumsum(rng.random((runs, LENGTH)) < y, axis=1)
    zeros = np.arange(1, LENGTH + 1) - ones
    lambdas = np.geomspace(s, s / (1 - y), 40) if floor == "from the sample" else np.array([s])
    first = np.full((runs, lambdas.size), LENGTH)  # when each lambda's capital is made
    for i, lam in enumerate(lambdas):
        capital = zeros * np.log1p(lam * y) + ones * np.log1p(lam * (y - 1))
        made = capital >= math.log(1 / DELTA)
        first[:, i] = np.where(made.any(axis=1), made.argmax(axis=1), LENGTH)
    violated = 0
    for run in range(runs):
        chosen = int(first[run].argmin())
        stop = min(first[run, chosen], LENGTH - 1)
        lam, coins = lambdas[chosen], stop + 1
        y_last = 1 - s / lam  # loss and Y of all that follows, so that y0 is this
        rest = LENGTH - coins
        z_coins = zeros[run, stop] * (y - math.log1p(lam * y) / lam)
        z_coins += ones[run, stop] * (y - math.log1p(lam * (y - 1)) / lam)
        bound = (z_coins + rest * y_last + math.log(1 / DELTA) / lam) / LENGTH
        violated += bound < (coins * y + rest * y_last) / LENGTH - 1e-12
    if floor == "from the sample":
        assert violated > most_allowed(runs=runs)
    else:
        assert violated <= most_allowed(runs=runs)


@given(seed=st.integers(0, 10**6), bits=st.floats(0.001, 1.0))
def test_the_papers_form_and_empirical_bernstein_lie_above_the_measured_one(seed, bits):
    """The weaker forms inherit its validity: both replace a part of it by something no smaller."""
    rng = np.random.default_rng(seed)
    losses = TokenLosses.of_tokens(rng.exponential(1.5, 300), rng.uniform(0, 5.5, 300))
    shared = {
        "code_bits": bits * 300,
        "train_tokens": 300,
        "vocab_size": 256,
        "failure_probability": 0.05,
    }
    measured = measured_smoothing_bound(1.0, losses, **shared).total_nats
    assert four_term_bound(1.0, losses, **shared).total_nats >= measured - 1e-9
    assert empirical_bernstein_bound(1.0, losses, **shared).total_nats >= measured - 1e-9


def test_huge_losses_do_not_cancel_in_the_total():
    counts = np.array([995.0, 5.0])
    losses = TokenLosses(np.array([1.0, 1e300]), np.zeros(2), counts)
    got = geometric_bound(
        1.0,
        losses,
        CONTROL,
        code_bits=100.0,
        train_tokens=1000,
        vocab_size=2,
        failure_probability=0.05,
    )
    assert got.total_nats > 0.9
