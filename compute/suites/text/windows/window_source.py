"""The interface of the windows of a training text, for models trained here and elsewhere."""

from typing import Protocol

import numpy as np
import torch

from compute.suites.hub import Source


class TrainedModel(Protocol):
    """How much of a text a model was trained on."""

    @property
    def train_windows(self) -> int:
        """Windows of the one epoch: the first ones."""


class TextModel(TrainedModel, Protocol):
    """What a text asks of a published model: how it is called, and how it reads."""

    @property
    def model_id(self) -> str:
        """Unique within the suite."""

    @property
    def source(self) -> Source:
        """Where its tokenizer is."""

    @property
    def context_length(self) -> int:
        """Predictions of a window."""

    @property
    def vocab_size(self) -> int:
        """V, ids that it predicts."""

    @property
    def window_begin(self) -> int | None:
        """Token that every window begins with, as context only; None where windows begin with the
        token that comes before them."""


class TrainingWindows(Protocol):
    """Windows of one fixed tiling (section 0): equal, of which no two predict the same token.

    A window is a row of T+1 token ids of which the first is only context.
    """

    def count(self, model: TrainedModel) -> int:
        """Windows that the model was trained on, or that stand in for them."""

    def read(self, indices: np.ndarray) -> np.ndarray:
        """The windows of these indices, shape (windows, T+1)."""

    def draw(self, model: TrainedModel, count: int, seed: int) -> np.ndarray:
        """Indices of distinct windows of the model in random order; a shorter draw is a prefix."""

    def input_counts(self, model: TrainedModel, vocab_size: int) -> torch.Tensor | None:
        """How often each token is an input in all of training, shape (vocab_size,), int64; None
        where not all of it is there."""


class SampledWindows(TrainingWindows, Protocol):
    """Windows of a text too large to be scored whole."""

    def heldout(self, model: TextModel, count: int, seed: int) -> tuple[np.ndarray, np.ndarray]:
        """At most ``count`` windows that the model was not trained on, shape (windows, T+1), and
        the independent unit (a document, or a draw) of each prediction, shape (windows, T)."""

    def bytes_per_token(self, model: TextModel) -> float:
        """Mean bytes of text that a token stands for."""
