import numpy as np
import pytest
import torch

from bounds import TokenLosses, bin_losses
from compute.models import language_model
from compute.models.evaluation import clustered_standard_error, evaluate, losses_and_entropies
from compute.suites.ladder.ladder_suite import load_ladder

CPU = torch.device("cpu")


def test_losses_and_entropies_against_torch():
    torch.manual_seed(0)
    logits = 5 * torch.randn(3, 7, 256)
    logits[0, 0] = 0
    logits[0, 0, 5] = 200.0  # certainty
    targets = torch.randint(0, 256, (3, 7))
    targets[0, 0] = 5
    losses, entropies = losses_and_entropies(logits, targets)
    expected = torch.distributions.Categorical(logits=logits.double())
    torch.testing.assert_close(losses, -expected.log_prob(targets), rtol=1e-9, atol=1e-12)
    torch.testing.assert_close(entropies, expected.entropy(), rtol=1e-9, atol=1e-12)
    assert losses[0, 0] == 0.0
    assert entropies[0, 0] < 1e-80


def test_a_whole_evaluation_does_not_depend_on_its_batches(monkeypatch):
    model = language_model.build(load_ladder("tiny").models[0]).eval()
    windows = np.random.default_rng(0).integers(1, 255, (150, 65))
    told = []
    whole = evaluate(model, windows, CPU, told.append, keep_tokens=True)
    assert told[-1] == 150 * 64 == whole.histogram.total_tokens
    assert whole.mean_loss_nats == pytest.approx(whole.window_token_losses.mean(), rel=1e-12)
    assert whole.histogram.mean_loss_nats >= whole.mean_loss_nats
    monkeypatch.setattr("compute.models.evaluation.BATCH_TOKENS", {"cpu": 64})
    single = evaluate(model, windows, CPU, told.append, keep_tokens=True)
    np.testing.assert_allclose(single.window_token_losses, whole.window_token_losses, atol=1e-5)
    rebinned = bin_losses(
        TokenLosses.of_tokens(whole.window_token_losses.ravel(), np.zeros(150 * 64))
    )
    assert rebinned.mean_loss_nats == pytest.approx(whole.histogram.mean_loss_nats, rel=1e-12)


def test_losses_that_are_not_finite_stop_the_evaluation():
    model = language_model.build(load_ladder("tiny").models[0]).eval()
    with torch.no_grad():
        model.get_output_embeddings().weight.fill_(float("nan"))
    with pytest.raises(ArithmeticError, match="nan, which is not finite"):
        evaluate(model, np.ones((2, 65), dtype=np.int64), CPU, lambda _: None)


def test_the_clustered_error_is_the_plain_one_for_clusters_of_one():
    losses = np.random.default_rng(0).exponential(1.5, 500)
    got = clustered_standard_error(losses, np.arange(500))
    assert got == pytest.approx(losses.std(ddof=1) / np.sqrt(500), rel=1e-12)


def test_the_clustered_error_against_a_bootstrap_over_documents():
    rng = np.random.default_rng(1)
    sizes = rng.integers(50, 400, 60)
    documents = np.repeat(np.arange(60), sizes)
    losses = rng.normal(1.5, 0.3, 60)[documents] + rng.normal(0, 1, sizes.sum())
    sums, counts = np.bincount(documents, losses), np.bincount(documents)
    draws = rng.integers(0, 60, (4000, 60))
    means = sums[draws].sum(1) / counts[draws].sum(1)
    got = clustered_standard_error(losses, documents)
    assert got == pytest.approx(means.std(), rel=0.08)
    assert got > 2 * losses.std() / np.sqrt(losses.size)


def test_one_document_has_no_standard_error():
    with pytest.raises(ValueError, match="at least 2 clusters, not 1"):
        clustered_standard_error(np.ones(5), np.zeros(5, dtype=int))
