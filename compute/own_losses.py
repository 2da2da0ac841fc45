"""Token losses of any model, measured elsewhere: from a file to every form of the bound."""

from pathlib import Path

import numpy as np
import pyarrow as pa

from bounds import RiskBound
from bounds.own_losses import LossColumns, Measurement, UnusableError, every_bound
from compute.errors import InputError
from compute.table_file import numbers, read_table, require_column, require_one_measurement

#: What the attributes of a ``Measurement`` are called on the command line.
_OPTIONS = {
    "params_total": "--params",
    "train_tokens": "--train-tokens",
    "vocab_size": "--vocab",
    "code_bits": "--code-bits",
    "failure_probability": "--delta",
    "training_loss_nats": "--training-loss",
}


def measurement_of(**values: object) -> Measurement:
    """A ``Measurement`` of these attributes.

    Raises:
        InputError: one is out of range.
    """
    try:
        return Measurement(**values)
    except UnusableError as error:
        raise _named(error) from None


def bounds_of_file(path: Path, measurement: Measurement) -> dict[str, RiskBound]:
    """Every form that the file allows, by name.

    The file is Parquet or CSV with a column ``loss_nats`` and, if known, ``entropy_nats``
    (predictive entropies; without them the control variate is a constant).  Either it holds all D
    training tokens (a column ``tokens`` may count repeated rows), or a sample of windows drawn
    independently and uniformly with replacement: then a column ``window`` holds the *draw* that
    each row belongs to, equally many rows a draw.  A window drawn twice is two draws with two
    names.

    Raises:
        InputError: the file or a value cannot be used; nothing has been computed then.
    """
    table = read_table(path)
    require_column(table, "loss_nats", path)
    require_one_measurement(table, path)
    columns = {
        name: numbers(table, name, path)
        for name in ("loss_nats", "entropy_nats", "tokens")
        if name in table.column_names
    }
    if "window" in table.column_names:
        columns["window"] = _draws(table, path)
    try:
        return every_bound(LossColumns(**columns), measurement)
    except UnusableError as error:
        raise _named(error, path) from None


def _draws(table: pa.Table, path: Path) -> np.ndarray:
    """Numbers 0, 1, ... in place of the names of draws."""
    names = table.column("window").combine_chunks()
    if names.null_count:
        raise InputError(f"The column 'window' of {path} holds empty values.")
    return names.dictionary_encode().indices.to_numpy()


def _named(error: UnusableError, path: Path | None = None) -> InputError:
    """The error with the option or the column of the file that is at fault."""
    if error.where in _OPTIONS:
        return InputError(f"{_OPTIONS[error.where]} {error.reason}.")
    if error.where:
        return InputError(f"The column '{error.where}' of {path} {error.reason}.")
    return InputError(f"{error.reason[0].upper()}{error.reason[1:]}.")
