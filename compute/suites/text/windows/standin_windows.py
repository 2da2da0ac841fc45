"""Windows of a text that stands in for what a model was trained on."""

from dataclasses import dataclass

import numpy as np

from compute.suites.text.windows.draws import distinct_draws
from compute.suites.text.windows.text_windows import TokenizedFiles
from compute.suites.text.windows.window_source import TextModel


@dataclass(frozen=True)
class StandInFiles:
    """Where the tokenized text lies; opens as ``StandInWindows``."""

    files: TokenizedFiles

    def open(self) -> "StandInWindows":
        """Map the files into memory."""
        return StandInWindows(self.files)


class StandInWindows:
    """Every model of the suite has the same windows, whatever it was trained on."""

    def __init__(self, files: TokenizedFiles) -> None:
        self._text = files.open()

    def count(self, model: TextModel) -> int:
        """Windows of the text."""
        return len(self._text.training)

    def read(self, indices: np.ndarray) -> np.ndarray:
        """Shape (windows, T+1)."""
        return self._text.training[indices]

    def draw(self, model: TextModel, count: int, seed: int) -> np.ndarray:
        """Indices of distinct windows in random order; a shorter draw is a prefix."""
        return distinct_draws(len(self._text.training), count, seed)

    def input_counts(self, model: TextModel, vocab_size: int) -> None:
        """Unknown: the model was trained on another text."""

    def heldout(self, model: TextModel, count: int, seed: int) -> tuple[np.ndarray, np.ndarray]:
        """Windows of documents that are not among the others, in random order, with the document
        of each prediction."""
        chosen = np.random.default_rng(seed).permutation(len(self._text.heldout))[:count]
        return self._text.heldout[chosen], self._text.heldout_documents[chosen]

    def bytes_per_token(self, model: TextModel) -> float:
        """Of the whole text."""
        return self._text.bytes_per_token
