"""What laws in N say of a model that nobody trained: each term at any size, and sums."""

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
import pandas as pd

from bounds import PowerLaw
from bounds.laws.power_law import interval
from dashboard.laws import law_of
from dashboard.text import TERMS

#: What the bound adds up, and what of it is not the training loss.
BOUND = tuple(term.key for term in TERMS)
GAP = tuple(key for key in BOUND if key != "training_loss_nats")


@dataclass(frozen=True)
class Estimate:
    """A value with its 95 % interval, all in the unit of the quantity."""

    value: float
    low: float
    high: float


def law_estimate(law: PowerLaw, n: float) -> Estimate:
    """A law's value at size ``n`` with its interval."""
    low, high = law.band(n)
    return Estimate(float(law.at(n)), float(low[0]), float(high[0]))


@dataclass(frozen=True)
class Outlook:
    """The terms of the measured models in one scenario, and their laws in the model size.

    Attributes:
        terms: from ``terms.bound_terms``.
        laws: by column of ``terms``; a sentence where there is none.
        floor: whether laws were fitted with a floor.
        as_measured: whether D and V are those that the models were trained with.
    """

    terms: pd.DataFrame
    laws: dict[str, PowerLaw | str]
    floor: bool
    as_measured: bool

    @classmethod
    def of(cls, terms: pd.DataFrame, floor: bool = False) -> "Outlook":
        """Of measured models as they are, with a law for each term and for the gap."""
        laws = {key: law_of(terms, key, floor) for key in (*BOUND, "gap_nats")}
        return cls(terms, laws, floor, as_measured=True)

    @property
    def smallest(self) -> float:
        """N of the smallest measured model."""
        return float(self.terms["params_total"].min())

    @property
    def largest(self) -> float:
        """N of the largest measured model."""
        return float(self.terms["params_total"].max())

    def without(self, keys: Sequence[str]) -> list[str]:
        """Those of ``keys`` that have no law, though they are not simply 0 for every model."""
        lawless = [key for key in keys if isinstance(self.laws[key], str)]
        return [key for key in lawless if (self.terms[key] != 0.0).any()]

    def at(self, keys: Sequence[str], n: np.ndarray) -> np.ndarray:
        """Sum of the laws of ``keys`` at sizes ``n``, shape (m,), in nats per token."""
        n = np.atleast_1d(np.asarray(n, dtype=np.float64))
        return sum((law.at(n) for law in self._laws(keys)), np.zeros(n.shape))

    def draws_at(self, keys: Sequence[str], n: np.ndarray) -> np.ndarray:
        """The same sum by every resample of the models: shape (resamples, m).

        All laws were fitted to the same models, so their resamples are the same ones in the same
        order, and what goes together in one resample is added up: a joint bootstrap.
        """
        n = np.atleast_1d(np.asarray(n, dtype=np.float64))
        return sum((law.draws_at(n) for law in self._laws(keys)), np.zeros((1, n.size)))

    def estimate(self, keys: Sequence[str], n: float) -> Estimate | None:
        """Sum of the laws of ``keys`` at size ``n``; a term that is 0 for every model adds 0.

        None if no law is left to add up and the terms are not 0.
        """
        if not self._laws(keys) and self.without(keys):
            return None
        low, high = interval(self.draws_at(keys, n), 0.95)
        return Estimate(float(self.at(keys, n)[0]), float(low[0]), float(high[0]))

    def bound_at(self, n: float) -> Estimate | str:
        """The bound at size ``n`` as the sum of its terms' laws, or why there is none."""
        return self.estimate(BOUND, n) or str(self.laws[BOUND[0]])

    def _laws(self, keys: Sequence[str]) -> list[PowerLaw]:
        return [law for key in keys if isinstance(law := self.laws[key], PowerLaw)]
