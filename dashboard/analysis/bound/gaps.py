"""Gaps between a bound and a training loss; in sampled suites the training loss is an estimate."""

import pandas as pd

from dashboard.style.numbers import error_label


def gap_note(model: pd.Series) -> str:
    """The standard error of a model's gap as text, or an empty text if its training loss is exact.

    Args:
        model: row of a table of ``Losses`` with the column gap_se.
    """
    error = model["gap_se"]
    if error == 0:
        return ""
    spread = "error unknown" if pd.isna(error) else f"± {error_label(error)} standard error"
    return f"{spread}, not certified"


def of_gaps(terms: pd.DataFrame) -> pd.DataFrame:
    """``terms`` for a chart of gaps: the column certified refers to the gap instead of the
    bound."""
    return terms.assign(certified=terms["gap_certified"]) if "gap_certified" in terms else terms
