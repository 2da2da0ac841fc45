"""Steps of an optimizer on windows of tokens, as the models of the ladder are trained."""

from dataclasses import replace

import torch
from transformers import PreTrainedModel

from compute.models.training.training import (
    descend,
    next_token_loss,
    optimizer_of,
    prepare,
)
from compute.suites.ladder.ladder_model import LadderModel


class Stepper:
    """Trains one model, step by step, in float32.

    Ladders may train in bfloat16; a processor without instructions for it takes seven times as
    long, and neither teacher nor student has to do as the trained model does.

    Attributes:
        model: with the weights after the last step.
    """

    def __init__(self, model: PreTrainedModel, spec: LadderModel, device: torch.device) -> None:
        self.model, self._spec = model, replace(spec, train_arithmetic="float32")
        prepare(model, self._spec, device)
        self._optimizer = optimizer_of(model, spec.learning_rate)

    def step(self, tokens: torch.Tensor, rate: float) -> None:
        """One step on windows, shape (windows, T+1), at this share of the peak learning rate.

        Raises:
            ArithmeticError: the loss is not finite.
        """
        tokens = tokens.to(self.model.device, torch.int64)
        loss, _ = next_token_loss(self.model, tokens[:, :-1], tokens[:, 1:], self._spec)
        if not torch.isfinite(loss):
            raise ArithmeticError(f"a training loss of {self._spec.model_id} is {loss.item()}")
        descend(self.model, self._optimizer, loss, self._spec.learning_rate * rate)

    def state_dict(self) -> dict:
        """Weights and optimizer."""
        return {"model": self.model.state_dict(), "optimizer": self._optimizer.state_dict()}

    def load_state_dict(self, state: dict) -> None:
        """Restore the state of ``state_dict``."""
        self.model.load_state_dict(state["model"])
        self._optimizer.load_state_dict(state["optimizer"])
