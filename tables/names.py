"""Columns whose cells are names: which rows have the same one."""

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc
from pyarrow import types

from tables.errors import TableError


def codes(table: pa.Table, name: str) -> np.ndarray:
    """Whole numbers 0, 1, ... instead of the names in a column, shape (rows,).

    Raises:
        TableError: the cells are nested, so that they are not names.
    """
    column = table.column(name)
    cells = column.combine_chunks()
    if not types.is_dictionary(column.type):
        try:
            cells = cells.dictionary_encode(null_encoding="encode")
        except pa.ArrowException:
            raise TableError(
                "holds {} in its column {}, not numbers or names", column.type, name
            ) from None
    pieces = cells.unify_dictionaries().chunks if isinstance(cells, pa.ChunkedArray) else [cells]
    found = [pc.fill_null(piece.indices, -1).to_numpy(zero_copy_only=False) for piece in pieces]
    return np.concatenate([np.empty(0, np.int64), *found])


def has_empty(table: pa.Table, name: str) -> bool:
    """Whether a cell of a column is empty, or not a number in a column of numbers."""
    column = table.column(name)
    if types.is_floating(column.type):
        return bool(pc.any(pc.is_null(column, nan_is_null=True)).as_py())
    return column.null_count > 0
