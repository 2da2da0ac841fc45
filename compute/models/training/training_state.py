"""The saved state of a training run, from which it continues as if it had never stopped."""

import shutil
import time
from collections.abc import Callable
from dataclasses import dataclass, field
from pathlib import Path

import torch

from compute.base.whole_file import whole_file

#: Seconds between two saves: the most that an interruption can lose.
INTERVAL_SECONDS = 120.0


@dataclass
class TrainingState:
    """State of one run in one folder, replaced as a whole.

    Attributes:
        folder: for this run alone; ``forget`` removes it.
        interval_seconds: between two saves.
    """

    folder: Path
    interval_seconds: float = INTERVAL_SECONDS
    _saved: float = field(default_factory=time.monotonic, init=False)

    @property
    def _file(self) -> Path:
        return self.folder / "state.pt"

    def read(self, device: torch.device) -> dict | None:
        """What was saved last, tensors on ``device``; None if nothing was."""
        if not self._file.exists():
            return None
        return torch.load(self._file, map_location=device, weights_only=True)

    def save_if_due(self, state_of_now: Callable[[], dict]) -> None:
        """Save tensors and plain values if the last save is old enough."""
        if time.monotonic() - self._saved < self.interval_seconds:
            return
        state = state_of_now()
        with whole_file(self._file) as writing:
            torch.save(state, writing)
        self._saved = time.monotonic()

    def forget(self) -> None:
        """Remove the folder of a finished run."""
        shutil.rmtree(self.folder, ignore_errors=True)
