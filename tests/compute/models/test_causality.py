"""Models whose predictions see what they are to predict are found, and no others."""

from types import SimpleNamespace

import pytest
import torch
from torch import nn

from compute.models.causality import check_causal
from tests.tiny_models import CONTEXT, TOKENS_USED, tiny_gpt2, tiny_llama, tiny_neox

V = 50


class Mixing(nn.Module):
    """Each position sees the others through a fixed matrix of weights, shape (T, T)."""

    def __init__(self, weights: torch.Tensor):
        super().__init__()
        generator = torch.Generator().manual_seed(0)
        self.embedding = nn.Embedding(V, 8, _weight=torch.randn(V, 8, generator=generator))
        self.out = nn.Linear(8, V)
        self.weights = weights

    def get_input_embeddings(self):
        return self.embedding

    def forward(self, ids, use_cache):
        length = ids.shape[1]
        mixed = self.weights[:length, :length] @ self.embedding(ids)
        return SimpleNamespace(logits=self.out(mixed))


def causal() -> torch.Tensor:
    return torch.tril(torch.rand(64, 64, generator=torch.Generator().manual_seed(1)))


@pytest.mark.parametrize("context", [2, 3, 5, 31, 32, 2048])
def test_a_causal_model_passes(context):
    check_causal(Mixing(causal()), V, context)


@pytest.mark.parametrize("make", [tiny_neox, tiny_gpt2, tiny_llama])
def test_architectures_of_the_suites_pass(make):
    check_causal(make(seed=0), TOKENS_USED, CONTEXT)


@pytest.mark.parametrize("context", [2, 3, 5, 31, 32, 2048])
@pytest.mark.parametrize("share", [1.0, 0.01])
@pytest.mark.parametrize(
    "ahead",
    [torch.ones(64, 64), torch.diag(torch.ones(63), 1)],
    ids=["sees everything", "sees the next token alone"],
)
def test_a_model_that_looks_ahead_is_refused(ahead, share, context):
    """Also one whose every prediction sees nothing later than its own target."""
    with pytest.raises(ValueError, match="it is not a causal model: its predictions change by"):
        check_causal(Mixing(causal() + share * ahead), V, context)


def test_a_model_whose_predictions_are_not_finite_is_refused():
    """Nothing is larger than a NaN, so a change of NaN would pass."""
    model = tiny_neox(seed=0)
    with torch.no_grad():
        model.get_input_embeddings().weight.fill_(float("nan"))
    with pytest.raises(ValueError, match="its predictions are not finite"):
        check_causal(model, TOKENS_USED, CONTEXT)


def test_padded_logits_do_not_matter():
    model = tiny_neox(seed=0)
    with torch.no_grad():
        model.get_output_embeddings().weight[TOKENS_USED:] = float("inf")
    check_causal(model, TOKENS_USED, CONTEXT)
