"""A corpus as windows of a model's own tokens: what stands in for the text it was trained on."""

import json
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path

import numpy as np
from transformers import PreTrainedTokenizerBase

from compute.base.errors import InputError
from compute.base.folders import first_folder
from compute.suites.text.corpora.corpus import Corpus
from compute.suites.text.tokenizers.tokens import (
    document_end,
    known_ids,
    token_pieces,
    tokenizer_digest,
)


@dataclass(frozen=True)
class TokenizedText:
    """Token windows of a corpus, memory-mapped so that workers share them.

    The first column of a window is only context: the others are predicted, each once.

    Attributes:
        training: shape (windows, context + 1), uint16 or int32, in random order.
        heldout: shape (windows, context + 1), of the same type.
        heldout_documents: shape (windows, context), int32, document of each predicted token.
        bytes_per_token: UTF-8 bytes of the training text over its tokens, the end of a document
            counting as one token of one byte.
    """

    training: np.ndarray
    heldout: np.ndarray
    heldout_documents: np.ndarray
    bytes_per_token: float


@dataclass(frozen=True)
class TokenizedFiles:
    """Where a corpus has been tokenized; small, and can be pickled."""

    folder: Path

    def open(self) -> TokenizedText:
        """Map the files into memory."""
        arrays = (
            np.load(self.folder / f"{name}.npy", mmap_mode="r")
            for name in ("training", "heldout", "heldout_documents")
        )
        return TokenizedText(*arrays, **json.loads((self.folder / "text.json").read_text()))


def tokenize(
    corpus: Corpus,
    tokenizer: PreTrainedTokenizerBase,
    context: int,
    seed: int,
    cache_dir: Path,
    most_windows: int,
    report: Callable[[float], None] = lambda share: None,
    *,
    vocab_size: int | None = None,
    begin: int | None = None,
) -> TokenizedFiles:
    """Join documents, cut windows that predict every token once, shuffle those of training.

    The stream is every document followed by the token that ends one, with another such token
    before the first.  Windows overlap in one token: the last that one predicts is the context that
    the next begins with.  Where ``begin`` is given it takes that token's place, so that a window
    neither grows nor predicts anything else.  What does not fill a window is dropped (section 0:
    one fixed tiling).

    Args:
        corpus: documents in random order.
        tokenizer: of the model.
        context: T, tokens that a window predicts.
        seed: of the order of training windows.
        cache_dir: the result is kept under it, and found again there.
        most_windows: training text is tokenized until it fills so many windows.
        report: told the share of the training text that is done.
        vocab_size: V, tokens that the model predicts; None for all that the tokenizer has.
        begin: a token that every window begins with, as context only; None for the one that comes
            before it in the text.

    Raises:
        InputError: the tokenizer has no token for the end of a document, gives a token beyond the
            vocabulary or none at all, or the text is too short for one window, or for held-out
            windows of two documents.
    """
    known = known_ids(tokenizer)
    vocab_size = min(known, vocab_size or known)
    folder = windows_folder(
        corpus,
        tokenizer,
        context,
        seed,
        cache_dir,
        most_windows,
        vocab_size=vocab_size,
        begin=begin,
    )
    if folder.exists():
        report(1.0)
        return TokenizedFiles(folder)
    end = document_end(tokenizer, vocab_size)
    most_tokens = most_windows * context
    training = _stream(corpus.training, tokenizer, vocab_size, end, most_tokens, report)
    heldout = _stream(corpus.heldout, tokenizer, vocab_size, end, None)
    if not training.tokens or not heldout.tokens:
        raise InputError(
            f"The tokenizer gives no tokens for the text of the corpus {corpus.name}; it does not "
            "fit this text."
        )
    if min(training.predicted, heldout.predicted) < context:
        raise InputError(
            f"The corpus {corpus.name} holds {training.predicted:,} tokens for training and "
            f"{heldout.predicted:,} held out, too few for one window of {context} each; use more "
            "text."
        )
    documents = heldout.owners[: heldout.predicted // context * context].reshape(-1, context)
    if documents[0, 0] == documents[-1, -1]:
        raise InputError(
            f"The held-out windows of the corpus {corpus.name} all come from one document, so the "
            "held-out loss would have no standard error; use a corpus of more, shorter documents."
        )
    windows = _windows(training.ids, context)[:most_windows]
    order = np.random.default_rng(seed).permutation(len(windows))
    with first_folder(folder) as ready:
        np.save(ready / "training.npy", _begun(windows[order], begin))
        np.save(ready / "heldout.npy", _begun(_windows(heldout.ids, context), begin))
        np.save(ready / "heldout_documents.npy", documents)
        described = {"bytes_per_token": training.bytes / training.predicted}
        (ready / "text.json").write_text(json.dumps(described))
    report(1.0)
    return TokenizedFiles(folder)


def windows_folder(
    corpus: Corpus,
    tokenizer: PreTrainedTokenizerBase,
    context: int,
    seed: int,
    cache_dir: Path,
    most_windows: int,
    *,
    vocab_size: int | None = None,
    begin: int | None = None,
) -> Path:
    """Where ``tokenize`` keeps its result."""
    known = known_ids(tokenizer)
    key = f"{corpus.fingerprint[:16]}-{tokenizer_digest(tokenizer)[:16]}"
    key += f"-{context}-{seed}-{most_windows}"
    key += "" if min(known, vocab_size or known) == known else f"-v{vocab_size}"
    key += "" if begin is None else f"-begin{begin}"
    return cache_dir / "windows" / key


@dataclass(frozen=True)
class _Stream:
    """Tokens of documents, each ended.

    Attributes:
        ids: shape (predicted + 1,), the first only context.
        lengths: predicted tokens of each document.
        tokens: of text, ends of documents not counted.
        bytes: of all that is predicted, ends counted as one.
    """

    ids: np.ndarray
    lengths: list[int]
    tokens: int
    bytes: int

    @property
    def predicted(self) -> int:
        return len(self.ids) - 1

    @property
    def owners(self) -> np.ndarray:
        """Document of each predicted token, shape (predicted,), int32."""
        return np.repeat(np.arange(len(self.lengths), dtype=np.int32), self.lengths)


def _stream(
    documents: tuple[bytes, ...],
    tokenizer: PreTrainedTokenizerBase,
    vocab_size: int,
    end: int,
    most_tokens: int | None,
    report: Callable[[float], None] = lambda share: None,
) -> _Stream:
    """The documents, as far as they are needed for ``most_tokens`` predictions; None for all."""
    parts = [np.array([end], np.uint16 if vocab_size <= 2**16 else np.int32)]
    lengths = [0] * len(documents)
    total_bytes = sum(len(document) + 1 for document in documents)
    predicted = tokens = size = 0
    for piece in token_pieces(documents, tokenizer):
        ids = np.array([*piece.ids, end] if piece.ends else piece.ids, dtype=np.int64)
        if ids.size and not 0 <= ids.min() <= ids.max() < vocab_size:
            raise InputError(
                f"The text holds {tokenizer.convert_ids_to_tokens(int(ids.max()))!r}, the token "
                f"{ids.max():,}, and the model predicts {vocab_size:,} tokens; use a text without "
                "it, or the tokenizer of this model."
            )
        parts.append(ids.astype(parts[0].dtype))
        lengths[piece.document] += len(ids)
        predicted += len(ids)
        tokens += len(piece.ids)
        size += piece.bytes + piece.ends
        done = 0.0 if most_tokens is None else predicted / most_tokens
        report(min(1.0, max(done, size / total_bytes)))
        if done >= 1:
            break
    return _Stream(np.concatenate(parts), lengths, tokens, size)


def _begun(windows: np.ndarray, begin: int | None) -> np.ndarray:
    """The windows with ``begin`` as the token that is only context, unless it is None."""
    if begin is None:
        return windows
    begun = windows.copy()
    begun[:, 0] = begin
    return begun


def _windows(stream: np.ndarray, context: int) -> np.ndarray:
    """(tokens,) -> a view (windows, context + 1) in which neighbours share one token."""
    return np.lib.stride_tricks.sliding_window_view(stream, context + 1)[::context]
