"""How the shown numbers depend on the seed of training."""

from collections.abc import Collection

import pandas as pd

from dashboard.analysis.bound.terms import Choice, bound_terms
from dashboard.artifacts.suite import Suite


def every_seed(suite: Suite, choice: Choice, of: Collection[str] | None = None) -> pd.DataFrame:
    """``terms.bound_terms`` of every model of a size that was trained with several seeds.

    Args:
        of: first seeds to restrict the result to; None for all.

    Columns as there, and ``repeats``: the model_id of the first seed.  Empty without such models.
    """
    models = suite.every_model()[["model_id", "repeats"]]
    several = models[models.duplicated("repeats", keep=False)]
    if of is not None:
        several = several[several["repeats"].isin(of)]
    if several.empty:
        return pd.DataFrame(columns=["repeats", "params_total", "total_nats"])
    found = bound_terms(suite, choice, list(several["model_id"]))
    return found.merge(several) if len(found) else found.assign(repeats=[], params_total=[])


def spread(frame: pd.DataFrame, key: str) -> pd.DataFrame:
    """Range of one column of ``every_seed`` over the seeds.

    Columns: model_id (the first seed's), params_total, seeds, low, high, sd (with n-1).
    """
    rows = frame.groupby(["repeats", "params_total"], sort=False)[key]
    return (
        rows.agg(seeds="count", low="min", high="max", sd="std")
        .reset_index()
        .rename(columns={"repeats": "model_id"})
    )
