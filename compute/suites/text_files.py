"""Opening the text of a suite of published models: what identifies it, and where it lies."""

from collections.abc import Callable
from pathlib import Path

from transformers import PreTrainedTokenizerBase

from compute import hub
from compute.errors import InputError
from compute.suites.corpus import Corpus, load_corpus
from compute.suites.hub_dataset import fetch_dataset
from compute.suites.hub_model import HubModel
from compute.suites.standin_windows import StandInFiles
from compute.suites.stream_windows import StreamWindows
from compute.suites.text import (
    MOST_TEXT_BYTES,
    MOST_WINDOWS,
    DatasetText,
    FolderText,
    StreamText,
    Text,
)
from compute.suites.text_windows import tokenize
from compute.suites.token_stream import TokenStream
from compute.suites.window_begin import window_begin

#: Of the order of documents and windows, and bytes of text that are held out.
SEED = 1
HELDOUT_BYTES = 16_000_000


def text_identity(text: Text) -> dict:
    """Everything that determines the windows but for the tokenizer, as JSON."""
    if isinstance(text, StreamText):
        return {"stream": text.address, "shards": text.shards, **_state(Path(text.address))}
    cut = {"field": text.field, "seed": SEED, "most": [MOST_TEXT_BYTES, MOST_WINDOWS]}
    if isinstance(text, DatasetText):
        return {"dataset": [text.name, text.revision, *text.files], **cut}
    return {"folder": _folder_corpus(text).fingerprint, **cut}


def open_text(
    text: Text, models: tuple[HubModel, ...], cache_dir: Path, report: Callable[[float], None]
) -> StreamWindows | StandInFiles:
    """Have the windows ready, or where they can be read from as they are needed.

    Args:
        text: of the suite.
        models: that are scored on it; they share a tokenizer.
        cache_dir: of intermediate files.
        report: called with the share of a text that has been tokenized.

    Raises:
        InputError: it cannot be had, or is too short.
    """
    first = models[0]
    if isinstance(text, StreamText):
        if first.vocab_size > 2**16:
            raise InputError(
                f"Token files hold 16 bits a token, and the vocabulary of {first.model_id} has "
                f"{first.vocab_size:,} tokens."
            )
        stream = TokenStream(
            address=text.address,
            cache_dir=cache_dir / "streams",
            vocab_size=first.vocab_size,
            ids_per_window=first.context_length + 1,
            shards=text.shards,
        )
        windows = StreamWindows(stream)
        windows.check(models)
        return windows
    corpus = _dataset_corpus(text) if isinstance(text, DatasetText) else _folder_corpus(text)
    tokenizer = hub.tokenizer_of(first.source)
    _check_begin(first, tokenizer)
    return StandInFiles(
        tokenize(
            corpus,
            tokenizer,
            first.context_length,
            SEED,
            cache_dir,
            MOST_WINDOWS,
            report,
            vocab_size=first.vocab_size,
            begin=first.window_begin,
        )
    )


def _check_begin(model: HubModel, tokenizer: PreTrainedTokenizerBase) -> None:
    """Refuse a suite's file that says otherwise than the tokenizer how a text begins.

    Raises:
        InputError: saying what to write there.
    """
    begin, _ = window_begin(tokenizer, model.vocab_size)
    if begin != model.window_begin:
        wanted = "leave window_begin out" if begin is None else f"write window_begin = {begin}"
        raise InputError(
            f"The tokenizer of {model.source} begins a text with the token {begin}, and the file "
            f"of suites says {model.window_begin}; {wanted} in its family."
        )


def _state(folder: Path) -> dict:
    """What tells a folder of tokens from what it held before; nothing of an address."""
    if not folder.is_dir():
        return {}
    states = [(f.name, f.stat()) for f in sorted(folder.glob("*.bin"))]
    return {"files": [[name, s.st_size, s.st_mtime_ns] for name, s in states]}


def _dataset_corpus(text: DatasetText) -> Corpus:
    found = fetch_dataset(
        text.name, text.revision, text.files or None, enough_bytes=MOST_TEXT_BYTES // 2
    )
    return load_corpus(
        found.folder,
        HELDOUT_BYTES,
        SEED,
        field=text.field,
        most_bytes=MOST_TEXT_BYTES,
        files=found.files,
        name=f"{text.name} ({found.commit[:12]})",
    )


def _folder_corpus(text: FolderText) -> Corpus:
    return load_corpus(text.path, HELDOUT_BYTES, SEED, field=text.field, most_bytes=MOST_TEXT_BYTES)
