"""A teacher that learns the real data, and never strays far from its student."""

from collections.abc import Iterable

import numpy as np
import torch
from transformers import PreTrainedModel

from compute.models.language_model import build
from compute.models.requential.average import RunningAverage
from compute.models.requential.stepper import Stepper
from compute.models.training.training import schedule
from compute.suites.ladder.ladder_model import LadderModel
from compute.suites.ladder.recipe import Recipe


class Teacher:
    """The teacher of one ladder model: same shape, initial weights, text and peak rate.

    What it does is free: whatever it makes of the real data counts by what is drawn from it.

    Attributes:
        average: of its weights, from which windows are drawn.
    """

    def __init__(
        self, spec: LadderModel, recipe: Recipe, windows: np.ndarray, device: torch.device
    ) -> None:
        """``windows``: all D training tokens, shape (windows, T+1)."""
        self.spec, self.recipe, self._windows = spec, recipe, windows
        self.model: PreTrainedModel = build(spec)
        self._names = [name for name, _ in self.model.named_parameters()]
        self._stepper = Stepper(self.model, spec, device)
        self.average = RunningAverage(self.model.parameters(), recipe.teacher_window)

    @property
    def weights(self) -> dict[str, torch.Tensor]:
        """The averaged weights by their names."""
        return dict(zip(self._names, self.average.weights, strict=True))

    def learn(self, student: Iterable[torch.Tensor]) -> None:
        """As many steps as one of the student's is worth, tethered to these weights of it."""
        student = list(student)
        steps = self.spec.steps * self.recipe.passes
        for _ in range(self.recipe.passes):
            done = self.average.steps
            first = done % self.spec.steps * self.spec.batch_windows
            batch = self._windows[first : first + self.spec.batch_windows]
            self._stepper.step(torch.from_numpy(batch.astype(np.int64)), schedule(done, steps))
            pull = min(1.0, 1.0 / (self.recipe.tether * (done + 1)))
            with torch.no_grad():
                for own, other in zip(self.model.parameters(), student, strict=True):
                    own.lerp_(other, pull)
            self.average.add(self.model.parameters())

    def state_dict(self) -> dict:
        """The whole state but for the text."""
        return {"stepper": self._stepper.state_dict(), "average": self.average.state_dict()}

    def load_state_dict(self, state: dict) -> None:
        """Restore the state of ``state_dict``."""
        self._stepper.load_state_dict(state["stepper"])
        self.average.load_state_dict(state["average"])
