"""Score one coded model on sampled windows: `quantized` and `token_losses` (section 6)."""

from dataclasses import dataclass, replace
from typing import ClassVar

import numpy as np
import pyarrow as pa
from transformers import PreTrainedModel

import schema
from bounds import nominal_bits
from compute.base.digest import digest
from compute.base.setting import UNQUANTIZED, Setting
from compute.models import language_model
from compute.models.evaluation import clustered_standard_error
from compute.models.layout import layout
from compute.models.placement import ready_to_score
from compute.models.sampled_evaluation import SampledLosses, joined, score_positions
from compute.quantize import coded_model, codes
from compute.suites.published.effort import DRAW_SEEDS, POSITION_SEEDS, Effort
from compute.suites.published.hub_model import HubModel
from compute.suites.text.windows.draws import drawn_positions, uniform_draws
from compute.suites.text.windows.window_source import SampledWindows
from compute.work.stages.model_memory import scoring
from compute.work.stages.paired_losses import PAIRED_WINDOWS, gap_columns, paired_losses
from compute.work.stages.published.fetch import Fetch
from compute.work.stages.quantize import Quantize, nominal_rate
from compute.work.stages.stage import Report, Stage
from compute.work.workspace import Workspace

#: Losses are written as multiples of this, rounded up, and entropies to the nearest: it costs a
#: bound at most as much, and the files take a third of the room.
RESOLUTION = 2.0**-12


@dataclass(frozen=True, eq=False, kw_only=True)
class Sample(Stage):
    """Score one model at drawn positions of drawn windows.

    Attributes:
        effort: how many are drawn.
    """

    stage = "sample"
    version = 3
    tables = ("quantized", "token_losses")
    spread = True
    draws: ClassVar = {
        **{f"{split}_windows": seed for split, seed in DRAW_SEEDS.items()},
        **{f"{split}_positions": seed for split, seed in POSITION_SEEDS.items()},
    }

    model: HubModel
    before: Fetch | Quantize
    setting: Setting
    effort: Effort

    @property
    def reads(self) -> tuple[str, ...]:
        """A model that is unquantized, or that comes in a file, has no other files."""
        return ("checkpoint", "coded") if self.coded else ("checkpoint",)

    @property
    def early(self) -> bool:
        """Gaps are counted from the unquantized model."""
        return self.setting == UNQUANTIZED

    @property
    def identity(self) -> dict:
        """With the windows."""
        return {**super().identity, "sampling": self.effort.sampling_identity}

    @property
    def paired(self) -> str:
        """Key of the losses of the unquantized model that its own are compared with."""
        return digest(replace(self, before=self.origin).identity)

    @property
    def work_tokens(self) -> int:
        """Of all draws, and of the windows that the unquantized model is compared on."""
        draws = sum(self.effort.draws(split) for split in DRAW_SEEDS)
        paired = min(PAIRED_WINDOWS, self.effort.train_draws) if self.coded else 0
        return (draws + paired) * self.model.context_length

    def memory(self, device: str, weight_bytes: int) -> tuple[int, int]:
        """Of scoring."""
        return scoring(self.model, self.effort.positions, device, weight_bytes)

    def run(self, workspace: Workspace, report: Report) -> dict[str, pa.Table]:
        """Losses of the decoded model at drawn positions of drawn windows, the same of a model for
        every setting; on the first of them also those of the unquantized model, which are kept."""
        spec, effort = self.model, self.effort
        windows = workspace.windows.open()
        drawn = {split: _drawn(split, spec, effort, windows) for split in DRAW_SEEDS}
        model, weights_sha256 = ready_to_score(workspace.checkpoint(self), workspace.device)
        done = 0

        def score(ids: np.ndarray, positions: np.ndarray) -> SampledLosses:
            nonlocal done
            start, context = done, spec.context_length
            done += len(ids) * context
            return score_positions(
                model, ids, positions, spec.vocab_size, lambda tokens: report(start + tokens)
            )

        def score_drawn(ids: np.ndarray, positions: np.ndarray) -> SampledLosses:
            """Paired windows by themselves, in the batches that the unquantized model has."""
            parts = [slice(0, PAIRED_WINDOWS), slice(PAIRED_WINDOWS, None)]
            return joined([score(ids[part], positions[part]) for part in parts if len(ids[part])])

        ids, positions, _ = drawn["train"]
        paired = slice(0, min(PAIRED_WINDOWS, len(ids)))
        if spec.file is not None and self.setting.quantizer == "gguf":
            bits = dict.fromkeys(
                codes.CODES, codes.announced_bits(self.setting, spec.file.file_bits)
            )
        elif self.setting == UNQUANTIZED:
            bits = dict.fromkeys(codes.CODES, codes.unquantized_bits(layout(model)))
        else:
            before, kept = paired_losses(
                self,
                workspace,
                lambda: score(ids[paired], positions[paired]).loss_nats.mean(axis=1),
            )
            if kept:
                done += len(ids[paired]) * spec.context_length
            files = coded_model.load(workspace.coded(self), self.setting, weights_sha256)
            coded_model.restore_into(model, files)
            bits = {code: 8 * len(file) for code, file in files.items()}
        found = {split: score_drawn(ids, places) for split, (ids, places, _) in drawn.items()}
        train, heldout = found["train"], found["heldout"]
        after = train.loss_nats[paired].mean(axis=1)
        if self.setting == UNQUANTIZED:
            paired_losses(self, workspace, lambda: after)
        if self.coded is None:  # unquantized, or in the file that it comes in
            before = after
        clusters = np.take_along_axis(drawn["heldout"][2], heldout.positions, axis=1)
        row = {
            "model_id": self.model_id,
            **self.setting.columns,
            "nominal_bits": _nominal_bits(self, workspace, model),
            **{f"{code}_bits": size for code, size in bits.items()},
            "train_loss_nats": train.loss_nats.mean(),
            **gap_columns(before, after),
            "heldout_loss_nats": heldout.loss_nats.mean(),
            "heldout_loss_se_nats": clustered_standard_error(heldout.loss_nats, clusters),
            "train_tokens_evaluated": train.loss_nats.size,
            "heldout_tokens_evaluated": heldout.loss_nats.size,
        }
        return {
            "quantized": pa.Table.from_pylist([row]),
            "token_losses": pa.concat_tables(_rows(self, split, s) for split, s in found.items()),
        }


def _nominal_bits(unit: Sample, workspace: Workspace, model: PreTrainedModel) -> float:
    spec = unit.model
    if spec.file is not None and unit.setting.quantizer == "gguf":
        return float(spec.file.tensor_bits)
    parameters = sum(language_model.parameter_counts(model))
    return nominal_bits(nominal_rate(unit, workspace), parameters)


def _drawn(
    split: str, spec: HubModel, effort: Effort, windows: SampledWindows
) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
    """Windows (n, T+1), positions (n, k) and the independent unit of each prediction (n, T)."""
    count, seed = effort.draws(split), DRAW_SEEDS[split]
    if split == "heldout":
        ids, units = windows.heldout(spec, count, seed)
    else:
        ids = windows.read(uniform_draws(windows.count(spec), count, seed))
        units = np.broadcast_to(np.arange(len(ids))[:, None], (len(ids), spec.context_length))
    kept = min(effort.positions, spec.context_length)
    places = drawn_positions(len(ids), kept, spec.context_length, POSITION_SEEDS[split])
    return ids, places, units


def _rows(unit: Sample, split: str, scored: SampledLosses) -> pa.Table:
    windows, kept = scored.positions.shape
    constants = {"model_id": unit.model_id, **unit.setting.columns, "split": split}
    columns = {name: [value] * (windows * kept) for name, value in constants.items()} | {
        "window": np.repeat(np.arange(windows), kept),
        "position": scored.positions.ravel(),
        "loss_nats": np.ceil(scored.loss_nats.ravel() / RESOLUTION) * RESOLUTION,
        "entropy_nats": np.rint(scored.entropy_nats.ravel() / RESOLUTION) * RESOLUTION,
    }
    table = schema.TABLES["token_losses"]
    return pa.table({f.name: pa.array(columns[f.name], f.type) for f in table}, schema=table)
