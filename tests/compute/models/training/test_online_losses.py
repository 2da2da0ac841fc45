"""The histogram of online losses: every token, scored before it is trained on, and no other."""

import dataclasses

import numpy as np
import pytest
import torch

from bounds import LossBins, TokenLosses, bin_losses
from compute.models import language_model
from compute.models.training import training
from compute.models.training.online_losses import BINNED_AT_ONCE, OnlineLosses
from compute.suites.ladder.ladder_suite import load_ladder

CPU = torch.device("cpu")


@pytest.fixture(scope="module", params=["float32", "bfloat16"])
def spec(request):
    model = load_ladder("tiny").models[0]
    return dataclasses.replace(model, train_arithmetic=request.param, batch_windows=3)


@pytest.fixture(scope="module")
def windows(spec):
    # The last batch is smaller than the others.
    return np.random.default_rng(5).integers(1, 127, (59, spec.context_length + 1), np.uint8)


def train(spec, windows):
    model = language_model.build(spec)
    return model, training.train(model, spec, windows, CPU, lambda tokens: None)


def reference(spec, model, windows):
    """Float64 losses and entropies by torch's own softmax, in the arithmetic of training."""
    ((inputs, targets),) = language_model.batches(windows, len(windows), CPU)
    mixed = spec.train_arithmetic == "bfloat16"
    with torch.no_grad(), torch.autocast("cpu", torch.bfloat16, enabled=mixed):
        logits = model(inputs).logits
    log_p = logits.double().log_softmax(-1)
    losses = -log_p.gather(-1, targets[..., None])[..., 0]
    return losses.numpy().ravel(), -(log_p.exp() * log_p).sum(-1).numpy().ravel()


def assert_same(found: TokenLosses, expected: TokenLosses):
    for name in ("loss_nats", "entropy_nats", "tokens"):
        np.testing.assert_array_equal(getattr(found, name), getattr(expected, name))


def test_keeping_it_leaves_the_weights_as_they_are(spec, windows, monkeypatch):
    model, online = train(spec, windows)

    def only_the_mean(self, mean_loss_nats, logits, targets):
        self.tokens_seen.append(sum(self.tokens_seen[-1:]) + targets.numel())
        self.loss_nats.append(mean_loss_nats)

    monkeypatch.setattr(OnlineLosses, "add", only_the_mean)
    plain, means = train(spec, windows)
    assert language_model.weights_sha256(model) == language_model.weights_sha256(plain)
    assert online.loss_nats == means.loss_nats
    with pytest.raises(ValueError, match="no batch has been scored"):
        _ = means.histogram


def test_it_counts_every_token_and_its_mean_is_the_online_loss_rounded_up(spec, windows):
    _, online = train(spec, windows)
    histogram = online.histogram
    tokens = len(windows) * spec.context_length
    assert histogram.total_tokens == online.tokens_seen[-1] == tokens
    mean = np.average(online.loss_nats, weights=np.diff(online.tokens_seen, prepend=0))
    bins = LossBins()
    width = bins.first_width_nats + bins.growth * histogram.loss_nats.max()  # of the widest bin
    assert mean - 1e-6 <= histogram.mean_loss_nats <= mean + width + 1e-6
    assert histogram.mean_loss_nats - mean == pytest.approx(0.004, abs=0.003)


def test_each_batch_is_scored_by_the_model_that_has_not_seen_it(spec, windows):
    first = windows[: spec.batch_windows]
    untrained = language_model.build(spec).train()
    trained, online = train(spec, first)
    before, after = (
        bin_losses(TokenLosses.of_tokens(*reference(spec, model, first)))
        for model in (untrained, trained)
    )
    assert_same(online.histogram, before)
    assert after.mean_loss_nats < before.mean_loss_nats - 0.1


def test_it_does_not_depend_on_when_batches_are_binned():
    rng = np.random.default_rng(2)
    online, losses, entropies = OnlineLosses(), [], []
    for _ in range(5):
        logits = torch.tensor(rng.normal(0, 3, (BINNED_AT_ONCE // 2, 4)), dtype=torch.float32)
        targets = torch.tensor(rng.integers(0, 4, BINNED_AT_ONCE // 2))
        online.add(1.0, logits, targets)
        log_p = logits.double().log_softmax(-1)
        losses.append(-log_p.gather(-1, targets[:, None])[:, 0].numpy())
        entropies.append(-(log_p.exp() * log_p).sum(-1).numpy())
        online = OnlineLosses.from_state_dict(online.state_dict())
    whole = TokenLosses.of_tokens(np.concatenate(losses), np.concatenate(entropies))
    assert_same(online.histogram, bin_losses(whole))
    assert online.tokens_seen[-1] == whole.total_tokens
