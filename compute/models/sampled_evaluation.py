"""Losses and predictive entropies at random positions of random windows."""

from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass

import numpy as np
import torch
from torch import nn
from transformers import PreTrainedModel

from compute.models.evaluation import losses_and_entropies, require_finite
from compute.models.products import onednn_products

#: Tokens of one forward pass: enough to use a processor or a GPU fully.
BATCH_TOKENS = {"cpu": 4096, "cuda": 16384}

#: Logits that are made at once: with a large vocabulary, fewer windows run together.
BATCH_LOGITS = {"cpu": 2**27, "cuda": 2**30}

#: Logits that are converted to float64 at once: on a CPU as many as its caches hold.
SCORED_LOGITS = {"cpu": 2**18, "cuda": 2**26}


@dataclass(frozen=True)
class SampledLosses:
    """Losses at some predictions of some windows.

    Attributes:
        positions: shape (windows, positions), of the predictions in their window, rising.
        loss_nats, entropy_nats: same shape, float64.
    """

    positions: np.ndarray
    loss_nats: np.ndarray
    entropy_nats: np.ndarray


def joined(parts: list[SampledLosses]) -> SampledLosses:
    """Losses on the windows of all parts, in their order."""
    return SampledLosses(
        np.concatenate([part.positions for part in parts]),
        np.concatenate([part.loss_nats for part in parts]),
        np.concatenate([part.entropy_nats for part in parts]),
    )


@torch.inference_mode()
def score_positions(
    model: PreTrainedModel,
    windows: np.ndarray,
    positions: np.ndarray,
    vocab_size: int,
    report: Callable[[int], None] = lambda tokens: None,
) -> SampledLosses:
    """Score some predictions of each window; the softmax is computed in float64.

    The model runs on whole windows, but its output layer only at the requested positions.
    A loss is a function of its window and position alone, as a certificate from a sample needs
    (section 6): it does not depend on the other scored windows or positions.

    Args:
        windows: shape (windows, T+1); the first token of each is only context.
        positions: shape (windows, positions), rising in each row, in [0, T).
        vocab_size: V; logits beyond it are padding and have no part in the softmax.
        report: receives the tokens that the model has run on.

    Raises:
        ValueError: a token is not below ``vocab_size``, or the logits are not those requested.
        ArithmeticError: a loss is not finite.
    """
    if windows.max() >= vocab_size:
        raise ValueError(
            f"the text holds the token {windows.max()}, and the model predicts {vocab_size}: it "
            "was made with another tokenizer"
        )
    context = windows.shape[1] - 1
    device = model.get_input_embeddings().weight.device
    size = batch_windows(context, positions.shape[1], model.config.vocab_size, device.type)
    losses, entropies = [], []
    for start in range(0, len(windows), size):
        chosen = positions[start : start + size]
        ids = torch.from_numpy(windows[start : start + size].astype(np.int64)).to(device)
        picked = _logits_at(model, ids[:, :-1], chosen, vocab_size)
        targets = ids.gather(1, torch.from_numpy(chosen + 1).to(device)).to(picked.device)
        found = _scored(picked.flatten(0, 1), targets.flatten(), vocab_size)
        require_finite(found[0])
        losses.append(found[0].view(chosen.shape).cpu().numpy())
        entropies.append(found[1].view(chosen.shape).cpu().numpy())
        report(min(start + size, len(windows)) * context)
    return SampledLosses(positions, np.concatenate(losses), np.concatenate(entropies))


def batch_windows(context: int, positions: int, vocab_size: int, device: str) -> int:
    """Windows of one forward pass.

    Args:
        context: tokens of a window.
        positions: predictions that are scored in each.
        vocab_size: logits of a prediction.
        device: type of the device.
    """
    tokens, logits = BATCH_TOKENS[device] // context, BATCH_LOGITS[device]
    return max(1, min(tokens, logits // (positions * vocab_size)))


def _logits_at(
    model: PreTrainedModel, ids: torch.Tensor, chosen: np.ndarray, vocab_size: int
) -> torch.Tensor:
    """Logits of the predictions ``chosen``, shape (B, k), of B windows; shape (B, k, V')."""
    kept = np.unique(chosen)
    places = torch.from_numpy(kept).to(ids.device)
    rows = torch.from_numpy(np.searchsorted(kept, chosen))  # (B, k)
    # A model uses the same positions of all windows; its output layer is given those of each.
    wanted = {ids.shape[1]: torch.from_numpy(chosen), len(kept): rows}
    with onednn_products(model), _only_at(model.get_output_embeddings(), wanted) as gathered:
        # Always whole windows: if the batch were cut at its last position, the other windows would
        # set the length, and with it the kernel or a rotary scaling by length.
        logits = model(ids, logits_to_keep=places, use_cache=False).logits
    if gathered:
        _check_shape(logits, *chosen.shape, vocab_size)
        return logits
    if logits.shape[:2] == ids.shape:  # a model that always makes all of them
        logits = logits[:, places.to(logits.device)]
    _check_shape(logits, len(ids), len(kept), vocab_size)
    return logits[torch.arange(len(rows))[:, None], rows]


@contextmanager
def _only_at(head: nn.Module | None, wanted: dict[int, torch.Tensor]) -> Iterator[list]:
    """Context in which the output layer works only on some rows of its hidden states.

    Args:
        head: the output layer.
        wanted: by number of rows of each window in its input, the rows to use, (B, k).

    Yields:
        An empty list, which is not empty once the layer has been given less.
    """
    gathered: list[nn.Module] = []

    def gather(module: nn.Module, args: tuple) -> tuple | None:
        hidden = args[0] if args else None
        if hidden is None or hidden.ndim != 3 or hidden.shape[1] not in wanted:
            return None
        gathered.append(module)
        rows = wanted[hidden.shape[1]].to(hidden.device)
        windows = torch.arange(len(rows), device=hidden.device)[:, None]
        return (hidden[windows, rows], *args[1:])

    handle = None if head is None else head.register_forward_pre_hook(gather)
    try:
        yield gathered
    finally:
        if handle is not None:
            handle.remove()


def _scored(
    logits: torch.Tensor, targets: torch.Tensor, vocab_size: int
) -> tuple[torch.Tensor, torch.Tensor]:
    """Losses and entropies of predictions, logits of shape (predictions, V'), a few at a time.

    In float64 they would take twice the memory of all logits at once, and longer on a CPU.
    """
    rows = max(1, SCORED_LOGITS[logits.device.type] // vocab_size)
    parts = [
        losses_and_entropies(
            logits[start : start + rows, :vocab_size], targets[start : start + rows]
        )
        for start in range(0, len(logits), rows)
    ]
    return torch.cat([loss for loss, _ in parts]), torch.cat([entropy for _, entropy in parts])


def _check_shape(logits: torch.Tensor, windows: int, positions: int, vocab_size: int) -> None:
    """Refuse logits of other positions, or of too few tokens, which would give wrong losses."""
    if logits.shape[:2] != (windows, positions) or logits.shape[2] < vocab_size:
        raise ValueError(
            f"the model gives logits of shape {tuple(logits.shape)} for {positions} positions of "
            f"{windows} windows and {vocab_size} tokens: it cannot be scored"
        )
