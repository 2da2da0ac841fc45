"""A student that takes its steps on drawn windows alone, and what it had predicted of them."""

import numpy as np
import torch
from transformers import PreTrainedModel

from compute.models.language_model import build
from compute.models.requential.average import LeadingAverage
from compute.models.requential.stepper import Stepper
from compute.models.training.training import WARMUP_SHARE
from compute.suites.ladder.ladder_model import LadderModel
from compute.suites.ladder.recipe import Recipe

#: Of the choice of replayed windows; the same for every model.
_REPLAY_SEED = 104_729


class Student:
    """The student of one ladder model.

    Attributes:
        average: of its weights; with them it predicts.
    """

    def __init__(self, spec: LadderModel, recipe: Recipe, device: torch.device) -> None:
        self.spec, self.recipe, self.device = spec, recipe, device
        model = build(spec)
        self._stepper = Stepper(model, spec, device)
        self.average = LeadingAverage(model.parameters(), recipe.student_window)
        self._averaged = build(spec).to(device).eval()
        self._replay = np.random.default_rng(_REPLAY_SEED)
        windows = sum(block.windows for block in recipe.blocks(spec.steps, spec.batch_windows))
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

    def take_in(self, tokens: torch.Tensor, steps: int) -> list[np.ndarray]:
        """Keep the windows of a block, shape (windows, T+1).

        Returns:
            Their places by step of the block, spread evenly, to be given to ``learn``.
        """
        start = self._count
        self._count += len(tokens)
        self._drawn[start : self._count] = tokens.cpu()
        return np.array_split(np.arange(start, self._count), steps)

    def learn(self, new: np.ndarray) -> None:
        """One step on these of the windows taken in, by their places, and on earlier ones that
        fill the batch."""
        size = self.spec.batch_windows * (1 + self.recipe.replayed)
        places = np.concatenate([new, self._pooled(size - len(new))])
        warmup = (self.average.steps + 1) / (WARMUP_SHARE * self.spec.steps)
        self._stepper.step(self._drawn[places], min(1.0, warmup))
        self.average.add(self._stepper.model.parameters())

    def finished(self) -> PreTrainedModel:
        """The student that is certified: averaged, its predictions flattened as the recipe says."""
        model = self.averaged
        with torch.no_grad():
            model.get_output_embeddings().weight.mul_(self.recipe.flatness)
        return model

    def _pooled(self, count: int) -> np.ndarray:
        """Places of windows among the latest that were drawn."""
        pool = max(1, int(self.recipe.pool * self._count))
        return self._count - 1 - self._replay.integers(pool, size=count)

    def state_dict(self) -> dict:
        """The whole state."""
        return {
            "stepper": self._stepper.state_dict(),
            "average": self.average.state_dict(),
            "replay": self._replay.bit_generator.state,
            "drawn": self._drawn[: self._count],
        }

    def load_state_dict(self, state: dict) -> None:
        """Restore the state of ``state_dict``."""
        self._stepper.load_state_dict(state["stepper"])
        self.average.load_state_dict(state["average"])
        self._replay.bit_generator.state = state["replay"]
        self._count = len(state["drawn"])
        self._drawn[: self._count] = state["drawn"]
