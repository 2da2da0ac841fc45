"""Score one coded model: decode it, and take its losses on training and held-out text."""

from dataclasses import dataclass

import numpy as np
import pyarrow as pa
import torch

from bounds import nominal_bits
from compute.base.digest import digest
from compute.base.setting import UNQUANTIZED, Setting
from compute.models import language_model
from compute.models.evaluation import clustered_standard_error, evaluate
from compute.quantize import coded_model
from compute.suites.ladder.ladder_model import LadderModel
from compute.suites.text.windows.draws import shuffled_windows
from compute.work.stages.histogram_rows import histogram_rows
from compute.work.stages.paired_losses import paired_losses
from compute.work.stages.quantize import Quantize
from compute.work.stages.stage import Report, Stage
from compute.work.workspace import Workspace

#: Training windows on which losses are compared with those of the unquantized model, pair by
#: pair: enough for a standard error near a hundredth of most gaps.
PAIRED_WINDOWS = 1024


@dataclass(frozen=True)
class Scoring:
    """Which training windows the loss is measured on.

    Attributes:
        windows: how many, drawn without replacement; None for all.
        seed: of the draw.
    """

    windows: int | None
    seed: int

    @property
    def identity(self) -> list:
        """What determines the result."""
        return [self.windows, self.seed, PAIRED_WINDOWS]

    def train_tokens(self, model: LadderModel) -> int:
        """Training tokens scored, once by the quantized model and some by the unquantized one."""
        windows = model.train_windows if self.windows is None else self.windows
        return (windows + min(PAIRED_WINDOWS, windows)) * model.context_length


@dataclass(frozen=True, eq=False, kw_only=True)
class Measure(Stage):
    """Score one coded model on its training text and on held-out documents.

    Attributes:
        scoring: which training windows.
        heldout_tokens: how many there are.
    """

    stage = "measure"
    version = 3
    reads = ("checkpoint", "coded")

    model: LadderModel
    before: Quantize
    setting: Setting
    scoring: Scoring
    heldout_tokens: int

    @property
    def tables(self) -> tuple[str, ...]:
        """Of sampled windows a mean is all there is."""
        return (
            ("quantized",) if self.scoring.windows is not None else ("quantized", "loss_histograms")
        )

    @property
    def early(self) -> bool:
        """Gaps are counted from the unquantized model."""
        return self.setting == UNQUANTIZED

    @property
    def identity(self) -> dict:
        """With the windows."""
        return {**super().identity, "scoring": self.scoring.identity}

    @property
    def paired(self) -> str:
        """Key of the losses of the unquantized model that its own are compared with."""
        return digest([self.checkpoint, self.scoring.identity, self.version])

    @property
    def work_tokens(self) -> int:
        """Of both texts."""
        return self.scoring.train_tokens(self.model) + self.heldout_tokens

    @property
    def seeds(self) -> dict[str, int]:
        """With that of the draw."""
        return {**super().seeds, "sample": self.scoring.seed}

    def run(self, workspace: Workspace, report: Report) -> dict[str, pa.Table]:
        """Losses of the decoded model on training tokens and on held-out documents (section 6).

        Where all D training tokens are scored, their histogram is written, which is all that a
        bound needs.
        """
        spec, scoring = self.model, self.scoring
        device = torch.device(workspace.device)
        model = language_model.load(workspace.checkpoint(self), device)
        windows = workspace.windows.open()
        chosen = shuffled_windows(spec.train_windows, scoring.windows, scoring.seed)
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
            training if scoring.windows is None else training[places],
            device,
            lambda tokens: report(done + tokens),
        )
        heldout = evaluate(
            model,
            windows.heldout,
            device,
            lambda tokens: report(scoring.train_tokens(spec) + tokens),
            keep_tokens=True,
        )
        gaps = train.window_losses[np.searchsorted(places, paired)] - before
        row = {
            "model_id": self.model_id,
            **self.setting.columns,
            "nominal_bits": nominal_bits(
                nominal_rate(self.setting, self.before, workspace), spec.params_total
            ),
            **{f"{code}_bits": 8 * len(file) for code, file in files.items()},
            "train_loss_nats": train.mean_loss_nats,
            "paired_gap_nats": gaps.mean(),
            "paired_gap_se_nats": gaps.std(ddof=1) / np.sqrt(len(gaps)),
            "paired_windows": len(gaps),
            "heldout_loss_nats": heldout.mean_loss_nats,
            "heldout_loss_se_nats": clustered_standard_error(
                heldout.window_token_losses, windows.heldout_documents
            ),
            "train_tokens_evaluated": int(train.histogram.total_tokens),
            "heldout_tokens_evaluated": int(heldout.histogram.total_tokens),
        }
        tables = {"quantized": pa.Table.from_pylist([row])}
        if scoring.windows is None:
            tables["loss_histograms"] = pa.concat_tables(
                histogram_rows(self.model_id, self.setting, split, evaluation.histogram)
                for split, evaluation in (("train", train), ("heldout", heldout))
            )
        return tables


def nominal_rate(setting: Setting, quantize: Quantize, workspace: Workspace) -> float:
    """b; on an unclipped grid the mean entropy of the codes of a matrix."""
    if setting.step is None:
        return setting.bits
    layers = workspace.store.read("layers", quantize).to_pandas()
    weights = layers["rows"] * layers["columns"]
    return np.average(layers["weight_entropy_bits"], weights=weights)
