"""The running average of a model's weights over the last share of its training."""

from collections.abc import Iterable

import torch


class RunningAverage:
    """After step k the average moves towards the weights by 1/max(1, window * k).

    With window 1 it is the mean over all steps; a smaller one averages about the last
    ``window * k`` of them.

    Attributes:
        weights: the average, float32, in the order of the model's parameters; at first the
            initial weights.
        window: share of the steps so far.
        steps: taken in so far.
    """

    def __init__(self, parameters: Iterable[torch.Tensor], window: float) -> None:
        if not 0 < window <= 1:
            raise ValueError(f"the window of an average is a share of the steps, not {window}")
        self.weights = [parameter.detach().clone() for parameter in parameters]
        self.window, self.steps = window, 0

    @torch.no_grad()
    def add(self, parameters: Iterable[torch.Tensor]) -> None:
        """Take in the weights after one more step."""
        self.steps += 1
        share = 1.0 / max(1.0, self.window * self.steps)
        for mean, parameter in zip(self.weights, parameters, strict=True):
            mean.lerp_(parameter, share)

    def state_dict(self) -> dict:
        """The whole state but for the window."""
        return {"weights": self.weights, "steps": self.steps}

    def load_state_dict(self, state: dict) -> None:
        """Restore the state of ``state_dict``."""
        self.weights, self.steps = state["weights"], state["steps"]


class LeadingAverage:
    """A running average, moved on by its distance from its own running average.

    It is smooth as an average is, and lags behind weights that drift less than one does (the
    double exponential moving average of time series).

    Attributes:
        average: of the weights.
    """

    def __init__(self, parameters: Iterable[torch.Tensor], window: float) -> None:
        self.average = RunningAverage(parameters, window)
        self._second = RunningAverage(self.average.weights, window)

    @property
    def steps(self) -> int:
        """Taken in so far."""
        return self.average.steps

    @property
    def weights(self) -> list[torch.Tensor]:
        """In the order of the model's parameters, float32."""
        pairs = zip(self.average.weights, self._second.weights, strict=True)
        return [2 * mean - second for mean, second in pairs]

    def add(self, parameters: Iterable[torch.Tensor]) -> None:
        """Take in the weights after one more step."""
        self.average.add(parameters)
        self._second.add(self.average.weights)

    def state_dict(self) -> dict:
        """The whole state but for the window."""
        return {"average": self.average.state_dict(), "second": self._second.state_dict()}

    def load_state_dict(self, state: dict) -> None:
        """Restore the state of ``state_dict``."""
        self.average.load_state_dict(state["average"])
        self._second.load_state_dict(state["second"])
