"""Tiny causal language models and a tokenizer, made here from a seed, with real files."""

import sysconfig
from pathlib import Path

import torch
from tokenizers import ByteLevelBPETokenizer
from transformers import (
    AutoTokenizer,
    GPT2Config,
    GPT2LMHeadModel,
    GPTNeoXConfig,
    GPTNeoXForCausalLM,
    LlamaConfig,
    LlamaForCausalLM,
    PreTrainedModel,
    PreTrainedTokenizerBase,
    PreTrainedTokenizerFast,
)

END_OF_TEXT = "<|endoftext|>"

#: Ids that the tokenizer uses; the models' vocabularies are padded beyond it.
TOKENS_USED = 300
CONTEXT = 32


def texts() -> list[str]:
    """A few hundred kilobytes of real text: modules of the standard library."""
    stdlib = Path(sysconfig.get_path("stdlib"))
    return [
        path.read_text()
        for name in ("email", "json")
        for path in sorted(stdlib.glob(f"{name}/*.py"))
    ]


def make_tokenizer(folder: Path) -> PreTrainedTokenizerBase:
    """A byte-level BPE tokenizer of ``TOKENS_USED`` ids, saved as ``AutoTokenizer`` loads it."""
    trained = ByteLevelBPETokenizer()
    trained.train_from_iterator(
        texts(), vocab_size=TOKENS_USED, special_tokens=[END_OF_TEXT], show_progress=False
    )
    tokenizer = PreTrainedTokenizerFast(
        tokenizer_object=trained._tokenizer,
        bos_token=END_OF_TEXT,
        eos_token=END_OF_TEXT,
        unk_token=END_OF_TEXT,
        model_max_length=CONTEXT,
    )
    tokenizer.save_pretrained(folder)
    return AutoTokenizer.from_pretrained(folder, local_files_only=True)


def tiny_neox(
    seed: int, *, layers: int = 2, hidden: int = 16, vocabulary: int = 320
) -> GPTNeoXForCausalLM:
    """17 thousand parameters: untied, the vocabulary padded beyond the tokenizer's, as Pythia's."""
    config = GPTNeoXConfig(
        vocab_size=vocabulary,
        hidden_size=hidden,
        num_hidden_layers=layers,
        num_attention_heads=2,
        intermediate_size=4 * hidden,
        max_position_embeddings=CONTEXT,
        tie_word_embeddings=False,
        bos_token_id=0,
        eos_token_id=0,
    )
    return _seeded(GPTNeoXForCausalLM, config, seed)


def tiny_gpt2(seed: int, *, layers: int = 2, hidden: int = 16) -> GPT2LMHeadModel:
    """12 thousand parameters: ``Conv1D`` layers, tied, learned positions, as Cerebras-GPT's."""
    config = GPT2Config(
        vocab_size=TOKENS_USED,
        n_embd=hidden,
        n_layer=layers,
        n_head=2,
        n_inner=4 * hidden,
        n_positions=CONTEXT,
        resid_pdrop=0.0,
        embd_pdrop=0.0,
        attn_pdrop=0.0,
        bos_token_id=0,
        eos_token_id=0,
    )
    return _seeded(GPT2LMHeadModel, config, seed)


def tiny_llama(seed: int, *, tied: bool = False, layers: int = 2) -> LlamaForCausalLM:
    """Grouped attention (4 heads, 2 of keys and values), gated MLP, no biases."""
    config = LlamaConfig(
        vocab_size=320,
        hidden_size=16,
        intermediate_size=40,
        num_hidden_layers=layers,
        num_attention_heads=4,
        num_key_value_heads=2,
        max_position_embeddings=CONTEXT,
        tie_word_embeddings=tied,
        bos_token_id=0,
        eos_token_id=0,
    )
    return _seeded(LlamaForCausalLM, config, seed)


def token_windows(tokenizer: PreTrainedTokenizerBase, count: int) -> torch.Tensor:
    """The first ``count`` windows of ``texts``, one text after another, (count, CONTEXT) int64."""
    ids, needed = [], count * CONTEXT
    for text in texts():
        ids += [tokenizer.eos_token_id, *tokenizer(text, verbose=False)["input_ids"]]
        if len(ids) >= needed:
            break
    return torch.tensor(ids[:needed]).view(count, CONTEXT)


def train(model: PreTrainedModel, windows: torch.Tensor, rate: float = 0.01) -> float:
    """One AdamW step for every 16 windows; the loss of the last batch before its step, nats."""
    optimizer = torch.optim.AdamW(model.parameters(), lr=rate, weight_decay=0.0)
    model.train()
    for batch in windows.split(16):
        loss = model(input_ids=batch, labels=batch).loss
        optimizer.zero_grad()
        loss.backward()
        optimizer.step()
    model.eval()
    return loss.item()


def _seeded(architecture, config, seed: int):
    with torch.random.fork_rng(devices=[]):
        torch.manual_seed(seed)
        return architecture(config).eval()
