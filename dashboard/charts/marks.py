"""Marks that distinguish certificates from other numbers."""

from collections.abc import Iterator

import altair as alt
import pandas as pd

#: Bars that are not certificates: an outline without a fill.
HOLLOW_BAR = {"filled": False, "strokeWidth": 2}


def fill_of_bar(certified: bool) -> dict:
    """Mark properties of a bar: solid for a certificate, an outline for a heuristic."""
    return {} if certified else HOLLOW_BAR


def by_certificate(frame: pd.DataFrame) -> Iterator[tuple[pd.DataFrame, bool]]:
    """Certified and uncertified rows separately, each with its flag; empty groups are skipped."""
    for certified in (True, False):
        rows = frame[frame["certified"] == certified]
        if len(rows):
            yield rows, certified


def notes(rows: pd.DataFrame) -> list[alt.Tooltip]:
    """Tooltip lines for caveats about the models of a mark, if any model has one."""
    titles = {
        "not_certified_because": "not certified",
        "stand_in": "stand-in text",
        "remark": "remark",
    }
    return [
        alt.Tooltip(f"{key}:N", title=title)
        for key, title in titles.items()
        if key in rows and rows[key].notna().any()
    ]
