"""Score earlier checkpoints of a published model on what they had not seen yet (section 9)."""

import json
from dataclasses import dataclass
from pathlib import Path
from typing import ClassVar

import numpy as np
import pyarrow as pa
from transformers import PreTrainedModel

import schema
from compute.base.whole_file import whole_file
from compute.models import language_model
from compute.models.placement import ready_to_score
from compute.models.sampled_evaluation import score_positions
from compute.suites import hub
from compute.suites.published.hub_model import HubModel
from compute.suites.published.repeated_weights import repeated_steps, repeated_weights
from compute.suites.text.windows.draws import drawn_positions
from compute.work.stages.model_memory import scoring
from compute.work.stages.rows import checkpoint_row
from compute.work.stages.stage import Report, Stage
from compute.work.workspace import Workspace

#: Of the predictions that are scored inside each window.
POSITION_SEED = 34


@dataclass(frozen=True, eq=False, kw_only=True)
class Chain(Stage):
    """Loss of every earlier checkpoint, and of the final model, on the windows that come next.

    Attributes:
        windows: how many are scored.
        positions: predictions drawn inside each.
    """

    stage = "chain"
    version = 4
    tables = ("checkpoint_losses", "left_out_checkpoints")
    reads = ("checkpoint",)
    spread = True
    draws: ClassVar = {"ahead_positions": POSITION_SEED}

    model: HubModel
    windows: int
    positions: int

    @property
    def identity(self) -> dict:
        """With the steps, and the windows at each."""
        ahead = [self.windows, self.positions, POSITION_SEED]
        steps = [step for step, _ in self.model.chain]
        return {**super().identity, "steps": steps, "ahead": ahead}

    @property
    def work_tokens(self) -> int:
        """By each checkpoint and by the final model."""
        windows = sum(len(self.indices(step)) for step, _ in self.model.chain)
        return 2 * windows * self.model.context_length

    def indices(self, step: int) -> np.ndarray:
        """Of the windows after ``step``, as far as the model was trained on them."""
        first = step * self.model.batch_windows
        return np.arange(first, min(first + self.windows, self.model.train_windows))

    def memory(self, device: str, weight_bytes: int) -> tuple[int, int]:
        """Of scoring."""
        return scoring(self.model, self.positions, device, weight_bytes)

    def run(self, workspace: Workspace, report: Report) -> dict[str, pa.Table]:
        """Loss of every earlier checkpoint, and of the final model, on the windows that come next.

        A checkpoint is fetched, scored and dropped again, unless it had been there before; its row
        is kept in the cache, so that an interrupted run continues with the next one.  Checkpoints
        whose weights are another's, whole or in part, are left out and listed.

        Raises:
            ValueError: the first of them is another's.
        """
        spec = self.model
        repeated = dict(repeated_weights(spec).left_out)
        checkpoints = [(s, source) for s, source in spec.chain if s not in repeated]
        folder = workspace.probes(self)
        folder.mkdir(parents=True, exist_ok=True)
        missing = [(s, source) for s, source in checkpoints if not _file(folder, s).exists()]
        done = 0

        def losses(model: PreTrainedModel, step: int) -> np.ndarray:
            nonlocal done
            indices = self.indices(step)
            kept = min(self.positions, spec.context_length)
            places = drawn_positions(len(indices), kept, spec.context_length, POSITION_SEED)
            ids = workspace.windows.open().read(indices)
            found = score_positions(
                model, ids, places, spec.vocab_size, lambda tokens: report(done + tokens)
            )
            done += len(indices) * spec.context_length
            return found.loss_nats.mean(axis=1)

        model, _ = ready_to_score(workspace.checkpoint(self), workspace.device)
        after = {step: losses(model, step) for step, _ in missing}
        ends = [(spec.source.revision, language_model.matrix_samples(model))]
        del model  # or there would be two at once
        for step, source in missing:
            had = hub.missing_bytes(source) == 0
            weights = hub.fetch(source)
            hub.verify(weights)
            model, sha = ready_to_score(weights, workspace.device)
            then, matrices = losses(model, step), sorted(language_model.matrix_samples(model))
            del model
            row = checkpoint_row(self, step, then, after[step], sha)
            with whole_file(_file(folder, step)) as writing:
                writing.write_text(json.dumps({"row": row, "matrices": matrices}))
            if not had:
                hub.forget(source)
        for source in spec.finals:
            if source != spec.source and hub.missing_bytes(source) == 0:
                model, _ = ready_to_score(hub.fetch(source), workspace.device)
                ends.append((source.revision, language_model.matrix_samples(model)))
                del model
        found = {step: json.loads(_file(folder, step).read_text()) for step, _ in checkpoints}
        matrices = [(step, frozenset(kept["matrices"])) for step, kept in found.items()]
        repeated |= repeated_steps(matrices, ends)
        first = spec.chain[0][0]
        if first in repeated:
            raise ValueError(
                f"step {first:,} holds {repeated[first]}: how the training began is not known"
            )
        rows = [kept["row"] for step, kept in found.items() if step not in repeated]
        left_out = [
            {"model_id": self.model_id, "train_step": step, "holds": holds}
            for step, holds in sorted(repeated.items())
        ]
        return {
            "checkpoint_losses": pa.Table.from_pylist(rows),
            "left_out_checkpoints": pa.Table.from_pylist(
                left_out, schema.TABLES["left_out_checkpoints"]
            ),
        }


def _file(folder: Path, step: int) -> Path:
    return folder / f"step{step}.json"
