"""A training run that is interrupted ends with the same weights and losses as one that is not."""

import dataclasses

import numpy as np
import pytest
import torch

from compute.models import language_model
from compute.models.training import training
from compute.models.training.training_state import TrainingState
from compute.suites.checkpoints import kept_steps
from compute.suites.ladder.ladder_suite import load_ladder

CPU = torch.device("cpu")
STEPS = 40


@pytest.fixture(scope="module", params=["float32", "bfloat16"])
def spec(request):
    model = load_ladder("tiny").models[0]
    return dataclasses.replace(model, train_arithmetic=request.param, batch_windows=3)


@pytest.fixture(scope="module")
def windows(spec):
    # The last batch is smaller than the others.
    rng = np.random.default_rng(5)
    return rng.integers(1, 127, (STEPS * spec.batch_windows - 1, spec.context_length + 1), np.uint8)


def train(spec, windows, state=None, stop_after=None):
    """(weights, online losses, steps kept) of a run that may be stopped after so many tokens."""
    model, kept = language_model.build(spec), []

    def report(tokens):
        if stop_after is not None and tokens >= stop_after:
            raise KeyboardInterrupt

    online = training.train(model, spec, windows, CPU, report, kept.append, state)
    return language_model.weights_sha256(model), online, kept


def test_the_weights_and_losses_are_those_of_an_unbroken_run(spec, windows, tmp_path):
    whole_sha, whole, _ = train(spec, windows)
    for stop in (1, 500, 5000):
        with pytest.raises(KeyboardInterrupt):
            train(spec, windows, TrainingState(tmp_path, interval_seconds=0), stop)
    assert (tmp_path / "state.pt").exists()
    sha, online, kept = train(spec, windows, TrainingState(tmp_path, interval_seconds=0))
    assert sha == whole_sha
    np.testing.assert_array_equal(online.tokens_seen, whole.tokens_seen)
    np.testing.assert_array_equal(online.loss_nats, whole.loss_nats)
    for name in ("loss_nats", "entropy_nats", "tokens"):
        found, expected = (getattr(one.histogram, name) for one in (online, whole))
        np.testing.assert_array_equal(found, expected)
    done = 5000 // (spec.batch_windows * spec.context_length) + 1
    assert kept == [step for step in kept_steps(STEPS) if step > done]


def test_a_state_without_a_histogram_is_not_gone_on_from(spec, windows, tmp_path):
    """Earlier versions wrote such states; the tokens before them would be missing."""
    with pytest.raises(KeyboardInterrupt):
        train(spec, windows, TrainingState(tmp_path, interval_seconds=0), 500)
    state = torch.load(tmp_path / "state.pt", weights_only=True)
    online = state.pop("online")
    old = {name: online[name] for name in ("tokens_seen", "loss_nats")}
    torch.save(state | old, tmp_path / "state.pt")
    sha, found, kept = train(spec, windows, TrainingState(tmp_path, interval_seconds=3600))
    whole_sha, whole, _ = train(spec, windows)
    assert sha == whole_sha
    assert found.histogram.total_tokens == whole.histogram.total_tokens
    assert kept == kept_steps(STEPS)


def test_no_state_is_written_before_it_is_due(spec, windows, tmp_path):
    train(spec, windows, TrainingState(tmp_path / "run", interval_seconds=3600))
    assert not (tmp_path / "run").exists()


def test_what_was_kept_on_the_way_is_kept_again_where_the_state_is_older(spec, windows, tmp_path):
    """Steps after the last state may have been kept before the interruption."""
    state = TrainingState(tmp_path, interval_seconds=0)
    with pytest.raises(KeyboardInterrupt):
        train(spec, windows, state, 1)
    state.interval_seconds = 3600
    with pytest.raises(KeyboardInterrupt):
        train(spec, windows, state, 3000)
    _, _, kept = train(spec, windows, state)
    assert kept == [step for step in kept_steps(STEPS) if step > 1]


def test_a_run_that_has_ended_leaves_nothing(spec, windows, tmp_path):
    state = TrainingState(tmp_path / "run", interval_seconds=0)
    train(spec, windows, state)
    state.forget()
    assert not (tmp_path / "run").exists()
    state.forget()
