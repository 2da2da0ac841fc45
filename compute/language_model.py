"""Causal language models of the ladder: building, predicting, hashing."""

import hashlib
from collections.abc import Iterator
from pathlib import Path

import numpy as np
import torch
from transformers import GPTNeoXConfig, GPTNeoXForCausalLM, PreTrainedModel
from transformers.utils import logging

from compute.folders import whole_folder
from compute.parameter_counts import parameter_counts
from compute.suites.ladder import VOCAB_SIZE, LadderModel
from compute.suites.windows import DOCUMENT_END

# Checkpoints of this size load in milliseconds, and the run shows progress of its own.
logging.disable_progress_bar()


def config_of(spec: LadderModel) -> GPTNeoXConfig:
    """The architecture."""
    return GPTNeoXConfig(
        vocab_size=VOCAB_SIZE,
        hidden_size=spec.hidden_size,
        num_hidden_layers=spec.layers,
        num_attention_heads=spec.heads,
        intermediate_size=4 * spec.hidden_size,
        max_position_embeddings=spec.context_length,
        use_cache=False,
        bos_token_id=DOCUMENT_END,
        eos_token_id=DOCUMENT_END,
    )


def build(spec: LadderModel) -> GPTNeoXForCausalLM:
    """The model with its initial weights, drawn from ``spec.seed``; float32.

    Raises:
        AssertionError: its parameter groups do not add up to ``spec``'s counts.
    """
    with torch.random.fork_rng(devices=[]):
        torch.manual_seed(spec.seed)
        model = GPTNeoXForCausalLM(config_of(spec))
    counted = parameter_counts(model)
    assert counted == (spec.params_embedding, spec.params_nonembedding), counted
    return model


def save(model: PreTrainedModel, folder: Path) -> None:
    """Write the checkpoint in Hugging Face layout, whole or not at all; replaces an old one."""
    with whole_folder(folder) as ready:
        model.save_pretrained(ready)


def load(folder: Path, device: torch.device) -> PreTrainedModel:
    """The checkpoint in float32, for evaluation."""
    model = GPTNeoXForCausalLM.from_pretrained(folder, dtype=torch.float32, local_files_only=True)
    return model.to(device).eval()


def parameters_by_name(model: PreTrainedModel) -> dict[str, torch.Tensor]:
    """Every parameter once (tied ones under one name), on the CPU, sorted by name."""
    return {n: p.detach().cpu() for n, p in sorted(model.named_parameters())}


def weights_sha256(model: PreTrainedModel) -> str:
    """Hash of all parameters: equal for two revisions exactly if they are the same bytes."""
    sha = hashlib.sha256()
    for name, parameter in parameters_by_name(model).items():
        sha.update(name.encode())
        sha.update(parameter.contiguous().view(torch.uint8).numpy().tobytes())
    return sha.hexdigest()


def input_counts(windows: np.ndarray) -> torch.Tensor:
    """How often each token is an input when all of ``windows`` are run, shape (V,), int64."""
    counts = np.bincount(windows[:, :-1].ravel(), minlength=VOCAB_SIZE)
    counts[DOCUMENT_END] += len(windows)
    return torch.from_numpy(counts)


def batches(
    windows: np.ndarray, batch_windows: int, device: torch.device
) -> Iterator[tuple[torch.Tensor, torch.Tensor]]:
    """Inputs and targets, both (B, T) int64; position 0 is predicted from ``DOCUMENT_END``."""
    for start in range(0, len(windows), batch_windows):
        targets = torch.from_numpy(windows[start : start + batch_windows].astype(np.int64))
        inputs = torch.nn.functional.pad(targets[:, :-1], (1, 0), value=DOCUMENT_END)
        yield inputs.to(device), targets.to(device)
