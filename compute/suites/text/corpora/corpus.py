"""Documents to train on: the standard library's sources, a folder of text, or shards of many."""

import hashlib
import platform
import sysconfig
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

import numpy as np

from compute.base.errors import InputError
from compute.suites.text.corpora.documents import is_shard, shard_documents, text_documents


@dataclass(frozen=True)
class Corpus:
    """Documents in their final order, split once into training and held-out documents.

    Attributes:
        name: for reports.
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


def load_corpus(
    path: Path | None,
    heldout_bytes: int,
    seed: int,
    *,
    field: str = "text",
    most_bytes: int | None = None,
    files: Sequence[Path] | None = None,
    name: str | None = None,
) -> Corpus:
    """Read, deduplicate, shuffle and split the documents.

    Args:
        path: None for the Python sources of this interpreter's standard library, else a folder
            (or a single file).  If there are shards in it, of JSON lines (``*.jsonl``,
            ``*.jsonl.gz``, ``*.jsonl.zst``) or Parquet, these are read and other files are not;
            else every file of text is a document.  Shards whose name starts with ``test`` are
            held out and others named ``validation`` left alone.
        heldout_bytes: documents are held out until they reach this many bytes, unless the
            corpus brings its own held-out shards.
        seed: of the order of documents.
        field: column, or field of every line, of shards that holds the text.
        most_bytes: reading stops once there are so many bytes to train on and ``heldout_bytes``
            to hold out: shards in the order of their paths, files of text in random order.  None
            to read all.
        files: the only files of the folder ``path`` to look at; None for all.
        name: of the corpus; None for that of the folder or file.

    Raises:
        InputError: nothing is there, nothing of it is text, or a shard cannot be read.
    """
    if path is None:
        name = name or f"Python {platform.python_version()} standard library"
        found = _standard_library()
    else:
        if not path.exists():
            raise InputError(f"The corpus {path} does not exist; give a folder of text files.")
        name = name or path.resolve().name
        found = sorted(_files(path) if files is None else files)
    shards = [file for file in found if is_shard(file)]
    own_heldout: list[bytes] = []
    if shards:
        tests = [shard for shard in shards if shard.name.startswith("test")]
        ours = [s for s in shards if not s.name.startswith(("test", "validation"))]
        most = _sum(most_bytes, 0 if tests else heldout_bytes)
        documents, skipped = shard_documents(ours, field, most), 0
        own_heldout = shard_documents(tests, field, None if most is None else heldout_bytes)
    else:
        if most_bytes is not None:  # neighbours in a tree are too much alike to read only them
            found = [found[i] for i in np.random.default_rng(seed).permutation(len(found))]
        documents, skipped = text_documents(found, _sum(most_bytes, heldout_bytes))
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


def _standard_library() -> list[Path]:
    """Python sources of the interpreter's own library, what was installed beside it left out."""
    folder = Path(sysconfig.get_path("stdlib"))
    third_party = {"site-packages", "dist-packages"}
    sources = sorted(folder.rglob("*.py"))
    return [f for f in sources if third_party.isdisjoint(f.relative_to(folder).parts)]


def _files(path: Path) -> list[Path]:
    """The file, or all of the folder, hidden ones left out."""
    files = [path] if path.is_file() else path.rglob("*")
    return [file for file in files if file.is_file() and not file.name.startswith(".")]


def _sum(most_bytes: int | None, others: int) -> int | None:
    return None if most_bytes is None else most_bytes + others


def _shuffled_once_each(documents: list[bytes], rng: np.random.Generator) -> list[bytes]:
    """Each distinct document once, in random order."""
    distinct = list(dict.fromkeys(documents))
    return [distinct[i] for i in rng.permutation(len(distinct))]


def _documents_for(documents: list[bytes], wanted_bytes: int) -> int:
    """How many documents from the front reach ``wanted_bytes``, but two for a standard error."""
    sizes = np.cumsum([len(document) + 1 for document in documents])
    return max(2, int(np.searchsorted(sizes, wanted_bytes)) + 1)
