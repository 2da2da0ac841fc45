"""What is drawn side by side is what the model of transformers predicts."""

import pytest
import torch
from scipy.stats import chisquare
from transformers import GPTNeoXConfig, GPTNeoXForCausalLM

from compute.models.requential.sampler import Sampler

CPU = torch.device("cpu")
VOCABULARY, CONTEXT = 7, 12


@pytest.fixture(scope="module", params=[2, 8], ids=["wide heads", "a lone entry turned"])
def model(request) -> GPTNeoXForCausalLM:
    config = GPTNeoXConfig(
        vocab_size=VOCABULARY,
        hidden_size=32,
        num_hidden_layers=2,
        num_attention_heads=request.param,
        intermediate_size=96,
        max_position_embeddings=CONTEXT,
    )
    with torch.random.fork_rng(devices=[]):
        torch.manual_seed(0)
        model = GPTNeoXForCausalLM(config).eval()
        for parameter in model.parameters():  # predictions far from uniform, biases not 0
            parameter.data += 0.3 * torch.randn_like(parameter)
    return model


def weights(model) -> dict[str, torch.Tensor]:
    return {name: parameter.detach() for name, parameter in model.named_parameters()}


def drawn(model, windows, seed=0):
    sampler = Sampler(model.config, windows, CONTEXT, CPU)
    first = torch.arange(windows) % VOCABULARY
    return sampler.draw(weights(model), first, torch.Generator().manual_seed(seed))


def test_each_probability_is_the_one_that_transformers_gives(model):
    tokens, logs = drawn(model, 50)
    assert torch.equal(tokens[:, 0], torch.arange(50) % VOCABULARY)
    with torch.inference_mode():
        predicted = torch.log_softmax(model(tokens[:, :-1]).logits.double(), dim=-1)
    expected = predicted.gather(-1, tokens[:, 1:, None])[..., 0]
    torch.testing.assert_close(logs, expected, atol=1e-5, rtol=0)
    assert logs.std() > 0.5  # some were likely and some were not


def test_tokens_are_drawn_as_often_as_predicted(model):
    """At the last place of windows that agree before it, where all of the cache is used."""
    sampler = Sampler(model.config, 6000, CONTEXT, CPU)
    tokens, _ = sampler.draw(weights(model), torch.zeros(6000, dtype=torch.int64), _generator(1))
    with torch.inference_mode():
        predicted = torch.softmax(model(tokens[:, :-1]).logits.double(), dim=-1)
    for place in (0, CONTEXT - 1):
        counts = torch.bincount(tokens[:, place + 1], minlength=VOCABULARY)
        expected = predicted[:, place].sum(dim=0)  # over whatever came before
        assert chisquare(counts.numpy(), expected.numpy()).pvalue > 1e-3


def test_fewer_windows_than_there_is_room_for_are_the_same_ones(model):
    few, _ = drawn(model, 3)
    sampler = Sampler(model.config, 8, CONTEXT, CPU)
    sampler.draw(weights(model), torch.ones(8, dtype=torch.int64), _generator(5))  # leaves keys
    again, _ = sampler.draw(weights(model), torch.arange(3), _generator(0))
    assert torch.equal(few, again)


def _generator(seed: int) -> torch.Generator:
    return torch.Generator().manual_seed(seed)
