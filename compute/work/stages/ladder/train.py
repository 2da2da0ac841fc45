"""Train one ladder model for one epoch: checkpoints, `online_losses` and their histogram."""

import shutil
from dataclasses import dataclass

import pyarrow as pa
import pyarrow.parquet as pq
import torch

from compute.base.digest import digest
from compute.base.folders import whole_folder
from compute.base.setting import UNQUANTIZED
from compute.models import language_model
from compute.models.training import training
from compute.models.training.training_state import TrainingState
from compute.suites.checkpoints import kept_steps
from compute.suites.ladder.ladder_model import LadderModel
from compute.work.stages.rows import histogram_rows
from compute.work.stages.stage import Report, Stage
from compute.work.workspace import Workspace


@dataclass(frozen=True, eq=False, kw_only=True)
class Train(Stage):
    """One epoch over the model's prefix of the training windows.

    Attributes:
        suite: digest of what the suite's checkpoints depend on, the corpus among it.
    """

    stage = "train"
    version = 1
    tables = ("online_losses", "loss_histograms")
    makes = ("checkpoint", "trajectory")
    optional = False
    pace = "training"

    model: LadderModel
    suite: str

    @property
    def identity(self) -> dict:
        """The fingerprint stands for the corpus; the model's own numbers are part of it too, but
        naming them here keeps the key right should a suite ever grow model by model."""
        return {**super().identity, "suite": self.suite, "model": self.model.identity}

    @property
    def work_tokens(self) -> int:
        """D."""
        return self.model.train_tokens

    @property
    def draws(self) -> dict[str, int]:
        """The initial weights."""
        return {"weights": self.model.seed}

    @property
    def checkpoint(self) -> str:
        """The trained model."""
        return digest(self.identity)

    @property
    def trajectory(self) -> str:
        """Key of the states during training."""
        return digest([self.checkpoint, kept_steps(self.model.steps)])

    def run(self, workspace: Workspace, report: Report) -> dict[str, pa.Table]:
        """One epoch over the model's prefix of the training windows (section 9: scored first).

        The model is kept as it is at the end, and at some steps on the way.  A run that was
        interrupted goes on where its last state was written, to the same weights.
        """
        spec = self.model
        windows = workspace.windows.open().training[: spec.train_windows]
        model = language_model.build(spec)
        device = torch.device(workspace.device)
        state = TrainingState(workspace.training(self))
        trajectory = state.folder / "trajectory"
        online = training.train(
            model,
            spec,
            windows,
            device,
            report,
            keep=lambda step: language_model.save(model, trajectory / f"step{step}"),
            state=state,
        )
        _check_against_registered(language_model.weights_sha256(model.cpu()), self, workspace)
        with whole_folder(workspace.trajectory(self)) as whole:
            # Until all is written, both stay.
            shutil.copytree(trajectory, whole, dirs_exist_ok=True)
        language_model.save(model, workspace.checkpoint(self))
        state.forget()
        rows = {
            "model_id": [self.model_id] * len(online.tokens_seen),
            "tokens_seen": online.tokens_seen,
            "loss_nats": online.loss_nats,
        }
        return {
            "online_losses": pa.table(rows),
            "loss_histograms": histogram_rows(
                self.model_id, UNQUANTIZED, "online", online.histogram
            ),
        }


def _check_against_registered(weights_sha256: str, unit: Train, workspace: Workspace) -> None:
    """Refuse to go on with weights other than those that the suite's measurements are of.

    A model is trained again if its checkpoint is not in the cache.  That gives the same bytes
    on the same kind of machine, but another processor or torch may round differently.
    """
    for path in workspace.store.folder.glob(f"models/{unit.model_id}--*.parquet"):
        for row in pq.read_table(path, columns=["revision", "weights_sha256"]).to_pylist():
            if row["revision"] == unit.checkpoint and row["weights_sha256"] != weights_sha256:
                raise RuntimeError(
                    "training again gave other weights than those already measured (another "
                    "processor or torch version rounds differently); measure the whole suite "
                    "again under another name with SUITE=name"
                )
