"""Certified and not certified: never drawn alike."""

from collections.abc import Iterator

import altair as alt
import pandas as pd

#: How bars are drawn that are no certificate: an outline without a fill.
HOLLOW_BAR = {"filled": False, "strokeWidth": 2}


def fill_of_bar(certified: bool) -> dict:
    """A certificate is drawn solid, a heuristic as an outline."""
    return {} if certified else HOLLOW_BAR


def by_certificate(frame: pd.DataFrame) -> Iterator[tuple[pd.DataFrame, bool]]:
    """Rows of either kind, those that are there, each with whether it is certified."""
    for certified in (True, False):
        rows = frame[frame["certified"] == certified]
        if len(rows):
            yield rows, certified


def notes(terms: pd.DataFrame) -> list[alt.Tooltip]:
    """Tooltips for what there is to know of a model before it is compared, if of any."""
    titles = {
        "not_certified_because": "not certified",
        "stand_in": "stands in for the training text",
        "remark": "remark",
    }
    return [
        alt.Tooltip(f"{key}:N", title=title)
        for key, title in titles.items()
        if key in terms and terms[key].notna().any()
    ]
