"""How tables look on screen: words for headers, rounded numbers; files keep names and values."""

from collections.abc import Mapping
from typing import Any

import pandas as pd
import streamlit as st
from pandas.io.formats.style import Styler

from bounds.printed import upper_text
from dashboard.style.headers import header
from dashboard.style.rounded_up import UPPER

#: From here on, numbers are whole with separators instead of significant digits.
_LARGE = 1e4

#: Decimals of a bound.
_BOUND_DIGITS = 6


def column_config(frame: pd.DataFrame, given: Mapping[str, Any]) -> dict[str, Any]:
    """Configuration of every column.

    Args:
        given: configuration of some columns; it may leave out their headers.
    """
    return {name: _column(name, frame[name], given.get(name)) for name in frame}


def printed(frame: pd.DataFrame) -> pd.DataFrame | Styler:
    """``frame`` with the text of its bounds rounded up, where the browser would round to nearest;
    the values stay."""
    upper = [name for name in frame if _is_bound(name)]
    if not upper:
        return frame
    styled = frame.reset_index(drop=True).style.set_uuid("bounds")  # the same on every run
    return styled.format(lambda value: upper_text(value, _BOUND_DIGITS), subset=upper, na_rep="–")


def _is_bound(name: str) -> bool:
    return str(name).removesuffix("_nats").removesuffix("_bits_per_byte") in UPPER


def _column(name: str, values: pd.Series, given: Mapping[str, Any] | None) -> Mapping[str, Any]:
    if given is not None:
        return {**given, "label": given.get("label") or header(name)}
    if _is_bound(name):
        return st.column_config.Column(header(name))  # ``printed`` has its text
    if pd.api.types.is_bool_dtype(values) or not pd.api.types.is_numeric_dtype(values):
        return st.column_config.Column(header(name))
    return st.column_config.NumberColumn(header(name), format=_format(name, values))


def _format(name: str, values: pd.Series) -> str:
    if name.endswith("seed"):
        return "%d"
    if pd.api.types.is_integer_dtype(values) or values.abs().max() >= _LARGE:
        return "localized"
    return "%.4g"
