"""Score checkpoints on the way on what they have not seen yet: `checkpoint_losses` (section 9)."""

from dataclasses import dataclass

import pyarrow as pa
import torch

from compute.models import language_model
from compute.models.evaluation import evaluate
from compute.suites.checkpoints import pythia_steps
from compute.suites.ladder.ladder_model import LadderModel
from compute.suites.text.windows.tiling import predictions
from compute.work.stages.rows import checkpoint_row
from compute.work.stages.stage import Report, Stage
from compute.work.workspace import Workspace

#: Windows scored at each step: the next ones of the training stream.  With 256 of them the error
#: of K(h) that comes from drawing windows is small beside that of the quadrature.
WINDOWS = 256


@dataclass(frozen=True, eq=False, kw_only=True)
class Trajectory(Stage):
    """Loss of every checkpoint that Pythia's spacing keeps on what it has not seen yet."""

    stage = "trajectory"
    version = 3
    tables = ("checkpoint_losses",)
    reads = ("checkpoint", "trajectory")

    model: LadderModel

    @property
    def steps(self) -> list[int]:
        """Of the checkpoints; a standard error needs two windows ahead."""
        most = (self.model.train_windows - 2) // self.model.batch_windows
        return [step for step in pythia_steps(self.model.steps) if step <= most]

    @property
    def identity(self) -> dict:
        """With the steps, and how many windows are scored at each."""
        return {**super().identity, "steps": self.steps, "windows": WINDOWS}

    @property
    def work_tokens(self) -> int:
        """By each checkpoint and by the final model."""
        return 2 * len(self.steps) * WINDOWS * self.model.context_length

    def run(self, workspace: Workspace, report: Report) -> dict[str, pa.Table]:
        """Loss of every checkpoint that Pythia's spacing keeps, and of the final model, on the
        windows that come next: where no online loss was written down, K(h) comes from these."""
        spec = self.model
        device = torch.device(workspace.device)
        training = workspace.windows.open().training
        final = language_model.load(workspace.checkpoint(self), device)
        rows, done = [], 0

        def score(model: torch.nn.Module, first: int) -> torch.Tensor:
            nonlocal done
            windows = training[first : min(first + WINDOWS, spec.train_windows)]
            losses = evaluate(model, windows, device, lambda tokens: report(done + tokens))
            done += predictions(windows)
            return losses.window_losses

        for step in self.steps:
            checkpoint = language_model.load(workspace.trajectory(self) / f"step{step}", device)
            first = step * spec.batch_windows
            then, after = score(checkpoint, first), score(final, first)
            sha = language_model.weights_sha256(checkpoint)
            rows.append(checkpoint_row(self, step, then, after, sha))
        return {"checkpoint_losses": pa.Table.from_pylist(rows)}
