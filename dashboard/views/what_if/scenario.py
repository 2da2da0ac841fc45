"""A suite in a scenario: its bounds with another D or V, the laws of their terms, predictions."""

from dataclasses import dataclass, replace

import numpy as np
import pandas as pd

from bounds import HeldOut
from dashboard.analysis.bound.losses import Losses
from dashboard.analysis.bound.terms import Choice, bound_terms
from dashboard.analysis.bound.units import NATS, Unit
from dashboard.analysis.laws.fits import held_out_of, law_of
from dashboard.analysis.laws.outlook import BOUND, GAP, Estimate, Outlook
from dashboard.artifacts.suite import Suite
from dashboard.views.what_if.rescaled import RescaledSuite


@dataclass(frozen=True)
class Scenario:
    """A scenario, without the model size.

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


def recomputed(suite: Suite, scenario: Scenario) -> pd.DataFrame:
    """``terms.bound_terms`` in the scenario, with C in the column c_nats_per_token.

    With the suite's own ratio and vocabulary these are exactly the numbers of the Bound explorer.
    A model whose D or V the scenario changes has no certificate.

    Raises:
        ArtifactError: the losses of a model do not cover its training set, or are not valid losses.
    """
    ratio = scenario.tokens_per_parameter
    other = RescaledSuite(suite, None if ratio == own_ratio(suite) else ratio, scenario.vocab_size)
    terms = bound_terms(other, scenario.choice)
    if terms.empty:
        return terms
    c = terms["code_nats_per_token"] + terms["confidence_nats_per_token"]
    as_measured = _as_measured(suite, terms)
    reason = terms["not_certified_because"].mask(~as_measured, _OTHER_TRAINING)
    return terms.assign(
        c_nats_per_token=c,
        certified=terms["certified"] & as_measured,
        not_certified_because=reason,
    )


_OTHER_TRAINING = "measured with another number of training tokens or another vocabulary"


def _as_measured(suite: Suite, terms: pd.DataFrame) -> np.ndarray:
    """Whether each model's D and V are those of its training.

    With others the bound does not belong to an existing model and is not a certificate.
    """
    own = suite.models().set_index("model_id").loc[terms["model_id"]]
    return np.all(
        [own[key].to_numpy() == terms[key].to_numpy() for key in ("train_tokens", "vocab_size")],
        axis=0,
    )


def outlook(suite: Suite, scenario: Scenario, unit: Unit = NATS) -> Outlook | None:
    """Laws of the recomputed terms in ``unit``; None if no model was measured at the choice."""
    terms = Losses.of(suite, recomputed(suite, scenario), unit).table
    if terms.empty:
        return None
    view = Outlook.of(terms, scenario.floor)
    laws = view.laws | {"c_nats_per_token": law_of(terms, "c_nats_per_token", scenario.floor)}
    return replace(view, laws=laws, as_measured=bool(_as_measured(suite, terms).all()))


def own_ratio(suite: Suite) -> float:
    """Tokens per parameter of the suite, to 3 digits."""
    return float(f"{suite.tokens_per_parameter():.3g}")


def predictions(view: Outlook, n: float, unit: Unit = NATS) -> pd.DataFrame:
    """One row per term, then the gap as their sum, the gap by its own law, and the bound.

    Columns: key, params_total, part (``between measured sizes`` or ``extrapolated``),
    nats_per_token (or bits_per_byte), low, high (of a single model's 95 % prediction interval; not
    a number where there is no law), certified (never), and for single laws left_out_predicted and
    left_out_value: the largest model by the law of the others, and its own value in the scenario.
    """
    wanted = [*((key, (key,)) for key in BOUND), ("gap_sum", GAP)]
    wanted += [("gap", ("gap",)), ("total", BOUND)]
    inside = view.smallest <= n <= view.largest
    rows = []
    for key, keys in wanted:
        found = view.estimate(keys, n) or Estimate(np.nan, np.nan, np.nan)
        held = held_out_of(view.terms, key, view.floor) if len(keys) == 1 else None
        rows.append(
            {
                "key": key,
                "params_total": n,
                "part": "between measured sizes" if inside else "extrapolated",
                unit.label.replace(" ", "_"): found.value,
                "low": found.low,
                "high": found.high,
                "certified": False,
                "left_out_predicted": held.predicted if isinstance(held, HeldOut) else np.nan,
                "left_out_value": held.measured if isinstance(held, HeldOut) else np.nan,
            }
        )
    return pd.DataFrame(rows)
