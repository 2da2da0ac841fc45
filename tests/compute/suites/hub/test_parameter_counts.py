"""Counts of parameters against the published tables of two suites."""

import pytest
import torch
from transformers import GPT2Config, GPTNeoXConfig, PreTrainedConfig

from compute.suites.hub.parameter_counts import parameter_counts, parameter_counts_of
from tests.tiny_models import tiny_gpt2, tiny_llama, tiny_neox

#: Name -> (hidden size, layers, heads, vocabulary, all parameters, those not of embeddings).
PYTHIA = {
    "14m": (128, 6, 4, 50304, 14_067_712, 1_189_888),
    "31m": (256, 6, 8, 50304, 30_494_720, 4_739_072),
    "70m": (512, 6, 8, 50304, 70_426_624, 18_915_328),
    "160m": (768, 12, 12, 50304, 162_322_944, 85_056_000),
    "410m": (1024, 24, 16, 50304, 405_334_016, 302_311_424),
    "1b": (2048, 16, 8, 50304, 1_011_781_632, 805_736_448),
    "1.4b": (2048, 24, 16, 50304, 1_414_647_808, 1_208_602_624),
    "2.8b": (2560, 32, 32, 50304, 2_775_208_960, 2_517_652_480),
    "6.9b": (4096, 32, 32, 50432, 6_857_302_016, 6_444_163_072),
    "12b": (5120, 36, 40, 50688, 11_846_072_320, 11_327_027_200),
}
CEREBRAS = {
    "111M": (768, 10, 12, 50257, 111_050_496, 70_880_256),
    "256M": (1088, 14, 17, 50257, 255_977_024, 199_069_184),
    "590M": (1536, 18, 12, 50257, 590_310_912, 509_970_432),
    "1.3B": (2048, 24, 16, 50257, 1_315_723_264, 1_208_602_624),
    "2.7B": (2560, 32, 32, 50257, 2_651_553_280, 2_517_652_480),
    "6.7B": (4096, 32, 32, 50257, 6_658_404_352, 6_444_163_072),
    "13B": (5120, 40, 40, 50257, 12_853_386_240, 12_585_584_640),
}


def pythia(hidden: int, layers: int, heads: int, vocabulary: int) -> PreTrainedConfig:
    return GPTNeoXConfig(
        vocab_size=vocabulary,
        hidden_size=hidden,
        num_hidden_layers=layers,
        num_attention_heads=heads,
        intermediate_size=4 * hidden,
        max_position_embeddings=2048,
        tie_word_embeddings=False,
    )


def cerebras(hidden: int, layers: int, heads: int, vocabulary: int) -> PreTrainedConfig:
    return GPT2Config(
        vocab_size=vocabulary,
        n_embd=hidden,
        n_layer=layers,
        n_head=heads,
        n_inner=4 * hidden,
        n_positions=2048,
    )


@pytest.mark.parametrize(
    ("config_for", "row"),
    [(pythia, row) for row in PYTHIA.values()] + [(cerebras, row) for row in CEREBRAS.values()],
    ids=[f"pythia-{name}" for name in PYTHIA] + [f"cerebras-{name}" for name in CEREBRAS],
)
def test_published_counts(config_for, row):
    *shape, total, nonembedding = row
    assert parameter_counts_of(config_for(*shape)) == (total - nonembedding, nonembedding)


@pytest.mark.parametrize(
    "model",
    [tiny_neox(0), tiny_gpt2(0), tiny_llama(0, tied=False), tiny_llama(0, tied=True)],
    ids=["neox", "gpt2", "llama", "llama-tied"],
)
def test_a_shape_counts_as_the_model_that_is_built(model):
    embedding, other = parameter_counts(model)
    assert parameter_counts_of(model.config) == (embedding, other)
    assert embedding + other == sum(p.numel() for p in model.parameters())


def test_what_counts_as_embedding():
    vocabulary, context, hidden = 300, 32, 16
    assert parameter_counts(tiny_gpt2(0))[0] == (vocabulary + context) * hidden
    tied, untied = (parameter_counts(tiny_llama(0, tied=tied)) for tied in (True, False))
    assert (tied[0], untied[0]) == (320 * hidden, 2 * 320 * hidden)
    assert tied[1] == untied[1]


def test_nothing_is_left_on_the_meta_device():
    parameter_counts_of(tiny_neox(0).config)
    assert torch.zeros(1).device.type == "cpu"
