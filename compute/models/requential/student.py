"""A student that takes its steps on drawn windows alone, and what it had predicted of them."""

import numpy as np
import torch
from transformers import PreTrainedModel

from compute.models.language_model import build
from compute.models.requential.average import RunningAverage
from compute.models.requential.recipe import Recipe
from compute.models.training.training import MAX_GRADIENT_NORM, WARMUP_SHARE, optimizer_of
from compute.suites.ladder.ladder_model import LadderModel

#: Of the choice of replayed windows; the same for every model.
_REPLAY_SEED = 104_729


class Student:
    """The student of one ladder model.

    Attributes:
        model: with the weights after the last step.
        average: of its weights; it is what predicts, and what is certified at the end.
    """

    def __init__(self, spec: LadderModel, recipe: Recipe, device: torch.device) -> None:
        self.spec, self.recipe, self.device = spec, recipe, device
        self.model: PreTrainedModel = build(spec).to(device).train()
        self.average = RunningAverage(self.model.parameters(), recipe.student_window)
        self._averaged = build(spec).to(device).eval()
        self._optimizer = optimizer_of(self.model, spec.learning_rate)
        self._replay = np.random.default_rng(_REPLAY_SEED)
        windows = spec.train_windows
        self._drawn = torch.zeros(windows, spec.context_length + 1, dtype=torch.int16)
        self._count = 0

    @property
    def averaged(self) -> PreTrainedModel:
        """The model with the averaged weights, to be used before the next step."""
        with torch.no_grad():
            for own, mean in zip(self._averaged.parameters(), self.average.weights, strict=True):
                own.copy_(mean)
        return self._averaged

    @torch.inference_mode()
    def log_probabilities(self, tokens: torch.Tensor) -> torch.Tensor:
        """ln P of every token but the first of windows (windows, T+1); (windows, T), float64."""
        predicted = torch.log_softmax(self.averaged(tokens[:, :-1]).logits.double(), dim=-1)
        return predicted.gather(-1, tokens[:, 1:, None])[..., 0]

    def learn(self, tokens: torch.Tensor) -> None:
        """One step for every batch of the windows, shape (windows, T+1), with replayed ones."""
        start = self._count
        self._drawn[start : start + len(tokens)] = tokens.cpu()
        self._count += len(tokens)
        for first in range(start, self._count, self.spec.batch_windows):
            new = np.arange(first, min(first + self.spec.batch_windows, self._count))
            replayed = self._pooled(len(new) * self.recipe.replayed)
            warmup = (self.average.steps + 1) / (WARMUP_SHARE * self.spec.steps)
            self._step(np.concatenate([new, replayed]), min(1.0, warmup))

    def finish(self) -> None:
        """The last steps, on windows that were drawn before."""
        steps = round(self.recipe.finish * self.spec.steps)
        for step in range(steps):
            chosen = self._pooled(self.spec.batch_windows * (1 + self.recipe.replayed))
            self._step(chosen, 1.0 - step / steps)

    def _pooled(self, count: int) -> np.ndarray:
        """Places of windows among the latest that were drawn."""
        pool = max(1, int(self.recipe.pool * self._count))
        return self._count - 1 - self._replay.integers(pool, size=count)

    def _step(self, places: np.ndarray, rate: float) -> None:
        tokens = self._drawn[places].to(self.device, torch.int64)
        for group in self._optimizer.param_groups:
            group["lr"] = self.spec.learning_rate * rate
        logits = self.model(tokens[:, :-1]).logits
        loss = torch.nn.functional.cross_entropy(logits.flatten(0, 1), tokens[:, 1:].flatten())
        self._optimizer.zero_grad(set_to_none=True)
        loss.backward()
        torch.nn.utils.clip_grad_norm_(self.model.parameters(), MAX_GRADIENT_NORM)
        self._optimizer.step()
        self.average.add(self.model.parameters())

    def state_dict(self) -> dict:
        """The whole state."""
        return {
            "model": self.model.state_dict(),
            "average": self.average.state_dict(),
            "optimizer": self._optimizer.state_dict(),
            "replay": self._replay.bit_generator.state,
            "drawn": self._drawn[: self._count],
        }

    def load_state_dict(self, state: dict) -> None:
        """Restore the state of ``state_dict``."""
        self.model.load_state_dict(state["model"])
        self.average.load_state_dict(state["average"])
        self._optimizer.load_state_dict(state["optimizer"])
        self._replay.bit_generator.state = state["replay"]
        self._count = len(state["drawn"])
        self._drawn[: self._count] = state["drawn"]
