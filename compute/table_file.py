"""Columns of a table that a person hands over, as Parquet or CSV."""

from pathlib import Path

import numpy as np
import pyarrow as pa
import pyarrow.csv
import pyarrow.parquet as pq

import schema
from compute.errors import InputError


def read_table(path: Path) -> pa.Table:
    """The table in a file: Parquet if its name ends so, else CSV.

    Raises:
        InputError: there is no such file, or it is neither.
    """
    if not path.is_file():
        raise InputError(f"The file {path} does not exist.")
    try:
        return pq.read_table(path) if path.suffix == ".parquet" else pyarrow.csv.read_csv(path)
    except (pa.ArrowException, OSError) as error:
        raise InputError(
            f"{path} is neither Parquet nor CSV ({str(error).splitlines()[0]})."
        ) from None


def require_column(table: pa.Table, name: str, path: Path) -> None:
    """Raise InputError, listing the columns, unless exactly one is called ``name``."""
    found = table.column_names.count(name)
    if found != 1:
        many = f"{found} columns" if found else "no column"
        raise InputError(
            f"{path} has {many} '{name}'; its columns are {', '.join(table.column_names)}."
        )


def require_one_measurement(table: pa.Table, path: Path) -> None:
    """Raise InputError if rows of a suite's table are of several models, settings or splits: taken
    for one sample they would give a number that bounds nothing."""
    kinds = ["model_id", *(field.name for field in schema.SETTING_FIELDS), "split"]
    if not set(kinds) <= set(table.column_names):
        return  # no suite's table
    found = table.group_by(kinds).aggregate([]).num_rows
    if found > 1:
        raise InputError(
            f"{path} holds the losses of {found} measurements, which differ in model, setting or "
            "split; give a file with the rows of one."
        )


def numbers(table: pa.Table, name: str, path: Path) -> np.ndarray:
    """One column as float64, shape (rows,); empty cells are NaN.

    Raises:
        InputError: it holds something else than numbers.
    """
    try:
        # Not safe: a whole number beyond 2^53 is rounded, not refused.
        return table.column(name).cast(pa.float64(), safe=False).to_numpy()
    except pa.ArrowException:
        raise InputError(f"The column '{name}' of {path} is not numeric.") from None
