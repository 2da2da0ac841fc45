"""Lines of tooltips: a label and a value of at most four digits each.

Vega's own format writes a billion as ``1G``, so large counts are columns of text.
"""

import altair as alt
import pandas as pd

from dashboard.style.glossary import parameter_count


def number(key: str, title: str) -> alt.Tooltip:
    """A number with four significant digits."""
    return alt.Tooltip(f"{key}:Q", title=title, format=".4g")


def tiny(key: str, title: str) -> alt.Tooltip:
    """A number far from 1 with three significant digits and a power of ten."""
    return alt.Tooltip(f"{key}:Q", title=title, format=".2e")


def short(key: str, title: str) -> alt.Tooltip:
    """A number with up to three significant digits: a standard error, a ratio, a share."""
    return alt.Tooltip(f"{key}:Q", title=title, format=".3~g")


def whole(key: str, title: str) -> alt.Tooltip:
    """A small whole number, such as bits of a weight or steps."""
    return alt.Tooltip(f"{key}:Q", title=title, format=",")


def count(key: str, title: str) -> alt.Tooltip:
    """A large count, such as ``1.41B``, of a frame that went through ``with_counts``."""
    return alt.Tooltip(f"{_text_of(key)}:N", title=title)


def with_counts(frame: pd.DataFrame, *keys: str) -> pd.DataFrame:
    """``frame`` with counts also as text: model sizes unless other columns are named."""
    texts = {_text_of(k): frame[k].map(parameter_count) for k in keys or ("params_total",)}
    return frame.assign(**texts)


def _text_of(key: str) -> str:
    return f"{key}_in_words"
