"""From a person's arrays to every form: what is computed, and what is refused by name."""

import math
from dataclasses import replace

import numpy as np
import pytest

from bounds import FORMS
from bounds.forms.sampled import (
    Confidence,
    Summand,
    SummandGrid,
    WindowLosses,
    sampled_bound,
)
from bounds.own_losses import LossColumns, Measurement, UnusableError, every_bound

MODEL = Measurement(1000, 4000, 64, (4000.0,), 0.05)


def columns(rows=4000, **more):
    rng = np.random.default_rng(3)
    entropy = np.clip(rng.gamma(3, 0.4, rows), 0, math.log(64))
    return LossColumns(rng.exponential(entropy + 0.01), entropy, **more)


def windows(draws=40, positions=100):
    return columns(draws * positions, window=np.repeat(np.arange(draws), positions))


def test_a_whole_epoch_gives_every_form_as_it_is():
    found = every_bound(columns(), MODEL)
    assert list(found) == list(FORMS)
    losses = columns().every_token()
    for name, form in FORMS.items():
        expected = form(
            losses.mean_loss_nats,
            losses,
            code_bits=4000.0,
            train_tokens=4000,
            vocab_size=64,
            failure_probability=0.05,
        )
        assert found[name].total_nats == expected.total_nats
        assert found[name].gap_nats == expected.gap_nats


def test_rows_that_are_counted_are_rows_that_are_repeated():
    few = LossColumns(np.array([0.5, 1.0, 3.0]), tokens=np.array([3000.0, 900.0, 100.0]))
    many = LossColumns(np.repeat(few.loss_nats, few.tokens.astype(int)))
    counted, repeated = every_bound(few, MODEL), every_bound(many, MODEL)
    for name in FORMS:
        assert counted[name].total_nats == pytest.approx(repeated[name].total_nats, abs=1e-12)


def test_a_training_loss_moves_the_gap_and_never_the_total():
    own = every_bound(columns(), MODEL)
    given = every_bound(columns(), replace(MODEL, training_loss_nats=0.25))
    for name in FORMS:
        assert given[name].total_nats == pytest.approx(own[name].total_nats, abs=1e-12)
        assert given[name].gap_nats == pytest.approx(given[name].total_nats - 0.25, abs=1e-12)


def test_several_codes_cost_the_choice():
    assert replace(MODEL, code_bits=(9000.0, 4000.0, 5000.0, 8000.0)).paid_bits == 4002.0


def test_a_sample_gets_a_sampling_term_and_delta_is_shared():
    model = replace(MODEL, train_tokens=400_000)
    found = every_bound(windows(), model)
    assert list(found) == ["sampled", "sampled, paper's choices"]
    assert sum(model.divided_delta) == pytest.approx(0.05, abs=1e-15)
    assert all(bound.sampling_nats > 0 for bound in found.values())
    for bound in found.values():  # half of the inequality's share each
        expected = math.log(2 / 0.045) / 400_000
        assert bound.complexity_per_token.confidence_nats == pytest.approx(expected, rel=1e-12)


def test_a_gap_from_a_sample_has_the_error_of_its_training_loss():
    """Over the evaluated windows, which are the independent units; none if the loss is given."""
    model, sample = replace(MODEL, train_tokens=400_000), windows()
    order = np.random.default_rng(0).permutation(40)[20:]
    means = sample.draws().loss_nats[order].mean(axis=1)
    error = np.std(means, ddof=1) / math.sqrt(20)
    for bound in every_bound(sample, model).values():
        assert bound.training_loss_se_nats == pytest.approx(error, rel=1e-12)
    given = every_bound(sample, replace(model, training_loss_nats=0.25))
    assert {bound.training_loss_se_nats for bound in given.values()} == {0.0}
    assert {bound.training_loss_se_nats for bound in every_bound(columns(), MODEL).values()} == {
        0.0
    }


def test_a_sample_is_chosen_on_one_half_and_evaluated_on_the_other():
    """The total follows from the evaluated half and the chosen summand alone."""
    model, sample = replace(MODEL, train_tokens=400_000), windows()
    bound = every_bound(sample, model)["sampled"]
    draws = sample.draws()
    order = np.random.default_rng(0).permutation(40)
    chosen = {name: bound.parameters[name] for name in ("slope", "s")}
    again = sampled_bound(
        WindowLosses(draws.loss_nats[order[20:]], draws.entropy_nats[order[20:]]),
        Summand(alpha=bound.alpha, floor=bound.parameters["floor_nats"], **chosen),
        SummandGrid().choice_bits,
        training_loss_nats=0.0,
        code_bits=4000.0,
        train_tokens=400_000,
        vocab_size=64,
        confidence=Confidence(0.045, 0.005, settings_shown=2, forms_shown=2),
    )
    assert again.total_nats == pytest.approx(bound.total_nats, abs=1e-12)


def test_draws_come_in_the_order_of_their_first_row_whatever_they_are_called():
    sample = windows()
    renamed = replace(sample, window=(7 - sample.window * 13) % 41)
    assert np.array_equal(sample.draws().loss_nats, renamed.draws().loss_nats)
    shuffled = np.random.default_rng(0).permutation(4000)
    mixed = LossColumns(
        sample.loss_nats[shuffled], sample.entropy_nats[shuffled], window=sample.window[shuffled]
    ).draws()
    first = sample.window[shuffled[0]]
    assert set(mixed.loss_nats[0]) == set(sample.draws().loss_nats[first])


@pytest.mark.parametrize(
    ("changes", "where", "reason"),
    [
        ({"params_total": 0}, "params_total", "must be at least 1, not 0"),
        ({"vocab_size": 1}, "vocab_size", "must be at least 2, not 1"),
        ({"train_tokens": -5}, "train_tokens", "must be at least 1, not -5"),
        ({"code_bits": (4000.0, 0.0)}, "code_bits", "must be greater than 0, not 0.0"),
        ({"code_bits": (math.nan,)}, "code_bits", "must be greater than 0, not nan"),
        ({"failure_probability": 1.0}, "failure_probability", "strictly between 0 and 1, not 1.0"),
        ({"training_loss_nats": -1.0}, "training_loss_nats", "not negative, not -1.0"),
    ],
)
def test_a_value_out_of_range_is_named(changes, where, reason):
    with pytest.raises(UnusableError) as raised:
        replace(MODEL, **changes)
    assert raised.value.where == where
    assert reason in raised.value.reason


NUMBERS = np.ones(4000)


@pytest.mark.parametrize(
    ("odd", "where", "reason"),
    [
        (LossColumns(np.array([])), "loss_nats", "holds no rows"),
        (LossColumns(np.r_[NUMBERS, math.nan]), "loss_nats", "holds nan in row 4001"),
        (LossColumns(np.r_[-1.0, NUMBERS]), "loss_nats", "holds -1.0 in row 1"),
        (LossColumns(NUMBERS, NUMBERS * math.inf), "entropy_nats", "holds inf in row 1"),
        (LossColumns(NUMBERS, NUMBERS * 4.2), "entropy_nats", "above ln V = 4.1589 nats"),
        (LossColumns(NUMBERS, tokens=NUMBERS / 2), "tokens", "whole numbers above 0"),
        (LossColumns(NUMBERS, tokens=NUMBERS * 0), "tokens", "whole numbers above 0"),
        (LossColumns(NUMBERS[:7]), "train_tokens", "is 4,000, and the losses cover 7 tokens"),
        (LossColumns(NUMBERS, tokens=NUMBERS * 2), "train_tokens", "cover 8,000 tokens"),
        (LossColumns(NUMBERS, window=np.arange(4000) // 1500), "window", "3 windows of 1000 to"),
        (LossColumns(NUMBERS, window=np.arange(4000) // 2000), "window", "at least 4"),
        (
            LossColumns(NUMBERS, tokens=NUMBERS * 2, window=np.arange(4000) // 400),
            "tokens",
            "must be 1 everywhere beside 'window'",
        ),
    ],
)
def test_a_column_that_cannot_be_what_it_says_is_named(odd, where, reason):
    with pytest.raises(UnusableError) as raised:
        every_bound(odd, MODEL)
    assert raised.value.where == where
    assert reason in raised.value.reason


def test_what_a_form_refuses_is_a_sentence_too():
    with pytest.raises(UnusableError, match="no bound can be computed from these values"):
        every_bound(columns(), replace(MODEL, code_bits=(1e300,)))
