"""The saved state of a training run, from which it continues as if it had never stopped."""

import shutil
import time
from dataclasses import dataclass, field
from pathlib import Path

import torch
from transformers import PreTrainedModel

from compute.base.whole_file import whole_file
from compute.models.training.online_losses import OnlineLosses

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

    def restore(self, model: PreTrainedModel, optimizer: torch.optim.Optimizer) -> OnlineLosses:
        """Restore model, optimizer and random state.

        Returns:
            The losses of the steps done; empty if there is no state, or one from before
            histograms were stored, which is not enough to continue from.
        """
        if not self._file.exists():
            return OnlineLosses()
        state = torch.load(self._file, map_location=model.device, weights_only=True)
        if "online" not in state:
            return OnlineLosses()
        model.load_state_dict(state["model"])
        optimizer.load_state_dict(state["optimizer"])
        torch.set_rng_state(state["randomness"].cpu())
        if model.device.type == "cuda":
            torch.cuda.set_rng_state(state["cuda_randomness"].cpu(), model.device)
        return OnlineLosses.from_state_dict(state["online"])

    def save_if_due(
        self,
        model: PreTrainedModel,
        optimizer: torch.optim.Optimizer,
        online: OnlineLosses,
    ) -> None:
        """Save the state if the last save is old enough."""
        if time.monotonic() - self._saved < self.interval_seconds:
            return
        state = {
            "model": model.state_dict(),
            "optimizer": optimizer.state_dict(),
            "randomness": torch.get_rng_state(),
            "online": online.state_dict(),
        }
        if model.device.type == "cuda":
            state["cuda_randomness"] = torch.cuda.get_rng_state(model.device)
        with whole_file(self._file) as writing:
            torch.save(state, writing)
        self._saved = time.monotonic()

    def forget(self) -> None:
        """Remove the folder of a finished run."""
        shutil.rmtree(self.folder, ignore_errors=True)
