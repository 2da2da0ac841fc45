"""Every inequality against sources whose true risk is known, and broken ones that must fail."""

import math

import numpy as np
import pytest
from scipy.stats import binom

import bounds
from bounds import (
    Control,
    TokenLosses,
    geometric_bound,
    loss_variation,
    measured_smoothing_bound,
    s_grid,
    smooth_losses_nats,
)
from bounds.codes.complexity import complexity
from bounds.forms.azuma import azuma_bound
from bounds.forms.freedman import freedman_bound
from tests.bounds.markov import heavy_tailed_source, mild_source, noisy_copies

ALPHA = 0.05
FIXED = Control(alpha=ALPHA, offset=1.0, slope=0.5)

#: Every form as the app offers it, and those with a choice also at a fixed one.
FORMS = {
    **bounds.FORMS,
    "geometric, fixed": lambda loss, q, **k: geometric_bound(loss, q, FIXED, **k),
    "azuma, fixed": lambda loss, q, **k: azuma_bound(loss, q, ALPHA, **k),
    "freedman, fixed": lambda loss, q, **k: freedman_bound(loss, q, ALPHA, **k),
}

#: Those that search for their parameters take longer, so they get fewer runs.
SEARCHING = {"geometric", "geometric_at_entropy", "azuma", "freedman"}
SOURCES = {"mild": mild_source(), "heavy_tailed": heavy_tailed_source()}


def violations(form, source, length, delta, runs, seed=0) -> int:
    """Runs in which the bound lies below the true risk for at least one of two models.

    The two stand for all that a code of one bit can name, so the bound must hold for both at
    once: picking the worse one afterwards is what the union pays for.
    """
    rng = np.random.default_rng(seed)
    models = noisy_copies(source, 2, 0.5, rng)
    violated = 0
    for counts in source.counts(runs, length, rng):
        for model in models:
            got = form(
                1.0,
                model.token_losses(counts),
                code_bits=1.0,
                train_tokens=length,
                vocab_size=4,
                failure_probability=delta,
            )
            if model.true_risk(counts, source, got.alpha) > got.total_nats:
                violated += 1
                break
    return violated


def most_allowed(runs: int, delta: float) -> int:
    """Violations that a bound failing with probability delta exceeds once in 10,000 tests."""
    return int(binom.ppf(1 - 1e-4, runs, delta))


def case(name, source, length):
    """A form on a source; slow if it takes seconds."""
    slow = length > 60 or name in SEARCHING
    return pytest.param(name, source, length, marks=[pytest.mark.slow] if slow else [])


@pytest.mark.parametrize(
    ("name", "source", "length"),
    [case(name, source, length) for length in (60, 2000) for source in SOURCES for name in FORMS],
)
def test_it_holds_as_often_as_it_claims(name, source, length):
    runs = 150 if name in SEARCHING else 500
    for delta in (0.5, 0.1, 0.01):
        got = violations(FORMS[name], SOURCES[source], length, delta, runs)
        assert got <= most_allowed(runs, delta), (delta, got)


def peeking_y(loss, quantized, **arguments):
    """Form (1) with Y_k = X_k, which is not predictable: it explains every loss away."""
    peeking = TokenLosses(quantized.loss_nats, quantized.loss_nats, quantized.tokens)
    return measured_smoothing_bound(loss, peeking, grid_size=1000, **arguments)


class Total:
    """Just enough of a result for ``violations``."""

    def __init__(self, total_nats, alpha):
        self.total_nats, self.alpha = total_nats, alpha


def geometric_with(variate):
    """Form (3) for any W as a function of the smoothed losses, predictable or not."""

    def form(loss, quantized, *, code_bits, train_tokens, vocab_size, failure_probability):
        c = complexity(code_bits, train_tokens, failure_probability, 1).total_nats
        x = smooth_losses_nats(quantized.loss_nats, ALPHA, vocab_size)
        w = variate(x)
        mean_log = quantized.mean(np.log(np.maximum(w - x, 1e-300)))
        return Total(quantized.mean(w) - math.exp(mean_log - c), ALPHA)

    return form


BROKEN = {
    "Y peeks at x_k": (peeking_y, "mild", 20_000, 0.01),
    "W peeks at x_k": (geometric_with(lambda x: x + 1.0), "mild", 2000, 0.1),
    "W's floor is the sample's largest loss": (
        geometric_with(lambda x: np.full_like(x, x.max() + 1e-3)),
        "heavy_tailed",
        60,
        0.1,
    ),
}


@pytest.mark.parametrize("name", BROKEN)
def test_a_broken_variant_is_found_out(name):
    form, source, length, delta = BROKEN[name]
    got = violations(form, SOURCES[source], length, delta, 400)
    assert got > most_allowed(400, delta)


def test_the_harness_passes_the_sound_twin_of_the_broken_geometric_form():
    sound = geometric_with(lambda x: np.full_like(x, math.log(4 / ALPHA) + 1e-3))
    got = violations(sound, SOURCES["heavy_tailed"], 60, 0.1, 400)
    assert got <= most_allowed(400, 0.1)


def stopped_coin(threshold: float, runs: int, length: int) -> np.ndarray:
    """Fair losses 0 or 1, with Y = 1/2, until some s of the grid has made capital exp(threshold).

    From then on every loss is 1/2, so the conditional risk is exactly 1/2 throughout: a lawful
    source that stops while it is ahead.  Returns the counts of losses 0, 1 and 1/2 per run.
    """
    rng = np.random.default_rng(5)
    ones = np.cumsum(rng.random((runs, length)) < 0.5, axis=1)  # (runs, length)
    n = np.arange(1, length + 1)
    # Capital of s: (1 + s/2)^zeros * (1 - s/2)^ones; its best s is 2*(zeros - ones)/n.
    best_s = np.clip(2.0 * (n - 2 * ones) / n, s_grid()[0], s_grid()[-1])
    log_capital = (n - ones) * np.log1p(best_s / 2) + ones * np.log1p(-best_s / 2)
    ahead = log_capital >= threshold + 1e-3  # the grid's best s is a little off the best s
    stop = np.where(ahead.any(axis=1), ahead.argmax(axis=1), length - 1)
    ones_at = ones[np.arange(runs), stop]
    return np.stack([stop + 1 - ones_at, ones_at, length - 1 - stop], axis=1)


@pytest.mark.parametrize("union", [True, False])
def test_the_grid_must_be_paid_for(union):
    delta, length, runs = 0.2, 5000, 400
    c = complexity(1e-9, length, delta, grid_size=1000 if union else 1).total_nats
    violated = 0
    for zeros, ones, halves in stopped_coin(c * length, runs, length):
        counts = np.array([zeros, ones, halves], dtype=float)
        values = np.array([0.0, 1.0, 0.5])
        losses = TokenLosses(
            values[counts > 0], np.full((counts > 0).sum(), 0.5), counts[counts > 0]
        )
        variation = loss_variation(losses, 1.0, c)
        violated += losses.mean_loss_nats + c + variation.sigma_nats * math.sqrt(c) < 0.5
    if union:
        assert violated <= most_allowed(runs, delta)
    else:
        assert violated > most_allowed(runs, delta)
