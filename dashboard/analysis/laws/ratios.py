"""Tokens per parameter of a suite's models: whether all sizes share one ratio, and which."""

from dataclasses import dataclass

import pandas as pd

#: Ratios this close (highest over lowest) count as one: saved checkpoints, batches and complete
#: windows prevent models of one recipe from having exactly the same ratio.
SAME_WITHIN = 2.0

#: Compute-optimal ratio (Hoffmann et al. 2022), and the factor around it within which
#: a suite is called compute-optimal; the loss is flat there.
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
        """The ratios of rows with columns train_tokens and params_total; at least one row."""
        found = models["train_tokens"] / models["params_total"]
        return cls(float(found.min()), float(found.max()))

    @property
    def is_one(self) -> bool:
        """Whether the models differ only in size and not in tokens per parameter."""
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
