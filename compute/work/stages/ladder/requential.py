"""Train a student on what its teacher draws, and score it: `students`, `student_blocks`."""

from dataclasses import asdict, dataclass

import numpy as np
import pyarrow as pa
import torch

from bounds.codes.requential import requential_bits
from compute.base.setting import UNQUANTIZED
from compute.models import language_model
from compute.models.evaluation import evaluate
from compute.models.requential.following import DRAW_SEED, DrawnBlock, follow
from compute.models.requential.student import Student
from compute.models.requential.teacher import Teacher
from compute.models.training.training_state import TrainingState
from compute.suites.ladder.ladder_model import LadderModel
from compute.suites.ladder.recipe import Recipe
from compute.work.stages.rows import histogram_rows, loss_columns
from compute.work.stages.stage import Report, Stage
from compute.work.workspace import Workspace


@dataclass(frozen=True, eq=False, kw_only=True)
class Requential(Stage):
    """Train a student without showing it the text, count its bits, and score it on all of D.

    Attributes:
        recipe: of teacher and student.
        heldout_tokens: how many there are.
    """

    stage = "requential"
    version = 1
    tables = ("students", "student_blocks", "loss_histograms")
    pace = "training"
    variant = "student"

    model: LadderModel
    recipe: Recipe
    heldout_tokens: int

    @property
    def identity(self) -> dict:
        """With the recipe."""
        return {**super().identity, "recipe": asdict(self.recipe)}

    @property
    def draws(self) -> dict[str, int]:
        """The windows."""
        return {"windows": DRAW_SEED + self.model.seed}

    @property
    def _passes(self) -> int:
        """Tokens of a training step, by teacher and student, over those of a plain one."""
        return self.recipe.passes + 1 + self.recipe.replayed

    @property
    def work_tokens(self) -> int:
        """Of steps, and of both texts."""
        return (self._passes + 1) * self.model.train_tokens + self.heldout_tokens

    def run(self, workspace: Workspace, report: Report) -> dict[str, pa.Table]:
        """Bits, blocks and losses of the student (section 10).

        An interrupted run continues where its last state was written, to the same student.
        """
        spec, device = self.model, torch.device(workspace.device)
        windows = workspace.windows.open()
        training = windows.training[: spec.train_windows]
        state = TrainingState(workspace.training(self))
        student = Student(spec, self.recipe, device)
        drawn = follow(
            student,
            Teacher(spec, self.recipe, training, device),
            lambda tokens: report(self._passes * tokens),
            state,
        )
        model = student.finished()
        done = self._passes * spec.train_tokens
        train = evaluate(model, training, device, lambda tokens: report(done + tokens))
        done += spec.train_tokens
        heldout = evaluate(
            model,
            windows.heldout,
            device,
            lambda tokens: report(done + tokens),
            keep_tokens=True,
        )
        tokens = sum(block.tokens for block in drawn)
        ratios = np.array([block.log_ratio_nats for block in drawn])
        row = {
            "model_id": self.model_id,
            **{f"recipe_{name}": value for name, value in asdict(self.recipe).items()},
            "drawn_tokens": tokens,
            "requential_bits": requential_bits(ratios, tokens, recipes=1),
            **loss_columns(train, heldout, windows.heldout_documents),
            "weights_sha256": language_model.weights_sha256(model.cpu()),
        }
        state.forget()
        return {
            "students": pa.Table.from_pylist([row]),
            "student_blocks": _block_rows(self.model_id, drawn),
            "loss_histograms": histogram_rows(
                self.model_id, UNQUANTIZED, "student", train.histogram
            ),
        }


def _block_rows(model_id: str, drawn: list[DrawnBlock]) -> pa.Table:
    return pa.Table.from_pylist([{"model_id": model_id, **asdict(block)} for block in drawn])
