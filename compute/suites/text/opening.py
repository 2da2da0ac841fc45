"""Opening the text of a suite of published models: what identifies it, and where it lies."""

import time
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path

from transformers import PreTrainedTokenizerBase

from compute.base.digest import digest
from compute.base.errors import InputError
from compute.suites import hub
from compute.suites.text.corpora.corpus import Corpus, load_corpus
from compute.suites.text.corpora.hub_dataset import fetch_dataset
from compute.suites.text.origins import (
    HELDOUT_BYTES,
    MOST_TEXT_BYTES,
    MOST_WINDOWS,
    SEED,
    DatasetText,
    FolderText,
    StreamText,
    Text,
)
from compute.suites.text.stream.token_stream import TokenStream
from compute.suites.text.tokenizers.tokens import token_pieces, tokenizer_digest
from compute.suites.text.tokenizers.window_begin import window_begin
from compute.suites.text.windows.standin_windows import StandInFiles
from compute.suites.text.windows.stream_windows import StreamWindows
from compute.suites.text.windows.text_windows import tokenize, windows_folder
from compute.suites.text.windows.window_source import TextModel

#: Bytes of a token, about: what fills the windows is the most that is tokenized.
_TOKEN_BYTES = 4


def text_identity(text: Text) -> dict:
    """Everything that determines the windows but for the tokenizer, as JSON."""
    if isinstance(text, StreamText):
        return {"stream": text.address, "shards": text.shards, **_state(Path(text.address))}
    cut = {"field": text.field, "seed": SEED, "most": [MOST_TEXT_BYTES, MOST_WINDOWS]}
    if isinstance(text, DatasetText):
        return {"dataset": [text.name, text.revision, *text.files], **cut}
    return {"folder": text.corpus.fingerprint, **cut}


def open_text(
    text: Text, models: tuple[TextModel, ...], cache_dir: Path, report: Callable[[float], None]
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
    corpus = _dataset_corpus(text) if isinstance(text, DatasetText) else text.corpus
    tokenizer = hub.tokenizer_of(first.source)
    _check_begin(first, tokenizer)
    context, v, begin = first.context_length, first.vocab_size, first.window_begin
    files = tokenize(
        corpus, tokenizer, context, SEED, cache_dir, MOST_WINDOWS, report, vocab_size=v, begin=begin
    )
    if isinstance(text, FolderText):
        text.forget()
    else:
        _note(text, tokenizer, first, cache_dir).write_text(files.folder.name)
    return StandInFiles(files)


@dataclass(frozen=True)
class Tokenizing:
    """What of a text is still to be tokenized.

    Attributes:
        bytes: at most so many; 0 if there is nothing to do.
        seconds: expected; None if the tokenizer cannot be had now.
    """

    bytes: int
    seconds: float | None


def tokenizing_of(text: Text, models: tuple[TextModel, ...], cache_dir: Path) -> Tokenizing:
    """Of ``open_text``, from the speed of the tokenizer on a small part of some text.

    Raises:
        InputError: the text cannot be had.
    """
    if isinstance(text, StreamText):
        return Tokenizing(0, 0.0)
    context = models[0].context_length
    enough = _TOKEN_BYTES * MOST_WINDOWS * context
    if isinstance(text, DatasetText):  # what it holds is known when it has been fetched
        documents = (Path(__file__).read_bytes(),)
        size = min(MOST_TEXT_BYTES, enough) + HELDOUT_BYTES
    else:
        documents = text.corpus.training
        size = min(sum(map(len, documents)), enough) + sum(map(len, text.corpus.heldout))
    try:
        tokenizer = hub.tokenizer_of(models[0].source)
    except InputError:
        return Tokenizing(size, None)  # the run will say why
    if _is_tokenized(text, tokenizer, models[0], cache_dir):
        return Tokenizing(0, 0.0)
    return Tokenizing(size, size * _seconds_per_byte(documents, tokenizer))


def _is_tokenized(
    text: DatasetText | FolderText,
    tokenizer: PreTrainedTokenizerBase,
    model: TextModel,
    cache_dir: Path,
) -> bool:
    if isinstance(text, FolderText):
        folder = windows_folder(
            text.corpus,
            tokenizer,
            model.context_length,
            SEED,
            cache_dir,
            MOST_WINDOWS,
            vocab_size=model.vocab_size,
            begin=model.window_begin,
        )
        return folder.exists()
    note = _note(text, tokenizer, model, cache_dir)
    return note.exists() and (note.parent / note.read_text()).exists()


def _note(
    text: DatasetText, tokenizer: PreTrainedTokenizerBase, model: TextModel, cache_dir: Path
) -> Path:
    """File that names the folder of a dataset's windows: the folder itself has its name from the
    documents, which are not read for a plan."""
    tiling = [model.context_length, model.vocab_size, model.window_begin]
    key = digest([text_identity(text), tokenizer_digest(tokenizer), *tiling])
    return cache_dir / "windows" / f"dataset-{key}.txt"


def _seconds_per_byte(
    documents: tuple[bytes, ...], tokenizer: PreTrainedTokenizerBase, most: int = 2**18
) -> float:
    """Of a tokenizer, on the first ``most`` bytes or a little more; timed after a first document,
    since the first call takes longer."""
    sample, size = [], 0
    for document in documents:
        sample.append(document[:most].decode(errors="ignore").encode())
        size += len(sample[-1])
        if size >= most:
            break
    for _ in token_pieces(tuple(sample[:1]), tokenizer):
        pass
    start = time.monotonic()
    for _ in token_pieces(tuple(sample), tokenizer):
        pass
    return (time.monotonic() - start) / max(size, 1)


def _check_begin(model: TextModel, tokenizer: PreTrainedTokenizerBase) -> None:
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
