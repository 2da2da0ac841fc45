"""The tiling of a corpus into windows: which tokens exist, in which one fixed order (section 0)."""

from dataclasses import dataclass
from pathlib import Path

import numpy as np
import torch

from compute.base.errors import InputError
from compute.base.folders import first_folder
from compute.suites.text.corpora.corpus import Corpus
from compute.suites.text.windows.draws import shuffled_windows
from compute.suites.text.windows.window_source import TrainedModel

#: Ends every document and begins every window; it never occurs inside text.
DOCUMENT_END = 0


@dataclass(frozen=True)
class Windows:
    """Token windows of a corpus, memory-mapped so that workers share them.

    The first column of a window is only context: a window of context + 1 tokens predicts the
    others, each once.

    Attributes:
        training: shape (windows, context + 1), uint8, in training order.
        heldout: shape (windows, context + 1), uint8.
        heldout_documents: shape (windows, context), int32, document of each predicted token.
    """

    training: np.ndarray
    heldout: np.ndarray
    heldout_documents: np.ndarray

    def count(self, model: TrainedModel) -> int:
        """Windows that the model is trained on: the first ones."""
        return model.train_windows

    def read(self, indices: np.ndarray) -> np.ndarray:
        """Training windows of these indices, shape (windows, context + 1)."""
        return self.training[indices]

    def draw(self, model: TrainedModel, count: int, seed: int) -> np.ndarray:
        """Indices of distinct windows of the model in random order; a shorter draw is a prefix."""
        return shuffled_windows(model.train_windows, count, seed)

    def input_counts(self, model: TrainedModel, vocab_size: int) -> torch.Tensor:
        """How often each token is an input in all of training, shape (vocab_size,), int64."""
        return input_counts(self.training[: model.train_windows], vocab_size)


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


def input_counts(windows: np.ndarray, vocab_size: int) -> torch.Tensor:
    """How often each token is an input when all of ``windows``, shape (windows, T+1), are run.

    Returns:
        Shape (vocab_size,), int64.
    """
    return torch.from_numpy(np.bincount(windows[:, :-1].ravel(), minlength=vocab_size))


def predictions(windows: np.ndarray) -> int:
    """Tokens that windows of shape (windows, context + 1) predict."""
    return len(windows) * (windows.shape[1] - 1)


def tile(
    corpus: Corpus,
    context: int,
    seed: int,
    cache_dir: Path,
    heldout_windows: int | None = None,
) -> WindowFiles:
    """Join documents, cut equal non-overlapping windows (the remainder dropped), shuffle once.

    Every byte of the text is predicted, the first one of a window from a preceding ``DOCUMENT_END``
    alone, so a window of ``context`` bytes counts ``context`` tokens of D.  A
    model of any size trains on a prefix of the same shuffled order.

    Args:
        heldout_windows: of the held-out ones, drawn at random; None for all of them.

    Raises:
        InputError: the documents do not fill one window, or only one of them is held out.
    """
    drawn = "" if heldout_windows is None else f"-{heldout_windows}"
    folder = cache_dir / "tiled" / f"{corpus.fingerprint[:16]}-{context}-{seed}{drawn}"
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
    chosen = np.sort(np.random.default_rng(seed).permutation(len(heldout))[:heldout_windows])
    heldout, documents = heldout[chosen], documents[chosen]
    if documents.min() == documents.max():
        raise InputError(
            f"The held-out windows of the corpus {corpus.name} all come from one document, so the "
            "held-out loss would have no standard error; use a corpus of more, shorter documents."
        )
    with first_folder(folder) as ready:
        np.save(ready / "training.npy", _begun(training))
        np.save(ready / "heldout.npy", _begun(heldout))
        np.save(ready / "heldout_documents.npy", documents)
    return files


def _joined(documents: tuple[bytes, ...]) -> np.ndarray:
    end = bytes([DOCUMENT_END])
    return np.frombuffer(end.join(documents) + end, dtype=np.uint8)


def _cut(stream: np.ndarray, context: int) -> np.ndarray:
    """(tokens,) -> (windows, context)."""
    return stream[: len(stream) // context * context].reshape(-1, context)


def _begun(windows: np.ndarray) -> np.ndarray:
    """(windows, context) -> (windows, context + 1): ``DOCUMENT_END`` before each."""
    return np.pad(windows, ((0, 0), (1, 0)), constant_values=DOCUMENT_END)
