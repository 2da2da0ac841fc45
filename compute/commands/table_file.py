"""Tables that a user gives to a command; errors name the path."""

from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import numpy as np

from compute.base.errors import InputError
from tables import LOSS_TABLE, TableError, Wanted, loss_arrays, numbers, parts_of_path, read_table

#: Characters of a file's own text that a sentence shows.
_MOST_SHOWN = 60


def read_numbers(
    path: Path, columns: tuple[str, ...], labels: tuple[str, ...] = ()
) -> tuple[dict[str, np.ndarray], list[str] | None]:
    """Columns of a file, or of a folder of its parts, as float64, and the names of its rows.

    Empty cells are NaN.  The names are those of the first of ``labels`` that is a column; None if
    none is.

    Raises:
        InputError: there is no such file, it cannot be read, or a column is missing or not numeric.
    """
    with _named(path):
        wanted = Wanted(tuple((name,) for name in columns), labels=labels)
        table = read_table(parts_of_path(path), wanted, None)
        label = next((name for name in labels if name in table.column_names), None)
        names = None if label is None else [str(word) for word in table.column(label).to_pylist()]
        return {name: numbers(table, name) for name in columns}, names


def read_losses(path: Path) -> dict[str, np.ndarray]:
    """Token losses of a file, or of a folder of its parts, by the names of ``LossColumns``.

    Raises:
        InputError: there is no such file, it cannot be read, or it has no token losses.
    """
    with _named(path):
        return loss_arrays(read_table(parts_of_path(path), LOSS_TABLE, None))


@contextmanager
def _named(path: Path) -> Iterator[None]:
    try:
        yield
    except TableError as error:
        raise InputError(f"The file {path} {error.words(_shown)}.") from None


def _shown(text: str) -> str:
    """A text from a file in quotation marks, on one line and not too long."""
    cut = text if len(text) <= _MOST_SHOWN else text[:_MOST_SHOWN] + "…"
    return "'" + "".join(c if c.isprintable() else " " for c in cut) + "'"
