"""Describe one published checkpoint: the `models` table."""

from collections.abc import Callable

import pyarrow as pa
import torch

from compute import hub, language_model
from compute.causality import check_causal
from compute.placement import arithmetic, dtype_name
from compute.unit import Unit
from compute.workspace import Workspace


def run(unit: Unit, workspace: Workspace, report: Callable[[int], None]) -> dict[str, pa.Table]:
    """Count its parameters by group, hash its weights, and measure the bytes of a token.

    Raises:
        ValueError: it has other parameters than the suite says, or is no causal model.
    """
    spec = unit.model
    model = language_model.load(workspace.checkpoint(unit), torch.device("cpu"))
    counted = language_model.parameter_counts(model)
    expected = (spec.params_embedding, spec.params_nonembedding)
    if counted != expected:
        raise ValueError(
            f"{spec.source.name} at {spec.source.revision} has {counted[0]:,} parameters in "
            f"embeddings and {counted[1]:,} others, not {expected[0]:,} and {expected[1]:,}"
        )
    check_causal(model, spec.vocab_size, spec.context_length)
    row = {
        "model_id": unit.model_id,
        "family": model.config.model_type,
        "params_total": sum(counted),
        "params_embedding": counted[0],
        "params_nonembedding": counted[1],
        "train_tokens": spec.train_tokens,
        "vocab_size": spec.vocab_size,
        "bytes_per_token": workspace.windows.open().bytes_per_token(spec),
        "context_length": spec.context_length,
        "corpus": spec.corpus,
        "revision": f"{spec.source.name}@{spec.source.revision} ({hub.commit_of(spec.source)})",
        "seed": None,
        "train_fraction": 1.0,
        "weights_sha256": language_model.weights_sha256(model),
        "layers": model.config.num_hidden_layers,
        "hidden_size": model.config.hidden_size,
        "learning_rate": None,
        "batch_windows": spec.batch_windows,
        "arithmetic": dtype_name(arithmetic(workspace.device)),
        "stand_in": spec.stand_in,
        "remark": spec.remark,
    }
    return {"models": pa.Table.from_pylist([row])}
