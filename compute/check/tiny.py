"""Three tiny causal language models of different architecture, and a tokenizer, from seeds."""

import sysconfig
from pathlib import Path

import torch
from tokenizers import ByteLevelBPETokenizer
from transformers import (
    GPT2Config,
    GPT2LMHeadModel,
    GPTNeoXConfig,
    GPTNeoXForCausalLM,
    LlamaConfig,
    LlamaForCausalLM,
    PreTrainedConfig,
    PreTrainedModel,
    PreTrainedTokenizerFast,
)

#: Ids of the tokenizer; the first of them ends a document.
VOCABULARY = 300
CONTEXT = 64

#: Spread of the random weights: at the usual 0.02 every prediction would be almost uniform, and
#: errors of a device would be invisible.
_SPREAD = 0.15

_ENDS = {"bos_token_id": 0, "eos_token_id": 0}


def models() -> dict[str, PreTrainedModel]:
    """The tiny models by name; their windows have ``CONTEXT`` tokens.

    Untied embeddings and padded logits; ``Conv1D`` layers and tied embeddings; grouped attention
    and a gated MLP.
    """
    return {"gpt-neox": gpt_neox(0), "gpt2": gpt2(1), "llama": llama(2)}


def gpt_neox(
    seed: int,
    *,
    width: int = 64,
    layers: int = 2,
    heads: int = 4,
    vocabulary: int = VOCABULARY + 20,
    context: int = CONTEXT,
    spread: float = _SPREAD,
) -> GPTNeoXForCausalLM:
    """A model with untied embeddings and a vocabulary padded beyond the tokenizer's, as Pythia's.

    Args:
        seed: of the weights.
        spread: standard deviation of the weights.
    """
    config = GPTNeoXConfig(
        vocab_size=vocabulary,
        hidden_size=width,
        num_hidden_layers=layers,
        num_attention_heads=heads,
        intermediate_size=4 * width,
        max_position_embeddings=context,
        tie_word_embeddings=False,
        initializer_range=spread,
        **_ENDS,
    )
    return _seeded(GPTNeoXForCausalLM, config, seed)


def gpt2(
    seed: int,
    *,
    width: int = 48,
    layers: int = 2,
    heads: int = 3,
    context: int = CONTEXT,
    spread: float = _SPREAD,
) -> GPT2LMHeadModel:
    """A model with ``Conv1D`` layers, tied embeddings, learned positions, as Cerebras-GPT's."""
    config = GPT2Config(
        vocab_size=VOCABULARY,
        n_embd=width,
        n_layer=layers,
        n_head=heads,
        n_inner=4 * width,
        n_positions=context,
        resid_pdrop=0.0,
        embd_pdrop=0.0,
        attn_pdrop=0.0,
        initializer_range=spread,
        **_ENDS,
    )
    return _seeded(GPT2LMHeadModel, config, seed)


def llama(
    seed: int,
    *,
    width: int = 64,
    layers: int = 2,
    tied: bool = False,
    vocabulary: int = VOCABULARY,
    context: int = CONTEXT,
    spread: float = _SPREAD,
) -> LlamaForCausalLM:
    """A model with grouped attention (4 heads, 2 of keys and values), a gated MLP, no biases."""
    config = LlamaConfig(
        vocab_size=vocabulary,
        hidden_size=width,
        intermediate_size=5 * width // 2,
        num_hidden_layers=layers,
        num_attention_heads=4,
        num_key_value_heads=2,
        max_position_embeddings=context,
        tie_word_embeddings=tied,
        initializer_range=spread,
        **_ENDS,
    )
    return _seeded(LlamaForCausalLM, config, seed)


def texts() -> list[str]:
    """A few hundred kilobytes that every machine has: modules of Python's own library."""
    library = Path(sysconfig.get_path("stdlib"))
    files = [file for name in ("email", "json") for file in sorted(library.glob(f"{name}/*.py"))]
    return [file.read_text(encoding="utf-8") for file in files]


def tokenizer(context: int = CONTEXT) -> PreTrainedTokenizerFast:
    """A byte-level BPE tokenizer of ``VOCABULARY`` ids, for models of windows of ``context``."""
    trained = ByteLevelBPETokenizer()
    end = "<|endoftext|>"
    trained.train_from_iterator(
        texts(), vocab_size=VOCABULARY, special_tokens=[end], show_progress=False
    )
    return PreTrainedTokenizerFast(
        tokenizer_object=trained._tokenizer,
        bos_token=end,
        eos_token=end,
        unk_token=end,
        model_max_length=context,
    )


def windows(count: int, seed: int) -> torch.Tensor:
    """Random token ids, shape (count, CONTEXT + 1), int64."""
    generator = torch.Generator().manual_seed(seed)
    return torch.randint(0, VOCABULARY, (count, CONTEXT + 1), generator=generator)


def _seeded(
    architecture: type[PreTrainedModel], config: PreTrainedConfig, seed: int
) -> PreTrainedModel:
    with torch.random.fork_rng(devices=[]):
        torch.manual_seed(seed)
        return architecture(config).eval()
