"""Predictions of laws in N for an untrained model: each term at any size, and sums."""

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
import pandas as pd

from bounds import PowerLaw
from bounds.laws.power_law import interval, with_scatter
from dashboard.analysis.laws.fits import Law, Unfitted, law_of
from dashboard.style.glossary import TERMS

#: Terms of the bound, and those other than the training loss.
BOUND = tuple(term.key for term in TERMS)
GAP = tuple(key for key in BOUND if key != "training_loss")


#: Nominal coverage of intervals, as in ``bounds.fit_power_law``.
_LEVEL = 0.95


@dataclass(frozen=True)
class Estimate:
    """A value with its 95 % interval for a single model, all in the unit of the quantity."""

    value: float
    low: float
    high: float


def law_estimate(law: PowerLaw, n: float) -> Estimate:
    """A law's value at size ``n`` with the interval for one model of that size."""
    low, high = law.predict(n)
    return Estimate(float(law.at(n)), float(low[0]), float(high[0]))


@dataclass(frozen=True)
class Outlook:
    """The terms of the measured models in one scenario, and their laws in the model size.

    Attributes:
        terms: ``Losses`` of ``terms.bound_terms``.
        laws: by column of ``terms``.
        floor: whether laws were fitted with a floor.
        as_measured: whether D and V are those that the models were trained with.
    """

    terms: pd.DataFrame
    laws: dict[str, Law]
    floor: bool
    as_measured: bool

    @classmethod
    def of(cls, terms: pd.DataFrame, floor: bool = False) -> "Outlook":
        """The view of the measured models as they are, with a law for each term and for the gap."""
        laws = {key: law_of(terms, key, floor) for key in (*BOUND, "gap")}
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
        """Terms among ``keys`` without a law, except those that are 0 for every model."""
        lawless = [key for key in keys if isinstance(self.laws[key], Unfitted)]
        return [key for key in lawless if (self.terms[key] != 0.0).any()]

    def at(self, keys: Sequence[str], n: np.ndarray) -> np.ndarray:
        """Sum of the laws of ``keys`` at sizes ``n``, shape (m,)."""
        n = np.atleast_1d(np.asarray(n, dtype=np.float64))
        return sum((law.at(n) for law in self._laws(keys)), np.zeros(n.shape))

    def draws_at(self, keys: Sequence[str], n: np.ndarray) -> np.ndarray:
        """Sum of the laws of ``keys`` in every resample of the models: shape (resamples, m).

        All laws were fitted to the same models with the same resamples in the same
        order, so values of one resample are added: a joint bootstrap.
        """
        n = np.atleast_1d(np.asarray(n, dtype=np.float64))
        return sum((law.draws_at(n) for law in self._laws(keys)), np.zeros((1, n.size)))

    def estimate(self, keys: Sequence[str], n: float) -> Estimate | None:
        """Sum of the laws of ``keys`` at size ``n``, with the interval for one model of that size.

        A term that is 0 for every model adds 0. None if no law remains and the terms are not 0.
        """
        laws = self._laws(keys)
        if not laws:
            return None if self.without(keys) else Estimate(0.0, 0.0, 0.0)
        if len(laws) == 1:
            return law_estimate(laws[0], n)
        band = interval(self.draws_at(keys, n), _LEVEL)
        fitted = self.at(keys, n)
        low, high = with_scatter(
            fitted, *band, self._log_residuals(keys), 3 if self.floor else 2, _LEVEL
        )
        return Estimate(float(fitted[0]), float(low[0]), float(high[0]))

    def _log_residuals(self, keys: Sequence[str]) -> np.ndarray:
        """Scatter of the measured sums about the sum of laws, ln y - ln fit, shape (models,)."""
        with_law = [key for key in keys if isinstance(self.laws[key], PowerLaw)]
        measured = self.terms[with_law].sum(axis=1).to_numpy(dtype=np.float64)
        return np.log(measured / self.at(keys, self.terms["params_total"].to_numpy()))

    def bound_at(self, n: float) -> Estimate | Law:
        """The bound at size ``n`` as the sum of its terms' laws, or the reason for none."""
        return self.estimate(BOUND, n) or self.laws[BOUND[0]]

    def _laws(self, keys: Sequence[str]) -> list[PowerLaw]:
        return [law for key in keys if isinstance(law := self.laws[key], PowerLaw)]
