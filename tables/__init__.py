"""Tables that a user provides: from a file of any usual kind to columns of numbers.

The command line and the app read such files with the same code, so that both accept the same files
and refuse the same ones.  Imports pyarrow, numpy and the schema only; nothing is written.
"""

from tables.errors import TableError
from tables.file import parts_of_path
from tables.limits import Limits
from tables.losses import LOSS_TABLE, loss_arrays
from tables.numbers import numbers
from tables.part import Part
from tables.read import read_table
from tables.wanted import Wanted

__all__ = [
    "LOSS_TABLE",
    "Limits",
    "Part",
    "TableError",
    "Wanted",
    "loss_arrays",
    "numbers",
    "parts_of_path",
    "read_table",
]
