"""Words about what is a certificate and what is none, and why."""

import re
from collections.abc import Sequence

import pandas as pd

from dashboard import show
from dashboard.artifacts import Suite

CERTIFIED = ":green-badge[:material/verified: certified]"
NOT_CERTIFIED = ":orange-badge[:material/warning: not certified]"


def not_certified(terms: pd.DataFrame, what: str = "Hollow points") -> None:
    """A caveat where bounds are not certificates, with the reasons.

    Args:
        terms: columns model_id, certified, not_certified_because.
        what: how they are drawn.
    """
    if terms.empty:
        return
    hollow = terms[~terms["certified"].astype(bool)]
    for reason, rows in hollow.groupby("not_certified_because", sort=False):
        of = "" if len(rows) == len(terms) else f" ({plain(', '.join(rows['model_id']))})"
        show.caption(f"{NOT_CERTIFIED} {what}{of}: {plain(reason)}. They guarantee nothing.")


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


def remarks(suites: Sequence[Suite]) -> None:
    """What to know of single models before they are compared, also of those that have no bound or
    were not measured at all.

    Raises:
        ArtifactError: a file is damaged.
    """
    rows = pd.concat([suite.remarks() for suite in suites]).drop_duplicates()
    notes = [
        f"**{plain(', '.join(of['model_id']))}**: {plain(remark)}"
        for remark, of in rows.groupby("remark", sort=False)
    ]
    if notes:
        show.caption(f":material/sticky_note_2: {'; '.join(notes)}.")


def plain(text: str) -> str:
    """Words from an artifact, so that no Markdown or formula in them takes effect."""
    return re.sub(r"([\\`*_\[\]$<>:#~])", r"\\\1", str(text).rstrip("."))
