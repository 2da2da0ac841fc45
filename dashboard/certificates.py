"""Words about what is a certificate and what is none, and why."""

import re

import pandas as pd

from dashboard import show

CERTIFIED = ":green-badge[:material/verified: certified]"
NOT_CERTIFIED = ":orange-badge[:material/warning: not certified]"


def not_certified(terms: pd.DataFrame, what: str = "Hollow points") -> None:
    """A caveat where bounds are no certificates, with the reasons.

    Args:
        terms: columns model_id, certified, not_certified_because.
        what: how they are drawn.
    """
    if terms.empty:
        return
    hollow = terms[~terms["certified"].astype(bool)]
    for reason, rows in hollow.groupby("not_certified_because", sort=False):
        of = "" if len(rows) == len(terms) else f" ({plain(', '.join(rows['model_id']))})"
        show.caption(
            f"{NOT_CERTIFIED} {what}{of}: {plain(reason)}. They show a trend, and "
            "guarantee nothing."
        )


def gap_note(model: pd.Series) -> str:
    """The standard error of a model's gap, where the training loss in it is an estimate.

    Args:
        model: row of ``terms.bound_terms``, or any with the columns gap_se_nats.
    """
    error = model["gap_se_nats"]
    if error == 0:
        return ""
    spread = "error unknown" if pd.isna(error) else f"± {error:.2g} standard error"
    return f"{spread}, not certified"


def of_gaps(terms: pd.DataFrame) -> pd.DataFrame:
    """``terms`` for a chart of gaps: certified says it of the gap, not of the bound."""
    return terms.assign(certified=terms["gap_certified"]) if "gap_certified" in terms else terms


def remarks(terms: pd.DataFrame) -> None:
    """What to know of single models when they are compared."""
    if terms.empty:
        return
    rows = terms[["model_id", "remark"]].dropna().drop_duplicates()
    if len(rows):
        notes = "; ".join(
            f"**{plain(row.model_id)}**: {plain(row.remark)}" for row in rows.itertuples()
        )
        show.caption(f":material/sticky_note_2: {notes}.")


def plain(text: str) -> str:
    """Words from an artifact, so that no Markdown or formula in them takes effect."""
    return re.sub(r"([\\`*_\[\]$<>:#~])", r"\\\1", str(text).rstrip("."))
