"""Train one model at one learning rate, to see what it makes of it: `learning_rates`."""

from dataclasses import dataclass

import numpy as np
import pyarrow as pa
import torch

from compute.models import language_model
from compute.models.evaluation import evaluate
from compute.models.training import training
from compute.models.training.training_state import TrainingState
from compute.work.stages.ladder.train import Train
from compute.work.stages.stage import Report
from compute.work.workspace import Workspace


@dataclass(frozen=True, eq=False, kw_only=True)
class Sweep(Train):
    """Train one model at one learning rate, and score it on windows that come after its own.

    Attributes:
        fresh_windows: how many these are.
    """

    stage = "sweep"
    version = 1
    tables = ("learning_rates",)
    makes = ()
    checkpoint = trajectory = None  # the model is not kept

    fresh_windows: int

    @property
    def variant(self) -> str:
        """The model's learning rate: models of one name differ in it."""
        return f"rate{self.model.learning_rate:g}"

    @property
    def identity(self) -> dict:
        """With the version of the training."""
        return {**super().identity, Train.stage: Train.version}

    def run(self, workspace: Workspace, report: Report) -> dict[str, pa.Table]:
        """One epoch, then the loss on the windows that come next in the stream: the same ones at
        every rate of a size, and neither trained on nor held out.  The model is not kept."""
        spec, fresh_windows = self.model, self.fresh_windows
        windows = workspace.windows.open().training[: spec.train_windows + fresh_windows]
        device = torch.device(workspace.device)
        model = language_model.build(spec)
        state = TrainingState(workspace.training(self))
        losses = None
        try:
            training.train(model, spec, windows[: spec.train_windows], device, report, state=state)
            model.eval()
            losses = evaluate(model, windows[spec.train_windows :], device, lambda _: None)
        except ArithmeticError:
            pass  # that the rate is too high is a result
        state.forget()
        row = {
            "model_id": self.model_id,
            "params_total": spec.params_total,
            "train_tokens": spec.train_tokens,
            "batch_windows": spec.batch_windows,
            "seed": spec.seed,
            "learning_rate": spec.learning_rate,
            "fresh_windows": fresh_windows,
            "fresh_loss_nats": None,
            "fresh_loss_se_nats": None,
        }
        if losses is not None:
            means = losses.window_losses
            row["fresh_loss_nats"] = means.mean()
            row["fresh_loss_se_nats"] = means.std(ddof=1) / np.sqrt(len(means))
        return {"learning_rates": pa.Table.from_pylist([row])}
