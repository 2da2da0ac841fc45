"""Tokens per parameter of a suite's models: whether sizes differ along one ratio, and which."""

from dataclasses import dataclass

import pandas as pd

#: Ratios so near to each other (highest over lowest) are one: saved checkpoints, batches and whole
#: windows keep models of one recipe from having the very same.
SAME_WITHIN = 2.0

#: Ratio at which a training budget is best spent (Hoffmann et al. 2022), and up to which factor
#: of it a suite is called compute-optimal; the loss is flat there.
OPTIMAL, NEAR = 20.0, 2.0


@dataclass(frozen=True)
class Ratios:
    """D/N of several models.

    Attributes:
        low, high: smallest and largest.
    """

    low: float
    high: float

    @classmethod
    def of(cls, models: pd.DataFrame) -> "Ratios":
        """Of rows with columns train_tokens and params_total, one at least."""
        found = models["train_tokens"] / models["params_total"]
        return cls(float(found.min()), float(found.max()))

    @property
    def is_one(self) -> bool:
        """Whether the models differ in size alone, and not also in tokens per parameter."""
        return self.high <= SAME_WITHIN * self.low

    @property
    def is_optimal(self) -> bool:
        """Whether every model is near the compute-optimal ratio."""
        return self.low >= OPTIMAL / NEAR and self.high <= OPTIMAL * NEAR

    @property
    def words(self) -> str:
        """``20 tokens per parameter``, ``5 to 300 tokens per parameter``."""
        ends = dict.fromkeys(f"{float(f'{end:.2g}'):,.10g}" for end in (self.low, self.high))
        return f"{' to '.join(ends)} tokens per parameter"
