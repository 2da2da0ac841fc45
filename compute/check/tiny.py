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
    PreTrainedModel,
    PreTrainedTokenizerFast,
)

#: Ids of the tokenizer; the first of them ends a document.
VOCABULARY = 300
CONTEXT = 64

#: Spread of the random weights: at the usual 0.02 every prediction would be nearly uniform, and
#: whatever a device did to it would not show.
_SPREAD = 0.15

_ENDS = {"bos_token_id": 0, "eos_token_id": 0}


def models() -> dict[str, PreTrainedModel]:
    """By name: untied ends and padded logits; ``Conv1D`` layers and tied ends; grouped attention
    and a gated MLP.  Their windows are of ``CONTEXT`` tokens."""
    neox = GPTNeoXConfig(
        vocab_size=VOCABULARY + 20,
        hidden_size=64,
        num_hidden_layers=2,
        num_attention_heads=4,
        intermediate_size=256,
        max_position_embeddings=CONTEXT,
        tie_word_embeddings=False,
        initializer_range=_SPREAD,
        **_ENDS,
    )
    gpt2 = GPT2Config(
        vocab_size=VOCABULARY,
        n_embd=48,
        n_layer=2,
        n_head=3,
        n_positions=CONTEXT,
        resid_pdrop=0.0,
        embd_pdrop=0.0,
        attn_pdrop=0.0,
        initializer_range=_SPREAD,
        **_ENDS,
    )
    llama = LlamaConfig(
        vocab_size=VOCABULARY,
        hidden_size=64,
        intermediate_size=160,
        num_hidden_layers=2,
        num_attention_heads=4,
        num_key_value_heads=2,
        max_position_embeddings=CONTEXT,
        tie_word_embeddings=False,
        initializer_range=_SPREAD,
        **_ENDS,
    )
    made = {}
    for seed, (name, architecture, config) in enumerate(
        (
            ("gpt-neox", GPTNeoXForCausalLM, neox),
            ("gpt2", GPT2LMHeadModel, gpt2),
            ("llama", LlamaForCausalLM, llama),
        )
    ):
        with torch.random.fork_rng(devices=[]):
            torch.manual_seed(seed)
            made[name] = architecture(config).eval()
    return made


def texts() -> list[str]:
    """A few hundred kilobytes that every machine has: modules of Python's own library."""
    library = Path(sysconfig.get_path("stdlib"))
    files = [file for name in ("email", "json") for file in sorted(library.glob(f"{name}/*.py"))]
    return [file.read_text(encoding="utf-8") for file in files]


def tokenizer() -> PreTrainedTokenizerFast:
    """A byte-level BPE tokenizer of ``VOCABULARY`` ids."""
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
        model_max_length=CONTEXT,
    )


def windows(count: int, seed: int) -> torch.Tensor:
    """Random token ids, shape (count, CONTEXT + 1), int64."""
    generator = torch.Generator().manual_seed(seed)
    return torch.randint(0, VOCABULARY, (count, CONTEXT + 1), generator=generator)
