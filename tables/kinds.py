"""Kinds of cells that can be read, and the text for errors about other kinds."""

import pyarrow as pa
from pyarrow import types

from tables.errors import TableError

#: Bytes of a cell of fixed length; a UUID has 16.
_WIDEST = 64

#: How a list may be stored.
_LISTS = (
    types.is_list,
    types.is_large_list,
    types.is_fixed_size_list,
    types.is_list_view,
    types.is_large_list_view,
)


def is_list(kind: pa.DataType) -> bool:
    """Whether cells are lists, however they are stored."""
    return any(check(kind) for check in _LISTS)


def is_text(kind: pa.DataType) -> bool:
    """Whether cells are text, dictionary-encoded or not."""
    if types.is_dictionary(kind):
        kind = kind.value_type
    return types.is_string(kind) or types.is_large_string(kind) or types.is_string_view(kind)


def is_number(kind: pa.DataType) -> bool:
    """Whether cells are numbers of any width, or all empty; booleans are not numbers."""
    if types.is_dictionary(kind):
        kind = kind.value_type
    known = (types.is_integer, types.is_floating, types.is_decimal, types.is_null)
    return any(check(kind) for check in known)


def check_readable(name: str, kind: pa.DataType) -> None:
    """Raise TableError if cells are nested other than as lists of numbers, or too long.

    A repeated long cell could fill the memory.
    """
    if is_list(kind):
        if not is_number(kind.value_type):
            raise not_numbers(name, kind)
    elif types.is_nested(kind) or isinstance(kind, pa.BaseExtensionType) or _is_wide(kind):
        raise not_numbers(name, kind)


def _is_wide(kind: pa.DataType) -> bool:
    return types.is_fixed_size_binary(kind) and kind.byte_width > _WIDEST


def not_numbers(name: str, kind: pa.DataType) -> TableError:
    """The error about a column that should have numbers."""
    return TableError("holds {} in its column {}, not numbers", kind, name)
