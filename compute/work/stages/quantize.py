"""Quantize one model at one setting: coded files in the cache, what they are spent on, layers."""

import dataclasses
import math
from dataclasses import dataclass

import numpy as np
import pyarrow as pa
import torch
from transformers import PreTrainedModel

import schema
from compute.base.digest import digest
from compute.base.memory import Memory
from compute.base.setting import Setting
from compute.models import language_model
from compute.models.layout import layout
from compute.quantize import coded_model, codes
from compute.quantize.allocation import MEASURED_TOKENS, STEPS
from compute.quantize.whole_model import quantize_model
from compute.suites.model import Model
from compute.suites.text.windows.tiling import input_counts
from compute.suites.text.windows.window_source import TrainingWindows
from compute.work.stages.model_memory import quantizing
from compute.work.stages.stage import Cost, Report, Stage
from compute.work.workspace import Workspace

#: Tokens in one forward pass.
BATCH_TOKENS = 4096

#: Of the training windows that quantizers look at.
SEED = 11

#: Columns of a transformer block's matrices over its width: four matrices read the residual
#: stream or something as wide, one reads the MLP's layer, four times as wide.
_BLOCK_COLUMNS = 7


@dataclass(frozen=True, eq=False, kw_only=True)
class Quantize(Stage):
    """Quantize one model at one setting.

    Attributes:
        windows: of the training text that the quantizer looks at.
    """

    stage = "quantize"
    version = 3
    makes = ("coded",)
    reads = ("checkpoint",)

    setting: Setting
    windows: int

    @property
    def on_grid(self) -> bool:
        """Whether weights are rounded to a grid, for which the inputs of their layers count."""
        return self.setting.quantizer not in ("none", "cast")

    @property
    def tables(self) -> tuple[str, ...]:
        """Statistics of layers, and lengths in the file, where weights are rounded."""
        return ("layers", "coded_tensors") if self.on_grid else ()

    @property
    def identity(self) -> dict:
        """With the setting."""
        own = {"calibration": [self.windows, SEED], "setting": self.setting.columns}
        return {**super().identity, **own}

    @property
    def coded(self) -> str:
        """The model's files."""
        return digest(self.identity)

    @property
    def moments(self) -> str | None:
        """Key of what is kept of the inputs of the trained model's layers; whichever unit needs it
        first makes it."""
        inputs = {key: value for key, value in self.identity.items() if key != "setting"}
        return digest(inputs) if self.on_grid else None

    @property
    def work_tokens(self) -> int:
        """Of the calibration windows: each block runs about once for each of its four linear layers
        and once more; and if steps are allocated, the model for each step of each matrix."""
        tokens = self.windows * self.model.context_length
        trials = 0
        if self.setting.quantizer == "watersic_priced":
            matrices = 4 * self.model.config.num_hidden_layers + 2
            trials = matrices * len(STEPS) * min(tokens, MEASURED_TOKENS)
        return 5 * tokens + trials if self.on_grid else 0

    @property
    def draws(self) -> dict[str, int]:
        """The windows, and what the quantizer draws."""
        seed = self.setting.quantizer_seed
        return {"calibration": SEED} | ({} if seed is None else {"quantizer": seed})

    def draw(self, available: int) -> np.ndarray:
        """Indices of the windows, distinct and ascending."""
        rng = np.random.default_rng(SEED)
        return np.sort(rng.choice(available, min(self.windows, available), replace=False))

    def memory(self, device: str, weight_bytes: int) -> tuple[int, int] | None:
        """Of a published model."""
        if self.model.trained_here:
            return None
        tokens = max(BATCH_TOKENS, self.model.context_length)
        return quantizing(self.model, self.setting.bits, self.windows, tokens, device)

    def cost(self, memory: Memory) -> Cost:
        """Runs of the model, rounding, and what is done with the codes."""
        n, config = self.model.params_total, self.model.config
        columns = config.num_hidden_layers * _BLOCK_COLUMNS * config.hidden_size
        return Cost(0.0, 2.0 * n * self.work_tokens, columns, n)

    def run(self, workspace: Workspace, report: Report) -> dict[str, pa.Table]:
        """Write the model in every code; rows of each matrix and each part of the file."""
        model_spec = self.model
        device = torch.device(workspace.device)
        model = language_model.load(workspace.checkpoint(self), device)
        weights_sha256 = language_model.weights_sha256(model)
        training = workspace.windows.open()
        windows = training.read(self.draw(training.count(model_spec)))
        batch_windows = max(1, BATCH_TOKENS // model_spec.context_length)
        batches = [x for x, _ in language_model.batches(windows, batch_windows, device)]
        tensors, statistics = quantize_model(
            model,
            self.setting,
            batches,
            token_counts=_input_counts(training, model_spec, windows, model.config.vocab_size),
            report=lambda share: report(int(share * self.work_tokens)),
            moments=workspace.moments(self) if self.moments else None,
        )
        coded, spent = codes.accounted(tensors, self.setting)
        files = {"stored": codes.encode("stored", tensors, self.setting), "entropy_coded": coded}
        for code, file in files.items():
            _check_restores(file, code, model)
        coded_model.save(files, weights_sha256, workspace.coded(self))
        if not self.tables:
            return {}
        own = {"model_id": self.model_id, **self.setting.columns}
        parameters = {parameter.name: parameter for parameter in layout(model)}
        found = {
            "layers": [{**own, **dataclasses.asdict(layer)} for layer in statistics],
            "coded_tensors": [
                {
                    **own,
                    "parameter": name,
                    "kind": parameters[name].kind.value,
                    "entries": math.prod(parameters[name].shape),
                    "part": part,
                    "coded_bits": bits,
                }
                for name, part, bits in spent
            ],
        }
        return {
            table: pa.Table.from_pylist(rows, schema=schema.TABLES[table])
            for table, rows in found.items()
        }


def _input_counts(
    training: TrainingWindows, spec: Model, sample: np.ndarray, vocab_size: int
) -> torch.Tensor:
    """Relative frequency of each token as an input in training, shape (V,), measured or expected.

    A token that a sample does not contain may still be looked up.
    """
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


def nominal_rate(unit: Stage, workspace: Workspace) -> float:
    """b of the setting; on an unclipped grid the mean entropy of the codes of a matrix."""
    if unit.setting.step is None:
        return unit.setting.bits
    layers = workspace.store.read("layers", unit.before).to_pandas()
    weights = layers["rows"] * layers["columns"]
    return np.average(layers["weight_entropy_bits"], weights=weights)
