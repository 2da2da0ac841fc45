import math
from dataclasses import replace

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from scipy.stats import binom

from bounds.confidence import METHODS
from bounds.forms.sampled import (
    Confidence,
    Summand,
    SummandGrid,
    WindowLosses,
    choose_summand,
    paper_grid,
    sampled_bound,
)

VOCAB = 256
TRAIN_TOKENS, CODE_BITS = 2_000_000, 250_000.0


def windows(rng, count, positions=32):
    """Windows of uneven difficulty, losses that scatter around the entropy."""
    level = rng.gamma(8, 1.3 / 8, (count, 1))
    entropy = np.clip(level * rng.uniform(0.3, 1.7, (count, positions)), 0, math.log(VOCAB))
    return WindowLosses(rng.exponential(entropy + 1e-3), entropy)


def shared(confidence=None):
    return {
        "code_bits": CODE_BITS,
        "train_tokens": TRAIN_TOKENS,
        "vocab_size": VOCAB,
        "confidence": confidence or Confidence(bound=0.045, sample=0.005),
    }


@given(
    alpha=st.floats(1e-5, 0.6),
    floor=st.floats(0, 4),
    slope=st.floats(0, 2),
    s=st.floats(0.01, 0.99),
    seed=st.integers(0, 10**6),
)
def test_every_summand_lies_in_its_interval_and_above_the_loss(alpha, floor, slope, s, seed):
    rng = np.random.default_rng(seed)
    losses = WindowLosses(rng.exponential(5, (4, 25)), rng.uniform(0, math.log(VOCAB), (4, 25)))
    summand = Summand(alpha, floor, slope, s)
    z = summand.values(losses, VOCAB)
    low, high = summand.interval(VOCAB)
    assert np.all(z >= low - 1e-9)
    assert np.all(z <= high + 1e-9)
    rising = WindowLosses(losses.loss_nats + 0.5, losses.entropy_nats)
    assert np.all(summand.values(rising, VOCAB) >= z - 1e-9)


def test_addends_sum_and_the_sampling_term_shrinks_with_windows():
    rng = np.random.default_rng(0)
    grid = SummandGrid()
    terms = []
    for count in (256, 1024, 4096):
        summand = choose_summand(windows(rng, 512), grid, count, **shared())
        got = sampled_bound(
            windows(rng, count), summand, grid.choice_bits, training_loss_nats=1.3, **shared()
        )
        parts = (
            got.training_loss_nats,
            got.complexity_nats,
            got.loss_variation_nats,
            got.smoothing_nats,
            got.quantization_gap_nats,
            got.sampling_nats,
        )
        assert got.total_nats == pytest.approx(sum(parts))
        terms.append(got.sampling_nats)
    assert terms[0] > terms[1] > terms[2] > 0


@pytest.mark.parametrize("method", METHODS)
def test_the_mean_over_all_windows_stays_below_as_often_as_claimed(method):
    """Against the whole population: only the sampling can fail here."""
    rng = np.random.default_rng(1)
    population = windows(rng, 20_000, positions=8)
    summand, confidence = Summand(0.1, 0.5, 0.75, 0.8), Confidence(0.05, 0.1, method=method)
    truth = summand.values(population, VOCAB).mean()
    missed = 0
    for _ in range(300):
        chosen = rng.integers(20_000, size=200)
        drawn = WindowLosses(population.loss_nats[chosen], population.entropy_nats[chosen])
        got = sampled_bound(drawn, summand, 0.0, training_loss_nats=1.0, **shared(confidence))
        missed += got.total_nats - got.complexity_nats < truth
    assert missed <= binom.ppf(1 - 1e-4, 300, 0.1)


def test_chosen_parameters_beat_the_papers_own_under_the_same_treatment():
    rng = np.random.default_rng(2)
    selection, evaluation = windows(rng, 1024), windows(rng, 2048)
    totals = []
    for grid in (SummandGrid(), paper_grid(CODE_BITS, TRAIN_TOKENS, 0.045)):
        summand = choose_summand(selection, grid, 2048, **shared())
        totals.append(
            sampled_bound(
                evaluation, summand, grid.choice_bits, training_loss_nats=1.3, **shared()
            ).total_nats
        )
    assert totals[0] < totals[1]


def test_with_little_data_the_choice_keeps_away_from_the_upper_end_of_s():
    rng = np.random.default_rng(3)
    selection = windows(rng, 512)
    few, many = (
        choose_summand(selection, SummandGrid(), count, **shared()) for count in (64, 65536)
    )
    width = [s.interval(VOCAB)[1] - s.interval(VOCAB)[0] for s in (few, many)]
    assert width[0] <= width[1]


def test_each_of_several_settings_and_forms_pays_for_all_that_are_shown():
    """The sampling of M settings as one at delta/M; the inequality of two forms as one bit more."""
    rng = np.random.default_rng(4)
    drawn, summand = windows(rng, 512), Summand(0.1, 0.5, 0.75, 0.8)

    def bound(confidence, bits=0.0):
        arguments = shared(confidence) | {"code_bits": CODE_BITS + bits}
        return sampled_bound(drawn, summand, 0.0, training_loss_nats=1.3, **arguments)

    several = bound(Confidence(0.04, 0.01, settings_shown=8, forms_shown=2))
    alone = bound(Confidence(0.04, 0.01 / 8), bits=1.0)
    assert several.sampling_nats == pytest.approx(alone.sampling_nats, abs=1e-15)
    assert several.complexity_nats == pytest.approx(alone.complexity_nats, rel=1e-12)
    assert several.total_nats > bound(Confidence(0.04, 0.01)).total_nats


def test_delta_is_divided_visibly():
    confidence = Confidence(bound=0.04, sample=0.01, settings_shown=4)
    assert confidence.total == pytest.approx(0.05)
    assert confidence.per_setting == pytest.approx(0.0025)
    assert confidence.per_form == 0.04
    assert Confidence(bound=0.04, sample=0.01, forms_shown=2).per_form == pytest.approx(0.02)
    for bad in ({"bound": 0.0, "sample": 0.1}, {"bound": 0.6, "sample": 0.5}):
        with pytest.raises(ValueError, match="strictly between 0 and 1"):
            Confidence(**bad)
    with pytest.raises(ValueError, match="method='guess'"):
        Confidence(0.1, 0.1, method="guess")


@pytest.mark.parametrize(
    ("loss", "entropy", "message"),
    [
        ([1.0, 2.0], [1.0, 2.0], "windows, positions"),
        ([[1.0]], [[1.0, 2.0]], "windows, positions"),
        ([[math.nan]], [[1.0]], "finite"),
        ([[-1.0]], [[1.0]], ">= 0"),
        (np.zeros((0, 3)), np.zeros((0, 3)), "not empty"),
    ],
)
def test_bad_windows_are_refused(loss, entropy, message):
    with pytest.raises(ValueError, match=message):
        WindowLosses(np.array(loss), np.array(entropy))


def test_the_choice_leaves_out_floors_above_the_loss_range():
    """With V = 4 and alpha = 1/2 no smoothed loss exceeds ln 8 = 2.08 nats."""
    rng = np.random.default_rng(5)
    losses = rng.exponential(1.0, (64, 16))
    selection = WindowLosses(losses, np.full_like(losses, 0.9))
    grid = SummandGrid(alphas=(0.5,), floors=(0.5, 1.0, 2.0, math.log(8.0), 3.0), slopes=(0.5,))
    below = replace(grid, floors=grid.floors[:3])
    few = shared() | {"vocab_size": 4}
    # So many bits that a smaller range is worth more than a floor near the entropy.
    few["code_bits"] = 10 * few["train_tokens"]
    chosen = choose_summand(selection, grid, 1024, **few)
    assert chosen == choose_summand(selection, below, 1024, **few)
    assert chosen.floor == 2.0


@pytest.mark.parametrize(
    ("floor", "s"), [(-0.1, 0.5), (math.log(8.0), 0.5), (3.0, 0.5), (0.5, 0.0), (0.5, 1.0)]
)
def test_a_summand_outside_its_domain_is_refused(floor, s):
    assert Summand(0.5, 0.5, 1.0, 0.25).inverse_lambda(4) == pytest.approx(
        (math.log(8.0) - 0.5) / 0.25
    )
    message = rf"floor={floor} must lie in \[0, 2.079\) and s={s} in \(0, 1\)"
    with pytest.raises(ValueError, match=message):
        Summand(0.5, floor, 1.0, s).inverse_lambda(4)


class TooNarrow(Summand):
    """A summand with a wrong upper end, halfway up its interval."""

    def interval(self, vocab_size):
        low, high = super().interval(vocab_size)
        return low, (low + high) / 2


def test_windows_outside_the_interval_end_the_bound_instead_of_being_clipped():
    """Clipped at a wrong upper end, the mean of the windows would come out too small."""
    certain_and_wrong = WindowLosses(np.full((8, 4), 50.0), np.zeros((8, 4)))
    arguments = shared() | {"training_loss_nats": 1.3}
    sampled_bound(certain_and_wrong, Summand(0.1, 0.5, 1.0, 0.5), 0.0, **arguments)
    summand = TooNarrow(0.1, 0.5, 1.0, 0.5)
    mean = summand.values(certain_and_wrong, VOCAB).mean()
    low, high = summand.interval(VOCAB)
    assert high < mean
    with pytest.raises(ValueError, match="leaves") as error:
        sampled_bound(certain_and_wrong, summand, 0.0, **arguments)
    assert f"{mean:.6f}"[:8] in str(error.value)
    assert str(error.value).endswith(f"leaves [{low}, {high}]")
