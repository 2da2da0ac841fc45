"""Causal language models of the ladder: building, predicting, hashing."""

import hashlib
from collections.abc import Iterator
from pathlib import Path

import numpy as np
import torch
from transformers import AutoModelForCausalLM, GPTNeoXForCausalLM, PreTrainedModel
from transformers.utils import logging

from compute.base.folders import whole_folder
from compute.models import checkpoint
from compute.suites.hub.parameter_counts import parameter_counts
from compute.suites.ladder.ladder_model import LadderModel

#: Entries of a matrix that distinguish it from others.
_SAMPLED = 4096

# Checkpoints of this size load in milliseconds, and the run shows progress of its own.
logging.disable_progress_bar()


def build(spec: LadderModel) -> GPTNeoXForCausalLM:
    """The model with its initial weights, drawn from ``spec.seed``; float32.

    Raises:
        AssertionError: its parameter groups do not add up to ``spec``'s counts.
    """
    with torch.random.fork_rng(devices=[]):
        torch.manual_seed(spec.seed)
        model = GPTNeoXForCausalLM(spec.config)
    counted = parameter_counts(model)
    assert counted == (spec.params_embedding, spec.params_nonembedding), counted
    return model


def save(model: PreTrainedModel, folder: Path) -> None:
    """Write the checkpoint in Hugging Face layout, completely or not at all; replaces an old
    one."""
    with whole_folder(folder) as ready:
        model.save_pretrained(ready)


def load(folder: Path, device: torch.device) -> PreTrainedModel:
    """The checkpoint in float32, for evaluation.

    Args:
        folder: that ``save`` or ``checkpoint.point_to`` wrote.

    Raises:
        ValueError: it lacks weights, which would be drawn at random.
    """
    weights = checkpoint.weights_folder(folder)
    model, found = AutoModelForCausalLM.from_pretrained(
        weights, dtype=torch.float32, local_files_only=True, output_loading_info=True
    )
    if found["missing_keys"]:
        raise ValueError(f"the checkpoint {weights} lacks {min(found['missing_keys'])}")
    ends = (model.get_input_embeddings(), model.get_output_embeddings())
    if None not in ends and ends[0].weight is not ends[1].weight:
        model.config.tie_word_embeddings = False  # overriding the checkpoint's own configuration
    return model.to(device).eval()


def weights_sha256(model: PreTrainedModel) -> str:
    """Hash of all parameters: equal for two revisions exactly if they are the same bytes."""
    sha = hashlib.sha256()
    for name, parameter in sorted(model.named_parameters()):  # a tied one once
        sha.update(name.encode())
        sha.update(parameter.detach().cpu().contiguous().view(torch.uint8).numpy())
    return sha.hexdigest()


def matrix_samples(model: PreTrainedModel) -> frozenset[str]:
    """A hash of a sample of every matrix: matrices that share it were trained together, or copied.

    Matrices with a constant sample are left out.
    """
    found = set()
    for parameter in model.parameters():
        if parameter.dim() < 2:
            continue
        flat = parameter.detach().flatten()
        places = torch.linspace(0, len(flat) - 1, min(len(flat), _SAMPLED), dtype=torch.float64)
        sample = flat[places.long().to(flat.device)].float().cpu()
        if sample.min() < sample.max():
            found.add(hashlib.sha256(sample.numpy()).hexdigest())
    return frozenset(found)


def batches(
    windows: np.ndarray, batch_windows: int, device: torch.device
) -> Iterator[tuple[torch.Tensor, torch.Tensor]]:
    """Inputs and targets, both (B, T) int64, of windows of shape (windows, T+1): every token but
    the last is an input, and every one but the first a target."""
    for start in range(0, len(windows), batch_windows):
        batch = windows[start : start + batch_windows]
        inputs, targets = (
            torch.from_numpy(tokens.astype(np.int64)) for tokens in (batch[:, :-1], batch[:, 1:])
        )
        yield inputs.to(device), targets.to(device)
