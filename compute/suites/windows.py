"""The tiling of a corpus into windows: which tokens exist, in which one fixed order (section 0)."""

import tempfile
from dataclasses import dataclass
from pathlib import Path

import numpy as np

from compute.errors import InputError
from compute.suites.corpus import Corpus

#: Ends every document and begins every window; it never occurs inside text.
DOCUMENT_END = 0


@dataclass(frozen=True)
class Windows:
    """Token windows of a corpus, memory-mapped so that workers share them.

    Attributes:
        training: shape (windows, context), uint8, in training order.
        heldout: shape (windows, context), uint8.
        heldout_documents: shape (windows, context), int32, document of each held-out token.
    """

    training: np.ndarray
    heldout: np.ndarray
    heldout_documents: np.ndarray


@dataclass(frozen=True)
class WindowFiles:
    """Where a corpus has been tiled; opens as ``Windows``."""

    folder: Path

    def open(self) -> Windows:
        """Map the files into memory."""
        return Windows(
            *(
                np.load(self.folder / f"{name}.npy", mmap_mode="r")
                for name in ("training", "heldout", "heldout_documents")
            )
        )


def tile(corpus: Corpus, context: int, seed: int, cache_dir: Path) -> WindowFiles:
    """Join documents, cut equal non-overlapping windows (the remainder dropped), shuffle once.

    Every byte of a window is predicted, the first one from ``DOCUMENT_END`` alone, so a
    window of ``context`` bytes counts ``context`` tokens of D.  A model of any size trains on
    a prefix of the same shuffled order.

    Raises:
        InputError: the documents do not fill one window, or only one of them is held out.
    """
    folder = cache_dir / "windows" / f"{corpus.fingerprint[:16]}-{context}-{seed}"
    files = WindowFiles(folder)
    if folder.exists():
        return files
    training = _cut(_joined(corpus.training), context)
    training = training[np.random.default_rng(seed).permutation(len(training))]
    lengths = [len(document) + 1 for document in corpus.heldout]
    owners = np.repeat(np.arange(len(lengths), dtype=np.int32), lengths)
    heldout = _cut(_joined(corpus.heldout), context)
    if not len(training) or not len(heldout):
        raise InputError(
            f"The corpus {corpus.name} does not fill one training and one held-out window of "
            f"{context} tokens."
        )
    documents = _cut(owners, context)
    if documents.min() == documents.max():
        raise InputError(
            f"The held-out windows of the corpus {corpus.name} all come from one document, so the "
            "held-out loss would have no standard error; use a corpus of more, shorter documents."
        )
    folder.parent.mkdir(parents=True, exist_ok=True)
    with tempfile.TemporaryDirectory(dir=folder.parent) as temporary:
        ready = Path(temporary) / "ready"
        ready.mkdir()
        np.save(ready / "training.npy", training)
        np.save(ready / "heldout.npy", heldout)
        np.save(ready / "heldout_documents.npy", documents)
        try:
            ready.rename(folder)
        except OSError:
            if not folder.exists():  # else another run has just made the same
                raise
    return files


def _joined(documents: tuple[bytes, ...]) -> np.ndarray:
    end = bytes([DOCUMENT_END])
    return np.frombuffer(end.join(documents) + end, dtype=np.uint8)


def _cut(stream: np.ndarray, context: int) -> np.ndarray:
    """(tokens,) -> (windows, context)."""
    return stream[: len(stream) // context * context].reshape(-1, context)
