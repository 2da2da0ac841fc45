"""Tiny causal language models and a tokenizer, those of ``compute check`` but smaller."""

from pathlib import Path

import torch
from transformers import (
    AutoTokenizer,
    GPT2LMHeadModel,
    GPTNeoXForCausalLM,
    LlamaForCausalLM,
    PreTrainedModel,
    PreTrainedTokenizerBase,
)

from compute.check import tiny
from compute.check.tiny import texts

#: Ids that the tokenizer uses; the models' vocabularies are padded beyond it.
TOKENS_USED = tiny.VOCABULARY
CONTEXT = 32

#: Windows, and the spread of random weights that transformers draws where none is asked for.
_USUAL = {"context": CONTEXT, "spread": 0.02}


def make_tokenizer(folder: Path) -> PreTrainedTokenizerBase:
    """A byte-level BPE tokenizer of ``TOKENS_USED`` ids, saved as ``AutoTokenizer`` loads it."""
    tiny.tokenizer(CONTEXT).save_pretrained(folder)
    return AutoTokenizer.from_pretrained(folder, local_files_only=True)


def tiny_neox(
    seed: int, *, layers: int = 2, hidden: int = 16, vocabulary: int = 320
) -> GPTNeoXForCausalLM:
    """17 thousand parameters: untied, the vocabulary padded beyond the tokenizer's, as Pythia's."""
    shape = {"width": hidden, "layers": layers, "heads": 2, "vocabulary": vocabulary}
    return tiny.gpt_neox(seed, **shape, **_USUAL)


def tiny_gpt2(seed: int, *, layers: int = 2, hidden: int = 16) -> GPT2LMHeadModel:
    """12 thousand parameters: ``Conv1D`` layers, tied, learned positions, as Cerebras-GPT's."""
    return tiny.gpt2(seed, width=hidden, layers=layers, heads=2, **_USUAL)


def tiny_llama(seed: int, *, tied: bool = False, layers: int = 2) -> LlamaForCausalLM:
    """Grouped attention (4 heads, 2 of keys and values), gated MLP, no biases."""
    return tiny.llama(seed, width=16, layers=layers, tied=tied, vocabulary=320, **_USUAL)


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
