"""How the peak learning rate falls with size."""

from dataclasses import dataclass


@dataclass(frozen=True)
class LearningRateRule:
    """A power law, fitted to a sweep at small sizes and carried to larger ones.

    Attributes:
        rate: at a model of ``params`` parameters.
        params: N there.
        exponent: p of N^-p.
    """

    rate: float
    params: int
    exponent: float

    def __post_init__(self) -> None:
        if not (self.rate > 0 and self.params > 0):
            raise ValueError(f"rate={self.rate} and params={self.params} must be positive")

    def at(self, params: int) -> float:
        """Learning rate for a model of so many parameters, to two significant digits."""
        return float(f"{self.rate * (params / self.params) ** -self.exponent:.2g}")
