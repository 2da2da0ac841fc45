"""What stages ask of the windows of a training text, whoever trained on it."""

from typing import Protocol

import numpy as np
import torch

from compute.suites.hub_model import HubModel


class TrainingWindows(Protocol):
    """Windows of one fixed tiling (section 0): equal, of which no two predict the same token.

    A window is a row of T+1 token ids of which the first is only context.
    """

    def count(self, model: HubModel) -> int:
        """Windows that the model was trained on, or that stand in for them."""

    def read(self, indices: np.ndarray) -> np.ndarray:
        """The windows of these indices, shape (windows, T+1)."""

    def draw(self, model: HubModel, count: int, seed: int) -> np.ndarray:
        """Indices of distinct windows of the model in random order; a shorter draw is a prefix."""

    def input_counts(self, model: HubModel, vocab_size: int) -> torch.Tensor | None:
        """How often each token is an input in all of training, shape (vocab_size,), int64; None
        where not all of it is there."""


class SampledWindows(TrainingWindows, Protocol):
    """Windows of a text too large to be scored whole."""

    def heldout(self, model: HubModel, count: int, seed: int) -> tuple[np.ndarray, np.ndarray]:
        """At most ``count`` windows that the model was not trained on, shape (windows, T+1), and
        the independent unit (a document, or a draw) of each prediction, shape (windows, T)."""

    def bytes_per_token(self, model: HubModel) -> float:
        """Mean bytes of text that a token stands for."""
