"""Documents to train on: the standard library's sources, a folder of text, or jsonl.zst shards."""

import hashlib
import io
import json
import platform
import sysconfig
from dataclasses import dataclass
from pathlib import Path

import numpy as np

from compute.errors import InputError


@dataclass(frozen=True)
class Corpus:
    """Documents in their final order, split once into training and held-out documents.

    Attributes:
        name: what a reader should call it.
        training, heldout: documents as bytes; no document is in both.
        skipped: files that were passed over because they are not UTF-8 text.
    """

    name: str
    training: tuple[bytes, ...]
    heldout: tuple[bytes, ...]
    skipped: int

    @property
    def fingerprint(self) -> str:
        """SHA-256 over all documents, order and split included."""
        sha = hashlib.sha256()
        for part in (self.training, self.heldout):
            sha.update(len(part).to_bytes(8, "little"))
            for document in part:
                sha.update(len(document).to_bytes(8, "little"))
                sha.update(document)
        return sha.hexdigest()


def load_corpus(path: Path | None, heldout_bytes: int, seed: int) -> Corpus:
    """Read, deduplicate, shuffle and split the documents.

    Args:
        path: None for the Python sources of this interpreter's standard library, else a folder
            (or a single file) of text files or of ``*.jsonl.zst`` shards with a ``text`` field.
            Shards whose name starts with ``test`` are held out and others named
            ``validation`` left alone.
        heldout_bytes: documents are held out until they reach this many bytes, unless the
            corpus brings its own held-out shards.
        seed: of the order of documents.

    Raises:
        InputError: nothing is there, or nothing of it is text.
    """
    own_heldout: list[bytes] = []
    if path is None:
        name = f"Python {platform.python_version()} standard library"
        documents, skipped = _standard_library()
    else:
        if not path.exists():
            raise InputError(f"The corpus {path} does not exist; give a folder of text files.")
        name = path.resolve().name
        shards = [path] if path.is_file() else sorted(path.rglob("*.jsonl.zst"))
        if shards and shards[0].name.endswith(".jsonl.zst"):
            training = [s for s in shards if not s.name.startswith(("test", "validation"))]
            documents = [d for shard in training for d in _shard_documents(shard)]
            own_heldout = [
                d for s in shards if s.name.startswith("test") for d in _shard_documents(s)
            ]
            skipped = 0
        else:
            files = [path] if path.is_file() else sorted(f for f in path.rglob("*") if f.is_file())
            documents, skipped = _text_files([f for f in files if not f.name.startswith(".")])
    rng = np.random.default_rng(seed)
    training = _shuffled_once_each(documents, rng)
    if own_heldout:
        training_hashes = {hashlib.sha256(d).digest() for d in training}
        heldout = [
            d
            for d in _shuffled_once_each(own_heldout, rng)
            if hashlib.sha256(d).digest() not in training_hashes
        ]
        heldout = heldout[: _documents_for(heldout, heldout_bytes)]
    else:
        count = max(0, min(_documents_for(training, heldout_bytes), len(training) - 1))
        heldout, training = training[:count], training[count:]
    if not training or not heldout:
        raise InputError(
            f"The corpus {path or name} holds too little text: {len(documents)} documents, "
            f"{skipped} files that are not UTF-8 text. Training and held-out text must be "
            "different documents."
        )
    return Corpus(name, tuple(training), tuple(heldout), skipped)


def _standard_library() -> tuple[list[bytes], int]:
    """Python sources of the interpreter's own library, what was installed beside it left out."""
    folder = Path(sysconfig.get_path("stdlib"))
    third_party = {"site-packages", "dist-packages"}
    sources = sorted(folder.rglob("*.py"))
    return _text_files([f for f in sources if third_party.isdisjoint(f.relative_to(folder).parts)])


def _text_files(files: list[Path]) -> tuple[list[bytes], int]:
    """Contents of the files that are UTF-8 text without NUL bytes, and how many are not."""
    documents, skipped = [], 0
    for file in files:
        content = file.read_bytes()
        try:
            content.decode()
        except UnicodeDecodeError:
            skipped += 1
            continue
        if b"\0" in content:
            skipped += 1
        elif content:
            documents.append(content)
    return documents, skipped


def _shard_documents(shard: Path) -> list[bytes]:
    """The ``text`` of every line of one zstd-compressed JSON-lines file."""
    import zstandard

    documents = []
    try:
        with shard.open("rb") as file:
            reader = zstandard.ZstdDecompressor().stream_reader(file)
            for line in io.TextIOWrapper(reader, encoding="utf-8"):
                text = json.loads(line)["text"]
                if not isinstance(text, str):
                    raise TypeError(f"text is {text!r}")
                documents.append(text.replace("\0", "").encode())
    except (zstandard.ZstdError, ValueError, KeyError, TypeError) as error:
        raise InputError(
            f"The shard {shard} is not zstd-compressed JSON lines with a 'text' field "
            f"({type(error).__name__} after {len(documents)} documents)."
        ) from error
    return [document for document in documents if document]


def _shuffled_once_each(documents: list[bytes], rng: np.random.Generator) -> list[bytes]:
    """Each distinct document once, in random order."""
    distinct = list(dict.fromkeys(documents))
    return [distinct[i] for i in rng.permutation(len(distinct))]


def _documents_for(documents: list[bytes], wanted_bytes: int) -> int:
    """How many documents from the front reach ``wanted_bytes``, but two for a standard error."""
    sizes = np.cumsum([len(document) + 1 for document in documents])
    return max(2, int(np.searchsorted(sizes, wanted_bytes)) + 1)
