"""What the laws of a suite say of a model that nobody trained: each term at any size, and sums."""

from collections.abc import Sequence
from dataclasses import dataclass
from functools import partial

import numpy as np
import pandas as pd

from bounds import PowerLaw
from bounds.laws.power_law import interval
from dashboard.artifacts import Suite
from dashboard.laws import held_out_in_words, held_out_of, law_of
from dashboard.rescaled import RescaledSuite
from dashboard.terms import GAP_AND_TERMS, Choice, bound_terms
from dashboard.text import TERMS

#: What the bound adds up, and what of it is not the training loss.
BOUND = tuple(term.key for term in TERMS)
GAP = tuple(key for key in BOUND if key != "training_loss_nats")

#: Largest model size that may be asked for.
LARGEST = 1e13


@dataclass(frozen=True)
class Scenario:
    """What is asked, but for the model size.

    Attributes:
        choice: setting, code, delta and form of the bound.
        tokens_per_parameter: r, so that D = r * N.
        vocab_size: V.
        floor: whether laws level off at a floor.
    """

    choice: Choice
    tokens_per_parameter: float
    vocab_size: int
    floor: bool = False


@dataclass(frozen=True)
class Estimate:
    """A value with its 95 % interval, all in the unit of the quantity."""

    value: float
    low: float
    high: float


@dataclass(frozen=True)
class Outlook:
    """The terms of the measured models in one scenario, and their laws in the model size.

    Attributes:
        terms: from ``recomputed``.
        laws: by column of ``terms``; a sentence where there is none.
        floor: whether laws were fitted with a floor.
        as_measured: whether D and V are those that the models were trained with.
    """

    terms: pd.DataFrame
    laws: dict[str, PowerLaw | str]
    floor: bool
    as_measured: bool

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

    def _laws(self, keys: Sequence[str]) -> list[PowerLaw]:
        return [law for key in keys if isinstance(law := self.laws[key], PowerLaw)]


def recomputed(suite: Suite, scenario: Scenario) -> pd.DataFrame:
    """``terms.bound_terms`` in the scenario, with C in the column c_nats_per_token.

    With the suite's own ratio and vocabulary these are the very numbers of the Bound explorer.

    Raises:
        ArtifactError: the losses of a model do not cover its training set, or are no losses.
    """
    other = RescaledSuite(suite, scenario.tokens_per_parameter, scenario.vocab_size)
    terms = bound_terms(other, scenario.choice)
    if terms.empty:
        return terms
    c = terms["code_nats_per_token"] + terms["confidence_nats_per_token"]
    return terms.assign(c_nats_per_token=c)


def outlook(suite: Suite, scenario: Scenario) -> Outlook | None:
    """Laws of the recomputed terms; None if no model was measured at the choice."""
    terms = recomputed(suite, scenario)
    if terms.empty:
        return None
    own = suite.models().set_index("model_id").loc[terms["model_id"]]
    same = [np.array_equal(own[column], terms[column]) for column in ("train_tokens", "vocab_size")]
    fitted = partial(law_of, terms, floor=scenario.floor)
    laws = {key: fitted(key) for key in (*GAP_AND_TERMS, "c_nats_per_token")}
    return Outlook(terms, laws, scenario.floor, all(same))


def own_ratio(suite: Suite) -> float:
    """Tokens per parameter of the suite's middle model, to 3 digits."""
    models = suite.models()
    return float(f"{(models['train_tokens'] / models['params_total']).median():.3g}")


def predictions(view: Outlook, n: float) -> pd.DataFrame:
    """One row per term, then the gap as their sum, the gap by its own law, and the bound.

    Columns: key, nats_per_token, low, high (not a number where there is no law), largest_left_out.
    """
    wanted = [*((key, (key,)) for key in BOUND), ("gap_sum_nats", GAP)]
    wanted += [("gap_nats", ("gap_nats",)), ("total_nats", BOUND)]
    rows = []
    for key, keys in wanted:
        found = view.estimate(keys, n) or Estimate(np.nan, np.nan, np.nan)
        held = held_out_of(view.terms, key, view.floor) if len(keys) == 1 else ""
        rows.append((key, found.value, found.low, found.high, held and held_out_in_words(held)))
    columns = ["key", "nats_per_token", "low", "high", "largest_left_out"]
    return pd.DataFrame(rows, columns=columns)
