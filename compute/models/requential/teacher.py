"""The averaged teacher at the end of every block of its training, kept in a folder."""

from collections.abc import Iterable
from pathlib import Path

import torch
from safetensors.torch import load_file, save_file

from compute.base.whole_file import whole_file
from compute.models.requential.average import RunningAverage


class TeacherPath:
    """Takes in the weights after each step of a training, and writes their average where a block
    ends.

    An interrupted training that goes on from its last state writes the same files again.
    """

    def __init__(
        self, model: torch.nn.Module, window: float, ends: list[int], folder: Path
    ) -> None:
        """``ends``: steps after which blocks end, rising."""
        self._names = [name for name, _ in model.named_parameters()]
        self._average = RunningAverage(model.parameters(), window)
        self._ends, self._folder = {end: k for k, end in enumerate(ends)}, folder
        folder.mkdir(parents=True, exist_ok=True)

    def add(self, parameters: Iterable[torch.Tensor]) -> None:
        """Take in the weights after one more step."""
        self._average.add(parameters)
        block = self._ends.get(self._average.steps)
        if block is not None:
            weights = {n: w.cpu() for n, w in zip(self._names, self._average.weights, strict=True)}
            with whole_file(block_file(self._folder, block)) as writing:
                save_file(weights, writing)

    def state_dict(self) -> dict:
        """What a training continues from."""
        return self._average.state_dict()

    def load_state_dict(self, state: dict) -> None:
        """Restore the state of ``state_dict``."""
        self._average.load_state_dict(state)


def block_file(folder: Path, block: int) -> Path:
    """File of the teacher from which the windows of a block are drawn."""
    return folder / f"block-{block:05}.safetensors"


def block_weights(folder: Path, block: int, device: torch.device) -> dict[str, torch.Tensor]:
    """The teacher's weights by their names."""
    return load_file(block_file(folder, block), device=str(device))
