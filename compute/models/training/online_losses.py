"""Losses of every batch before it is trained on: their means, and their joint histogram."""

from typing import Any

import numpy as np
import torch

from bounds import TokenLosses, bin_losses
from bounds.losses.histogram import merge_histograms
from compute.models.evaluation import losses_and_entropies

#: Tokens that are buffered and binned together, which is faster than one batch at a time.
BINNED_AT_ONCE = 2**16


class OnlineLosses:
    """Every prediction of a training run so far, by the model just before each batch.

    The predictor is the model in the arithmetic of its training: if products are in bfloat16,
    so are the logits.  Its probabilities are the float64 softmax of these logits, so they sum to 1,
    and they depend only on earlier tokens, as section 10 of the theory requires.

    Attributes:
        tokens_seen: after each step done.
        loss_nats: mean loss of the batch of each step, before that step.
    """

    def __init__(self) -> None:
        self.tokens_seen: list[int] = []
        self.loss_nats: list[float] = []
        self._binned: TokenLosses | None = None
        self._waiting: list[tuple[np.ndarray, np.ndarray]] = []
        self._tokens_waiting = 0

    def add(self, mean_loss_nats: float, logits: torch.Tensor, targets: torch.Tensor) -> None:
        """Record one batch: its mean loss, logits of shape (..., V), targets of shape (...)."""
        before = self.tokens_seen[-1] if self.tokens_seen else 0
        self.tokens_seen.append(before + targets.numel())
        self.loss_nats.append(mean_loss_nats)
        with torch.no_grad():
            found = losses_and_entropies(logits.detach(), targets)
        self._waiting.append(tuple(values.flatten().cpu().numpy() for values in found))
        self._tokens_waiting += targets.numel()
        if self._tokens_waiting >= BINNED_AT_ONCE:
            self._bin()

    @property
    def histogram(self) -> TokenLosses:
        """Joint histogram of loss, rounded up, and entropy over all tokens seen.

        Raises:
            ValueError: no batch was added.
        """
        self._bin()
        if self._binned is None:
            raise ValueError("no batch has been scored yet, so there is no histogram")
        return self._binned

    def _bin(self) -> None:
        if not self._waiting:
            return
        losses, entropies = (np.concatenate(part) for part in zip(*self._waiting, strict=True))
        new = bin_losses(TokenLosses.of_tokens(losses, entropies))
        self._binned = merge_histograms([self._binned, new]) if self._binned else new
        self._waiting, self._tokens_waiting = [], 0

    def state_dict(self) -> dict[str, Any]:
        """The whole state as lists of numbers."""
        cells = self.histogram
        return {
            "tokens_seen": self.tokens_seen,
            "loss_nats": self.loss_nats,
            "cells": [array.tolist() for array in (cells.loss_nats, cells.entropy_nats)],
            "cell_tokens": cells.tokens.tolist(),
        }

    @classmethod
    def from_state_dict(cls, state: dict[str, Any]) -> "OnlineLosses":
        """Restore the state of ``state_dict``."""
        online = cls()
        online.tokens_seen = state["tokens_seen"]
        online.loss_nats = state["loss_nats"]
        online._binned = TokenLosses(*state["cells"], state["cell_tokens"])
        return online
