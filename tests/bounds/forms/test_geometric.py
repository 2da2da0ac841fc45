import itertools
import math

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from bounds import (
    Control,
    ControlGrid,
    TokenLosses,
    bin_losses,
    chosen_geometric_bound,
    four_term_bound,
    geometric_bound,
    measured_smoothing_bound,
    smoothing_weight,
)
from bounds.codes.complexity import complexity
from bounds.forms.empirical_bernstein import empirical_bernstein_bound
from bounds.losses.smoothing import loss_range_nats, smooth_losses_nats

EXAMPLE = -np.log((np.arange(1, 1001) - 0.5) / 1000)


def sample(seed, size=1500, mean=1.4):
    rng = np.random.default_rng(seed)
    return TokenLosses.of_tokens(rng.exponential(mean, size), rng.uniform(0, math.log(256), size))


def arguments(size, bits_per_token, delta=0.05):
    return {
        "code_bits": bits_per_token * size,
        "train_tokens": size,
        "vocab_size": 256,
        "failure_probability": delta,
    }


@pytest.mark.parametrize(
    ("c", "w", "expected"),
    [
        (0.1386294361, None, 2.0591043),
        (0.1386294361, 10.0, 2.3313493),
        (0.001, None, 1.0622646),
        (0.001, 20.0, 1.0478758),  # 1.04787576 in 30-digit arithmetic
    ],
)
def test_worked_example(c, w, expected):
    """Section 12: the same C and alpha as form (1), W = Delta or a constant."""
    alpha = smoothing_weight(c)
    offset = 1.0 if w is None else w / loss_range_nats(alpha, 256)
    delta = 0.5
    code_bits = (1000 * c - math.log(1 / delta)) / math.log(2)
    got = geometric_bound(
        1.0,
        TokenLosses.of_tokens(EXAMPLE, np.ones(1000)),
        Control(alpha, offset, 0.0),
        code_bits=code_bits,
        train_tokens=1000,
        vocab_size=256,
        failure_probability=delta,
    )
    assert got.total_nats == pytest.approx(expected, abs=5e-8)


@given(
    seed=st.integers(0, 10**6),
    bits=st.floats(1e-3, 2.0),
    s=st.floats(0.01, 0.999),
    alpha=st.floats(1e-5, 0.5),
)
def test_it_never_exceeds_form_1_which_linearises_it(seed, bits, s, alpha):
    losses = sample(seed, 300)
    delta = loss_range_nats(alpha, 256)
    c = complexity(bits * 300, 300, 0.05, 1).total_nats
    x, y, lam = smooth_losses_nats(losses.loss_nats, alpha, 256), losses.entropy_nats, s / delta
    form_1 = np.mean(y - np.log1p(lam * (y - x)) / lam) + c / lam
    w = y + 1 / lam
    form_3 = np.mean(w) - math.exp(np.mean(np.log(w - x)) - c)
    assert form_3 <= form_1 + 1e-9
    # W = Y + 1/lambda is the control (offset 1/s, slope 1).
    got = geometric_bound(1.0, losses, Control(alpha, 1 / s, 1.0), **arguments(300, bits))
    assert got.total_nats == pytest.approx(form_3, abs=1e-9)


@given(seed=st.integers(0, 10**6), bits=st.floats(0.01, 1.0), delta=st.floats(1e-9, 0.5))
def test_addends_sum_and_have_their_signs(seed, bits, delta):
    losses = sample(seed)
    for form in (chosen_geometric_bound, measured_smoothing_bound, empirical_bernstein_bound):
        got = form(1.2, losses, **arguments(1500, bits, delta))
        assert got.total_nats == pytest.approx(
            got.training_loss_nats
            + got.complexity_nats
            + got.loss_variation_nats
            + got.smoothing_nats
            + got.quantization_gap_nats
        )
        assert got.complexity_nats >= 0
        assert got.loss_variation_nats >= 0
        assert got.sampling_nats == 0.0
        assert got.gap_nats == pytest.approx(got.total_nats - 1.2)


@pytest.mark.parametrize("bits", [0.001, 0.01, 0.1, 0.2])
def test_the_search_comes_close_to_the_best_of_the_grid(bits):
    grid = ControlGrid(
        alphas=tuple(np.geomspace(1e-4, 0.5, 24)),
        offsets=tuple(np.geomspace(0.5, 32, 24)),
        slopes=tuple(np.arange(9) / 4),
    )
    losses = sample(3)
    paid = arguments(1500, bits) | {"code_bits": bits * 1500 + grid.choice_bits}
    best = min(
        geometric_bound(1.0, losses, Control(*control), **paid).total_nats
        for control in itertools.product(grid.alphas, grid.offsets, grid.slopes)
    )
    got = chosen_geometric_bound(1.0, losses, grid=grid, **arguments(1500, bits)).total_nats
    assert best <= got <= best + 0.005


def test_the_choice_is_paid_for():
    grid = ControlGrid()
    assert grid.choice_bits == pytest.approx(math.log2(128 * 128 * 64))
    got = chosen_geometric_bound(1.0, sample(0), **arguments(1500, 0.2))
    expected = (0.2 * 1500 + grid.choice_bits) * math.log(2) / 1500
    assert got.complexity_per_token.code_nats == pytest.approx(expected)
    assert got.complexity_per_token.confidence_nats == pytest.approx(math.log(1 / 0.05) / 1500)


@given(seed=st.integers(0, 10**6), bits=st.floats(0.001, 1.0))
def test_a_histogram_never_gives_a_smaller_bound(seed, bits):
    losses = sample(seed, 400)
    entropies = np.floor(losses.entropy_nats / 0.25) * 0.25 + 0.125
    exact = TokenLosses.of_tokens(losses.loss_nats, entropies)
    control = Control(0.05, 0.9, 0.75)
    fine = geometric_bound(1.0, exact, control, **arguments(400, bits)).total_nats
    binned = geometric_bound(1.0, bin_losses(exact), control, **arguments(400, bits)).total_nats
    assert fine - 1e-9 <= binned <= fine + 0.01


def test_however_long_the_code_the_bound_stays_near_ln_v():
    """Smoothing the model away is in the grid, so a hopeless code costs no more than ln V."""
    got = chosen_geometric_bound(1.0, sample(1), **arguments(1500, 500.0))
    assert got.total_nats <= math.log(256) + 1e-4


def test_order_of_the_forms_on_usual_losses():
    losses = bin_losses(sample(7, 200_000))
    k = arguments(200_000, 0.2)
    paper = four_term_bound(1.0, losses, **k).total_nats
    measured = measured_smoothing_bound(1.0, losses, **k).total_nats
    bernstein = empirical_bernstein_bound(1.0, losses, **k).total_nats
    ours = chosen_geometric_bound(1.0, losses, **k).total_nats
    assert ours < measured < paper
    assert measured <= bernstein


def test_a_variate_equal_to_a_loss_costs_everything_but_does_not_break():
    losses = TokenLosses.of_tokens(np.array([0.0, 1e9]), np.zeros(2))
    got = geometric_bound(1.0, losses, Control(0.1, 1.0, 0.0), **arguments(2, 0.1))
    assert got.total_nats == pytest.approx(loss_range_nats(0.1, 256))


def test_losses_that_do_not_cover_the_training_set_are_refused():
    with pytest.raises(ValueError, match="cover 1500 tokens"):
        chosen_geometric_bound(1.0, sample(0), **(arguments(1500, 0.1) | {"train_tokens": 7}))
