"""Score one coded model: decode it, and take its losses on training and held-out text."""

from dataclasses import dataclass
from typing import ClassVar

import numpy as np
import pyarrow as pa
import torch

from bounds import nominal_bits
from compute.base.digest import digest
from compute.base.setting import UNQUANTIZED, Setting
from compute.models import language_model
from compute.models.evaluation import evaluate
from compute.quantize import coded_model
from compute.suites.ladder.ladder_model import LadderModel
from compute.suites.text.windows.draws import shuffled_windows
from compute.work.stages.paired_losses import PAIRED_WINDOWS, gap_columns, paired_losses
from compute.work.stages.quantize import Quantize, nominal_rate
from compute.work.stages.rows import histogram_rows, loss_columns
from compute.work.stages.stage import Report, Stage
from compute.work.workspace import Workspace

#: Of the training windows on which losses are compared with those of the unquantized model, and on
#: which they are measured where not all are.
SEED = 12


@dataclass(frozen=True, eq=False, kw_only=True)
class Measure(Stage):
    """Score one coded model on its training text and on held-out documents.

    Attributes:
        windows: of its training text, drawn without replacement; None for all.
        heldout_tokens: how many there are.
    """

    stage = "measure"
    version = 3
    reads = ("checkpoint", "coded")
    draws: ClassVar = {"sample": SEED}

    model: LadderModel
    before: Quantize
    setting: Setting
    windows: int | None
    heldout_tokens: int

    @property
    def tables(self) -> tuple[str, ...]:
        """Of sampled windows a mean is all there is."""
        return ("quantized", "loss_histograms") if self.windows is None else ("quantized",)

    @property
    def early(self) -> bool:
        """Gaps are counted from the unquantized model."""
        return self.setting == UNQUANTIZED

    @property
    def identity(self) -> dict:
        """With the windows."""
        return {**super().identity, "scoring": [self.windows, SEED, PAIRED_WINDOWS]}

    @property
    def paired(self) -> str:
        """Key of the losses of the unquantized model that its own are compared with."""
        return digest([self.checkpoint, self.identity["scoring"], self.version])

    @property
    def _train_tokens(self) -> int:
        """Training tokens scored, some of them by the unquantized model too."""
        windows = self.model.train_windows if self.windows is None else self.windows
        return (windows + min(PAIRED_WINDOWS, windows)) * self.model.context_length

    @property
    def work_tokens(self) -> int:
        """Of both texts."""
        return self._train_tokens + self.heldout_tokens

    def run(self, workspace: Workspace, report: Report) -> dict[str, pa.Table]:
        """Losses of the decoded model on training tokens and on held-out documents (section 6).

        Where all D training tokens are scored, their histogram is written, which is all that a
        bound needs.
        """
        spec = self.model
        device = torch.device(workspace.device)
        model = language_model.load(workspace.checkpoint(self), device)
        windows = workspace.windows.open()
        chosen = shuffled_windows(spec.train_windows, self.windows, SEED)
        paired = chosen[:PAIRED_WINDOWS]
        before, _ = paired_losses(
            self,
            workspace,
            lambda: evaluate(model, windows.training[paired], device, report).window_losses,
        )
        files = coded_model.load(
            workspace.coded(self), self.setting, language_model.weights_sha256(model)
        )
        coded_model.restore_into(model, files)
        # Chosen windows in the order of the text: the whole of it is a slice, which is not copied.
        places = np.sort(chosen)
        training = windows.training[: spec.train_windows]
        done = len(paired) * spec.context_length
        train = evaluate(
            model,
            training if self.windows is None else training[places],
            device,
            lambda tokens: report(done + tokens),
        )
        heldout = evaluate(
            model,
            windows.heldout,
            device,
            lambda tokens: report(self._train_tokens + tokens),
            keep_tokens=True,
        )
        after = train.window_losses[np.searchsorted(places, paired)]
        row = {
            "model_id": self.model_id,
            **self.setting.columns,
            "nominal_bits": nominal_bits(nominal_rate(self, workspace), spec.params_total),
            **{f"{code}_bits": 8 * len(file) for code, file in files.items()},
            **gap_columns(before, after),
            **loss_columns(train, heldout, windows.heldout_documents),
        }
        tables = {"quantized": pa.Table.from_pylist([row])}
        if self.windows is None:
            tables["loss_histograms"] = pa.concat_tables(
                histogram_rows(self.model_id, self.setting, split, evaluation.histogram)
                for split, evaluation in (("train", train), ("heldout", heldout))
            )
        return tables
