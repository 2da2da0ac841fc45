"""Inputs of a trained model's layers, measured once for all settings and stored in the cache.

Rounding to nearest does not use inputs, so the inputs of the trained model, the same at every bit
width, measure its effect on a layer.  Quantizers that feed errors back measure their own
inputs, but the spectrum, the most expensive statistic of a layer, is also that
of the trained model.
"""

import contextlib
import fcntl
import json
import shutil
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

import torch
from safetensors.torch import load_file, save_file
from torch import nn
from transformers import PreTrainedModel

from compute.base.folders import whole_folder
from compute.models.layout import Parameter
from compute.quantize.calibration import trained_inputs
from compute.quantize.input_moment import InputMoment, Spectrum

#: Limit of the second moments of one model in the cache; those of a larger one are measured again
#: for every setting that needs them.  Also a share of the free disk.
KEPT_BYTES, KEPT_SHARE = 8 << 30, 0.25

_INDEX = "inputs.json"


@dataclass(frozen=True)
class TrainedInput:
    """Second moment and spectrum of layers with the same inputs.

    Attributes:
        layers: names of their weights.
        moment: of the inputs.
        spectrum: of the moment.
    """

    layers: tuple[str, ...]
    moment: InputMoment
    spectrum: Spectrum


@dataclass(frozen=True)
class TrainedMoments:
    """The moments of one model on its calibration windows.

    Attributes:
        model: as it was trained, until everything is measured.
        batches: token ids, each of shape (B, T).
        layers: modules whose inputs are measured, with their parameters.
        folder: in the cache; None to store nothing.
    """

    model: PreTrainedModel
    batches: list[torch.Tensor]
    layers: dict[nn.Module, Parameter]
    folder: Path | None

    def spectra(self) -> dict[str, Spectrum]:
        """Stored spectra by name of the layer's weight."""
        if self.folder is None:
            return {}
        return {
            name: Spectrum(entry["trace_sqrt"], entry["incoherence"])
            for entry in self._index()
            for name in entry["layers"]
        }

    def moment(self, name: str) -> torch.Tensor | None:
        """Second moment of the inputs of one layer, if it is stored."""
        if self.folder is None:
            return None
        for place, entry in enumerate(self._index()):
            if name in entry["layers"] and entry["kept"]:
                return self._read(place)["hessian"].double()
        return None

    def inputs(self) -> Iterator[TrainedInput]:
        """The moments of all layers that run.

        The linear layers of ``model`` may change in between, but nothing else of it.
        """
        if self.folder is None:
            yield from self._measured()
            return
        index = self._index()
        if not all(entry["kept"] for entry in index):
            yield from self._measured()
            return
        for place, entry in enumerate(index):
            found = self._read(place)
            yield TrainedInput(
                tuple(entry["layers"]),
                InputMoment(found["hessian"], expected=found["expected"].cpu()),
                Spectrum(entry["trace_sqrt"], entry["incoherence"]),
            )

    def _measured(self) -> Iterator[TrainedInput]:
        for shared in trained_inputs(self.model, self.batches, set(self.layers)):
            # In the stored width, so that results do not depend on whether it is stored.
            moment = InputMoment(shared.second_moment.float())
            names = tuple(dict.fromkeys(self.layers[module].name for module in shared.modules))
            yield TrainedInput(names, moment, moment.spectrum())

    def _read(self, place: int) -> dict[str, torch.Tensor]:
        return load_file(self.folder / str(place), device=str(self.model.device))

    def _index(self) -> list[dict]:
        """The stored moments, measured first if necessary."""
        file = self.folder / _INDEX
        if not file.exists():
            with _locked(self.folder):
                if not file.exists():  # another worker was faster
                    self._make()
        return json.loads(file.read_text())

    def _make(self) -> None:
        room = min(KEPT_BYTES, KEPT_SHARE * shutil.disk_usage(self.folder.parent).free)
        index: list[dict] = []
        with whole_folder(self.folder) as ready:
            for place, found in enumerate(self._measured()):
                room -= 4 * found.moment.hessian.numel()
                index.append(
                    {
                        "layers": found.layers,
                        "trace_sqrt": found.spectrum.trace_sqrt,
                        "incoherence": found.spectrum.incoherence,
                        "kept": room >= 0,
                    }
                )
                if room >= 0:
                    expected = found.moment.expected_losses(None, act_order=False)
                    hessian = found.moment.hessian.float().cpu()
                    save_file({"hessian": hessian, "expected": expected}, ready / str(place))
            (ready / _INDEX).write_text(json.dumps(index))


@contextlib.contextmanager
def _locked(folder: Path) -> Iterator[None]:
    """Keep other workers from making the same folder; a killed one releases it."""
    folder.parent.mkdir(parents=True, exist_ok=True)
    with folder.with_name(f"{folder.name}.lock").open("w") as lock:
        fcntl.flock(lock, fcntl.LOCK_EX)
        yield
