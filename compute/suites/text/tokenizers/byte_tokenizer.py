"""The tokenizer of models that are trained here: one token a byte, its id the byte's value."""

from tokenizers import Tokenizer, decoders, pre_tokenizers
from tokenizers.models import BPE
from transformers import PreTrainedTokenizerFast

#: Bytes that byte-level tokenizers write as the character of that number; they write the others, in
#: their order, as the characters from 256 on.
_PRINTABLE = [*range(ord("!"), ord("~") + 1), *range(ord("¡"), ord("¬") + 1)]
_PRINTABLE += [*range(ord("®"), ord("ÿ") + 1)]


def byte_tokenizer() -> PreTrainedTokenizerFast:
    """Without special tokens: byte 0 ends a document, as the model's configuration says."""
    others = [byte for byte in range(256) if byte not in _PRINTABLE]
    characters = {chr(byte): byte for byte in _PRINTABLE}
    characters |= {chr(256 + place): byte for place, byte in enumerate(others)}
    tokenizer = Tokenizer(BPE(vocab=characters, merges=[]))
    tokenizer.pre_tokenizer = pre_tokenizers.ByteLevel(add_prefix_space=False, use_regex=False)
    tokenizer.decoder = decoders.ByteLevel()
    return PreTrainedTokenizerFast(
        tokenizer_object=tokenizer, clean_up_tokenization_spaces=False, add_bos_token=False
    )
