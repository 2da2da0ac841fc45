"""Quantize one model at one setting: coded files in the cache, and the `layers` table."""

import dataclasses
from collections.abc import Callable
from dataclasses import dataclass

import numpy as np
import pyarrow as pa
import torch
from transformers import PreTrainedModel

import schema
from compute.models import language_model
from compute.models.layout import layout
from compute.quantize import coded_model, codes
from compute.quantize.codes.header import CODES
from compute.quantize.whole_model import quantize_model
from compute.suites.ladder.ladder_model import LadderModel
from compute.suites.published.hub_model import HubModel
from compute.suites.text.windows.tiling import input_counts
from compute.suites.text.windows.window_source import TrainingWindows
from compute.work.unit import Unit
from compute.work.workspace import Workspace

#: Tokens in one forward pass.
BATCH_TOKENS = 4096


@dataclass(frozen=True)
class Calibration:
    """Which of a model's training windows its quantizer looks at.

    Attributes:
        windows: how many, drawn without replacement.
        seed: of the draw.
    """

    windows: int
    seed: int

    def draw(self, available: int) -> np.ndarray:
        """Indices of windows, ascending."""
        rng = np.random.default_rng(self.seed)
        return np.sort(rng.choice(available, min(self.windows, available), replace=False))

    def tokens(self, model: LadderModel | HubModel) -> int:
        """Tokens that the whole model is run on, in forward passes' worth: each block runs about
        once for each of its four linear layers and once more."""
        return 5 * self.windows * model.context_length


def run(unit: Unit, workspace: Workspace, report: Callable[[int], None]) -> dict[str, pa.Table]:
    """Write the model in every code; one row of `layers` per quantized matrix (section 7)."""
    model_spec, calibration = unit.model
    device = torch.device(workspace.device)
    model = language_model.load(workspace.checkpoint(unit), device)
    weights_sha256 = language_model.weights_sha256(model)
    training = workspace.windows.open()
    windows = training.read(calibration.draw(training.count(model_spec)))
    batch_windows = max(1, BATCH_TOKENS // model_spec.context_length)
    batches = [x for x, _ in language_model.batches(windows, batch_windows, device)]
    tensors, statistics = quantize_model(
        model,
        unit.setting,
        batches,
        token_counts=_input_counts(training, model_spec, windows, model.config.vocab_size),
        report=lambda share: report(int(share * unit.work_tokens)),
        moments=workspace.moments(unit) if unit.moments else None,
    )
    files = {code: codes.encode(code, tensors, unit.setting) for code in CODES}
    for code, file in files.items():
        _check_restores(file, code, model)
    coded_model.save(files, weights_sha256, workspace.coded(unit))
    if not unit.tables:
        return {}
    rows = [
        {"model_id": unit.model_id, **unit.setting.columns, **dataclasses.asdict(layer)}
        for layer in statistics
    ]
    return {"layers": pa.Table.from_pylist(rows, schema=schema.TABLES["layers"])}


def _input_counts(
    training: TrainingWindows, spec: LadderModel | HubModel, sample: np.ndarray, vocab_size: int
) -> torch.Tensor:
    """How often each token is an input in training, shape (vocab_size,), or, up to a factor, is
    expected to be: one that a sample does not hold may be looked up all the same."""
    counts = training.input_counts(spec, vocab_size)
    if counts is None:
        counts = input_counts(sample, vocab_size)
        counts[: spec.vocab_size] += 1
    return counts


def _check_restores(file: bytes, code: str, model: PreTrainedModel) -> None:
    """Refuse a file that does not restore the very weights that were quantized.

    Raises:
        ValueError: naming the code and the parameter.
    """
    for name, weights in codes.decode(file, layout(model)):
        if not torch.equal(weights, model.get_parameter(name).detach().cpu()):
            raise ValueError(f"the code {code} does not restore {name}")
