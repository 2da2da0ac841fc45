"""Describe one checkpoint: the `models` table."""

from collections.abc import Callable

import pyarrow as pa
import torch

from compute.models import language_model
from compute.work.unit import Unit
from compute.work.workspace import Workspace


def run(unit: Unit, workspace: Workspace, report: Callable[[int], None]) -> dict[str, pa.Table]:
    """Count its parameters by group and hash its weights."""
    spec = unit.model
    model = language_model.load(workspace.checkpoint(unit), torch.device("cpu"))
    embedding, nonembedding = language_model.parameter_counts(model)
    row = {
        "model_id": unit.model_id,
        "family": model.config.model_type,
        "params_total": embedding + nonembedding,
        "params_embedding": embedding,
        "params_nonembedding": nonembedding,
        "train_tokens": spec.train_tokens,
        "vocab_size": model.config.vocab_size,
        "bytes_per_token": 1.0,
        "context_length": spec.context_length,
        "corpus": workspace.corpus,
        "revision": unit.checkpoint,
        "seed": spec.seed,
        "train_fraction": 1.0,
        "weights_sha256": language_model.weights_sha256(model),
        "layers": spec.layers,
        "hidden_size": spec.hidden_size,
        "learning_rate": spec.learning_rate,
        "batch_windows": spec.batch_windows,
        "arithmetic": "float32",
        "stand_in": None,
        "remark": None,
    }
    return {"models": pa.Table.from_pylist([row])}
