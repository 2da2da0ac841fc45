"""Data of the page *Loss variation*: Sigma, its objective, and its grid."""

import math
from dataclasses import replace

import numpy as np
import pandas as pd

from bounds import four_term_bound, s_grid, smoothed
from bounds.forms.shared.martingale import variation_at
from dashboard.analysis.bound.terms import Choice, bound_terms, code_lengths
from dashboard.artifacts.database import remembered
from dashboard.artifacts.settings import UNQUANTIZED
from dashboard.artifacts.suite import Suite

#: Grid sizes |K| that the page compares.
GRID_SIZES = (1, 2, 3, 5, 10, 30, 100, 300, 1000, 3000, 10_000, 100_000, 1_000_000)


def sigma_by_size(suite: Suite, choice: Choice) -> pd.DataFrame:
    """Sigma of the paper's form for every model.

    Columns: model_id, params_total, sigma_nats, s, code_bits,
    train_tokens, certified with not_certified_because, stand_in, remark.

    In a sampled suite Sigma is the sample's, and certifies nothing.
    """
    terms = bound_terms(suite, replace(choice, form="four_term"))
    columns = ["model_id", "params_total", "sigma_nats", "s", "code_bits", "train_tokens"]
    columns += ["certified", "not_certified_because", "stand_in", "remark"]
    return terms[columns] if len(terms) else pd.DataFrame(columns=columns)


@remembered
def objective(suite: Suite, choice: Choice, model_id: str, points: int = 160) -> pd.DataFrame:
    """The function of s whose minimum over the grid is Sigma: columns s, sigma_nats, minimum."""
    terms = bound_terms(suite, replace(choice, form="four_term")).set_index("model_id")
    row = terms.loc[model_id]
    losses = smoothed(
        suite.train_losses(choice.setting)[model_id], row["alpha"], int(row["vocab_size"])
    )
    c = row["code_nats_per_token"] + row["confidence_nats_per_token"]
    grid = s_grid()
    # Dense towards 1, where the minimum is for long codes.
    places = np.unique(np.concatenate([np.linspace(20, 999, points), [grid.size - 1]]).astype(int))
    values = [variation_at(s, losses, row["loss_range_nats"], c) for s in grid[places]]
    frame = pd.DataFrame({"s": grid[places], "sigma_nats": values, "minimum": False})
    found = pd.DataFrame({"s": [row["s"]], "sigma_nats": [row["sigma_nats"]], "minimum": [True]})
    return pd.concat([frame, found], ignore_index=True)


@remembered
def grid_effect(suite: Suite, choice: Choice, model_id: str) -> pd.DataFrame:
    """The paper's bound of one model against |K|: columns grid_size, total_nats, price_nats.

    The price is the addition to C by the union over the grid, ln|K|/D, times ln V.
    """
    model = suite.models().set_index("model_id").loc[model_id]
    lengths = code_lengths(suite, choice)
    tokens, vocab = int(model["train_tokens"]), int(model["vocab_size"])
    totals = [
        four_term_bound(
            suite.train_losses(UNQUANTIZED)[model_id].mean_loss_nats,
            suite.train_losses(choice.setting)[model_id],
            code_bits=float(lengths[model_id]),
            train_tokens=tokens,
            vocab_size=vocab,
            failure_probability=choice.failure_probability,
            grid_size=size,
        ).total_nats
        for size in GRID_SIZES
    ]
    prices = [math.log(size) / tokens * math.log(vocab) for size in GRID_SIZES]
    return pd.DataFrame({"grid_size": GRID_SIZES, "total_nats": totals, "price_nats": prices})
