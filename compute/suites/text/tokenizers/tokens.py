"""Documents through a tokenizer, some at a time, and what identifies the tokenizer."""

import hashlib
import json
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from tempfile import TemporaryDirectory

from transformers import PreTrainedTokenizerBase

from compute.base.errors import InputError

#: Characters that are tokenized at once, and those of the longest piece of one document: a
#: tokenizer needs about a hundred bytes of memory for each.
BATCH_CHARACTERS = 2**20


#: Every tokenizer gives some tokens for it.
_ANY_TEXT = "The text."


@dataclass(frozen=True)
class TokenPiece:
    """Tokens of a document, or of a part of a long one.

    Attributes:
        document: its index.
        ids: tokens, none that the tokenizer adds around a text.
        bytes: UTF-8 bytes of the piece.
        ends: whether it is the document's last.
    """

    document: int
    ids: list[int]
    bytes: int
    ends: bool


def token_pieces(
    documents: tuple[bytes, ...], tokenizer: PreTrainedTokenizerBase
) -> Iterator[TokenPiece]:
    """Tokens of the documents in order; no more is tokenized ahead than one batch.

    A very long document is cut at the end of a line.  Most tokenizers give the same tokens for it
    in pieces; those that mark the beginning of a text mark that of a piece.
    """
    pieces = _pieces(documents)
    while batch := list(_batch(pieces)):
        found = tokenizer(
            [text for _, text, _ in batch],
            add_special_tokens=False,
            return_attention_mask=False,
            return_token_type_ids=False,
            verbose=False,  # no word on documents longer than the model's context: they are cut
        )["input_ids"]
        for (document, text, ends), ids in zip(batch, found, strict=True):
            yield TokenPiece(document, ids, len(text.encode()), ends)


def document_end(tokenizer: PreTrainedTokenizerBase, vocab_size: int | None = None) -> int:
    """The token that ends a document: that of the end of text, else that of its beginning.

    Args:
        vocab_size: V, if the model predicts fewer tokens than the tokenizer has.

    Raises:
        InputError: there is neither, or the model does not predict it.
    """
    tokens = [t for t in (tokenizer.eos_token_id, tokenizer.bos_token_id) if t is not None]
    for token in tokens:
        if vocab_size is None or token < vocab_size:
            return token
    if tokens:
        raise InputError(
            f"The tokenizer ends a document with the token {tokens[0]:,}, and the model predicts "
            f"{vocab_size:,} tokens; they do not belong together."
        )
    raise InputError(
        "The tokenizer has neither an end-of-text nor a beginning-of-text token, so documents "
        "cannot be told apart; use a model whose tokenizer has one."
    )


def known_ids(tokenizer: PreTrainedTokenizerBase) -> int:
    """One more than the largest id that the tokenizer gives; some of those below may be unused."""
    return max(len(tokenizer), 1 + max(tokenizer.get_vocab().values(), default=-1))


def text_prefix(tokenizer: PreTrainedTokenizerBase) -> tuple[int, ...]:
    """The tokens that the tokenizer puts before every text, such as the beginning of a sequence."""
    plain = tokenizer(_ANY_TEXT, add_special_tokens=False)["input_ids"]
    whole = tokenizer(_ANY_TEXT)["input_ids"]
    for start in range(len(whole) - len(plain) + 1):
        if whole[start : start + len(plain)] == plain:
            return tuple(whole[:start])
    return ()


def tokenizer_digest(tokenizer: PreTrainedTokenizerBase) -> str:
    """SHA-256 of what determines the tokens of a text, wherever the tokenizer was loaded from."""
    what: dict = {
        "class": type(tokenizer).__name__,
        "vocabulary": sorted(tokenizer.get_vocab().items()),
        "ends": [tokenizer.eos_token_id, tokenizer.bos_token_id],
    }
    if tokenizer.is_fast:
        rules = json.loads(tokenizer.backend_tokenizer.to_str())
        what["rules"] = {**rules, "truncation": None, "padding": None}  # left by earlier calls
    else:
        with TemporaryDirectory() as folder:
            files = sorted(Path(file) for file in tokenizer.save_vocabulary(folder))
            what["files"] = [hashlib.sha256(file.read_bytes()).hexdigest() for file in files]
    return hashlib.sha256(json.dumps(what, sort_keys=True).encode()).hexdigest()


def _pieces(documents: tuple[bytes, ...]) -> Iterator[tuple[int, str, bool]]:
    """(document, text, whether it is the document's last) of pieces of bounded length."""
    for index, document in enumerate(documents):
        text = document.decode()
        start = 0
        while len(text) - start > BATCH_CHARACTERS:
            cut = _line_end(text, start)
            yield index, text[start:cut], False
            start = cut
        yield index, text[start:], True


def _line_end(text: str, start: int) -> int:
    """Where to cut: after the last line in reach that ends with a letter or a digit.

    Tokenizers that first split a text into words, from left to right, split it there too; they may
    not do so inside white space, or between a full stop and the end of its line.
    """
    most = start + BATCH_CHARACTERS
    cut = text.rfind("\n", start + 1, most)
    while cut > start and not text[cut - 1].isalnum():
        cut = text.rfind("\n", start + 1, cut)
    return cut if cut > start else most


def _batch(pieces: Iterator[tuple[int, str, bool]]) -> Iterator[tuple[int, str, bool]]:
    """Pieces until they reach ``BATCH_CHARACTERS``."""
    size = 0
    for piece in pieces:
        yield piece
        size += len(piece[1]) + 1
        if size >= BATCH_CHARACTERS:
            return
