"""Conditions on rows as a visitor writes them: ``bits <= 4; layer ~ attention``.

The text is never part of a statement: columns and comparisons come from our own lists, and
values are bound as parameters.
"""

import math
import re
from dataclasses import dataclass
from datetime import UTC, datetime

import pyarrow as pa

from dashboard.style.escaping import quoted
from dashboard.style.numbers import parse_count

#: Limits of a filter: conditions, and characters.
MOST_CONDITIONS, MOST_CHARACTERS = 8, 200

_CONDITION = re.compile(r"\s*(\w+)\s*(<=|>=|!=|=|<|>|~)\s*(.*?)\s*", re.DOTALL)

#: Comparisons as visitors write them, and in SQL; a missing value equals only ``null``.
_ORDERED = {"<": "<", "<=": "<=", ">": ">", ">=": ">="}
_EQUAL = {"=": "IS NOT DISTINCT FROM", "!=": "IS DISTINCT FROM"}


class FilterError(ValueError):
    """A filter that cannot be read: a clause with the reason."""


@dataclass(frozen=True)
class Condition:
    """One condition in SQL, with a question mark for its value.

    Attributes:
        sql: made of names and comparisons from our own lists.
        value: to be bound.
    """

    sql: str
    value: object


def parse_filter(text: str, columns: pa.Schema) -> tuple[Condition, ...]:
    """The conditions in ``text``, all of which rows must meet; none in an empty text.

    Raises:
        FilterError: a part is not a condition, or does not fit its column.
    """
    if len(text) > MOST_CHARACTERS:
        raise FilterError(f"a filter has at most {MOST_CHARACTERS} characters")
    parts = [part for part in text.split(";") if part.strip()]
    if len(parts) > MOST_CONDITIONS:
        raise FilterError(f"a filter has at most {MOST_CONDITIONS} conditions")
    return tuple(_condition(part, columns) for part in parts)


def _condition(text: str, columns: pa.Schema) -> Condition:
    match = _CONDITION.fullmatch(text)
    if match is None:
        raise FilterError(f"{quoted(text.strip())} is not a condition such as bits <= 4")
    name, comparison, value = match.groups()
    if name not in columns.names:
        raise FilterError(f"there is no column {quoted(name)} in this table")
    dtype = columns.field(name).type
    column = '"' + name + '"'  # a known name, so without quotes
    if value.lower() == "null" and comparison in _EQUAL:
        return Condition(f"{column} {_EQUAL[comparison]} ?", None)
    if pa.types.is_string(dtype):
        return _of_words(column, name, comparison, value)
    if comparison == "~":
        raise FilterError(f"~ is for text, and {name} is not text; use = != < <= > or >=")
    operator = (_ORDERED | _EQUAL)[comparison]
    return Condition(f"{column} {operator} ?", _value(value, dtype, name))


def _of_words(column: str, name: str, comparison: str, value: str) -> Condition:
    if comparison == "~":
        return Condition(f"contains(lower({column}), lower(?))", value)
    if comparison not in _EQUAL:
        raise FilterError(f"{name} is text, which compares with =, != or ~")
    return Condition(f"{column} {_EQUAL[comparison]} ?", value)


def _value(text: str, dtype: pa.DataType, name: str) -> object:
    if pa.types.is_boolean(dtype):
        if text.lower() not in ("true", "false"):
            raise FilterError(f"{name} is true or false, not {quoted(text)}")
        return text.lower() == "true"
    if pa.types.is_timestamp(dtype):
        return _time(text, name)
    return _number(text, name)


def _time(text: str, name: str) -> datetime:
    try:
        found = datetime.fromisoformat(text)
        return (found if found.tzinfo else found.replace(tzinfo=UTC)).astimezone(UTC)
    except (ValueError, OverflowError):  # in UTC it may be before year 1, or after 9999
        raise FilterError(f"{name} is a time like 2026-01-31, not {quoted(text)}") from None


def _number(text: str, name: str) -> float:
    negative = text.startswith("-")
    found = parse_count(text.removeprefix("-"))  # also 497k, 1.4B
    if found is None or not math.isfinite(found):
        raise FilterError(f"{name} is a number, not {quoted(text)}")
    return -found if negative else found
