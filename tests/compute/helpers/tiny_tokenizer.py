"""A byte-level BPE tokenizer of a few hundred tokens, made in a moment."""

import functools

from tokenizers import Tokenizer, decoders, models, pre_tokenizers, trainers
from transformers import PreTrainedTokenizerFast

TEXT = "the quick brown fox jumps over the lazy dog\n\nwindows of tokens, tokens of windows\n" * 20


@functools.cache
def _trained() -> str:
    tokenizer = Tokenizer(models.BPE())
    tokenizer.pre_tokenizer = pre_tokenizers.ByteLevel(add_prefix_space=False)
    tokenizer.decoder = decoders.ByteLevel()
    trainer = trainers.BpeTrainer(
        vocab_size=300,
        special_tokens=["<|end|>"],
        initial_alphabet=pre_tokenizers.ByteLevel.alphabet(),
        show_progress=False,
    )
    tokenizer.train_from_iterator([TEXT], trainer)
    return tokenizer.to_str()


def tokenizer(**special) -> PreTrainedTokenizerFast:
    """With ``<|end|>`` as the end of text, or other special tokens."""
    special = special or {"eos_token": "<|end|>"}
    of = Tokenizer.from_str(_trained())
    return PreTrainedTokenizerFast(tokenizer_object=of, model_max_length=64, **special)
