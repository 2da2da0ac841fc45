"""Bounds in charts, printed as everywhere: rounded up (``bounds.printed``).

A chart's own number format rounds to nearest, so charts print bounds from a column of text.
"""

import altair as alt
import pandas as pd

from bounds.printed import upper_text

#: Decimals of a tooltip.
TOOLTIP_DIGITS = 3

#: Columns that are bounds, or gaps that end at one.
UPPER = ("total", "gap", "bound_gap")


def with_printed(
    frame: pd.DataFrame, digits: int = TOOLTIP_DIGITS, keys: tuple[str, ...] = UPPER
) -> pd.DataFrame:
    """``frame`` with its bounds also as text, in the columns that ``printed`` names."""
    columns = {
        printed(key, digits): [upper_text(value, digits) for value in frame[key]]
        for key in keys
        if key in frame
    }
    return frame.assign(**columns)


def printed(key: str, digits: int = TOOLTIP_DIGITS) -> str:
    """Name of the column with ``key`` as text of so many decimals."""
    return f"{key}_to_{digits}"


def tooltip(key: str, title: str, digits: int = TOOLTIP_DIGITS) -> alt.Tooltip:
    """A tooltip line of a frame that went through ``with_printed``."""
    return alt.Tooltip(f"{printed(key, digits)}:N", title=title)


def label(key: str, digits: int) -> alt.Text:
    """A number at a mark, of a frame that went through ``with_printed``."""
    return alt.Text(f"{printed(key, digits)}:N")
