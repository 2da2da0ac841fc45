"""Columns as float64 from any kind of numbers, or from text of numbers."""

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc

from tables.errors import TableError
from tables.kinds import is_number, is_text, not_numbers

#: Text that is a number; Arrow's own reader says which number.
_NUMBER = r"^(?i:[+-]?(\d+\.?\d*|\.\d+)(e[+-]?\d+)?|[+-]?inf(inity)?|nan)$"


def numbers(table: pa.Table, name: str) -> np.ndarray:
    """A column of a table as float64, shape (rows,); empty cells are NaN.

    Whole numbers beyond 2^53 and decimals are rounded to the nearest.

    Raises:
        TableError: a cell is not a number; the sentence names the column and the cell.
    """
    return values(table.column(name), name)


def values(column: pa.ChunkedArray | pa.Array, name: str) -> np.ndarray:
    """The ``numbers`` of the cells of a column called ``name``."""
    if not is_number(column.type) and not is_text(column.type):
        raise not_numbers(name, column.type)
    chunks = column.chunks if isinstance(column, pa.ChunkedArray) else [column]
    parts, first = [np.empty(0)], 0
    for chunk in chunks:
        parts.append(_of_chunk(chunk, name, first))
        first += len(chunk)
    return np.concatenate(parts)


def _of_chunk(chunk: pa.Array, name: str, first: int) -> np.ndarray:
    if pa.types.is_dictionary(chunk.type):
        # Each text is read once, and never expanded.
        known, bad = _read(chunk.dictionary)
        codes = pc.fill_null(chunk.indices, len(known)).to_numpy(zero_copy_only=False)
        if bad.size:
            rows = np.flatnonzero(np.isin(codes, bad))
            if rows.size:
                raise _no_number(name, chunk.dictionary[int(codes[rows[0]])], first + rows[0])
        return np.append(known, np.nan)[codes]
    found, bad = _read(chunk)
    if bad.size:
        raise _no_number(name, chunk[int(bad[0])], first + bad[0])
    return found


def _read(cells: pa.Array) -> tuple[np.ndarray, np.ndarray]:
    """Cells as float64, empty ones as NaN; and the places of cells that are not numbers."""
    bad = np.empty(0, int)
    if is_text(cells.type):
        cells = pc.utf8_trim_whitespace(cells.cast(pa.large_string()))
        good = pc.fill_null(pc.match_substring_regex(cells, _NUMBER), True)
        bad = np.flatnonzero(~good.to_numpy(zero_copy_only=False))
        cells = pc.if_else(good, pc.replace_substring_regex(cells, r"^\+", ""), None)
    # Not safe: a whole number beyond 2^53 is rounded, not refused.
    found = cells.cast(pa.float64(), safe=False)
    return found.to_numpy(zero_copy_only=False).astype(np.float64), bad


def _no_number(name: str, cell: pa.Scalar, row: int) -> TableError:
    return TableError(
        f"holds {{}} in row {row + 1} of its column {{}}, not a number", cell.as_py(), name
    )
