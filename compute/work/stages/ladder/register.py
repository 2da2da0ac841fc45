"""Describe one checkpoint: the `models` table."""

from dataclasses import dataclass

import pyarrow as pa
import torch

from compute.models import language_model
from compute.suites.ladder.ladder_model import LadderModel
from compute.work.stages.rows import model_row
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
        row = model_row(
            self,
            model,
            bytes_per_token=1.0,
            corpus=workspace.corpus,
            revision=self.checkpoint,
            seed=spec.seed,
            learning_rate=spec.learning_rate,
            arithmetic="float32",
        )
        return {"models": row}
