"""Describe one checkpoint: the `models` table."""

from dataclasses import dataclass

import pyarrow as pa
import torch

from compute.models import language_model
from compute.suites.ladder.ladder_model import LadderModel
from compute.work.stages.stage import Report, Stage
from compute.work.workspace import Workspace


@dataclass(frozen=True, eq=False, kw_only=True)
class Register(Stage):
    """Describe one checkpoint."""

    stage = "register"
    version = 2
    tables = ("models",)
    reads = ("checkpoint",)
    early = True

    model: LadderModel

    def run(self, workspace: Workspace, report: Report) -> dict[str, pa.Table]:
        """Count its parameters by group and hash its weights."""
        spec = self.model
        model = language_model.load(workspace.checkpoint(self), torch.device("cpu"))
        embedding, nonembedding = language_model.parameter_counts(model)
        row = {
            "model_id": self.model_id,
            "family": model.config.model_type,
            "params_total": embedding + nonembedding,
            "params_embedding": embedding,
            "params_nonembedding": nonembedding,
            "train_tokens": spec.train_tokens,
            "vocab_size": model.config.vocab_size,
            "bytes_per_token": 1.0,
            "context_length": spec.context_length,
            "corpus": workspace.corpus,
            "revision": self.checkpoint,
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
