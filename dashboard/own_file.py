"""A reader's file of token losses: from its bytes to columns, within bounds on size and memory.

Nothing is written anywhere and nothing kept.  What a file will unpack to is read off its footer, or
counted, before any of it is unpacked.
"""

import csv
import io

import numpy as np
import pyarrow as pa
import pyarrow.csv
import pyarrow.parquet as pq

from bounds.own_losses import LossColumns
from dashboard.errors import UploadError
from dashboard.quoting import quoted

#: Megabytes of a file, as in .streamlit/config.toml; bytes of what is unpacked; rows and columns.
MOST_MEGABYTES = 20
MOST_UNPACKED = 64 * 2**20
MOST_ROWS = 1_000_000
MOST_COLUMNS = 100

#: Longest first line of a CSV file.
_LONGEST_HEADER = 2**16

#: Columns that are read; others may be there.
_NUMBERS = ("loss_nats", "entropy_nats", "tokens")
_WINDOW = "window"

_SMALLER = (
    "count equal pairs of loss and entropy in one row with a column 'tokens', or give a sample of "
    "windows"
)


def read_columns(name: str, content: bytes) -> LossColumns:
    """The columns of a Parquet or CSV file.

    Args:
        name: of the file, for sentences.
        content: its bytes.

    Raises:
        UploadError: it cannot be used, or is too large.
    """
    shown = f"The file {quoted(name)}"  # it begins every sentence
    if not content:
        raise UploadError(f"{shown} is empty.")
    if len(content) > MOST_MEGABYTES * 2**20:
        raise UploadError(
            f"{shown} has {len(content) / 2**20:.1f} MB, and at most {MOST_MEGABYTES} MB are "
            f"taken: {_SMALLER}."
        )
    is_parquet = content.startswith(b"PAR1")
    if not is_parquet and name.casefold().endswith(".parquet"):
        raise UploadError(f"{shown} is no Parquet file: it does not begin like one.")
    try:
        table = _parquet(content, shown) if is_parquet else _csv(content, shown)
        return LossColumns(**_arrays(table, shown))
    except (pa.ArrowException, OSError, UnicodeDecodeError, csv.Error):
        kind = "damaged or cut off" if is_parquet else "neither Parquet nor CSV"
        raise UploadError(f"{shown} is {kind}; write it again.") from None


def _parquet(content: bytes, shown: str) -> pa.Table:
    """The wanted columns; how much they will be is known before they are unpacked."""
    file = pq.ParquetFile(pa.BufferReader(content))
    footer = file.metadata
    _check_columns(file.schema_arrow.names, footer.num_columns, shown)
    groups = [footer.row_group(i) for i in range(footer.num_row_groups)]
    _check_rows(sum(group.num_rows for group in groups), shown)
    for name in _NUMBERS:
        if name in file.schema_arrow.names:
            _check_numeric(name, file.schema_arrow.field(name).type, shown)
    wanted = [name for name in file.schema_arrow.names if name in (*_NUMBERS, _WINDOW)]
    unpacked = sum(
        group.column(i).total_uncompressed_size
        for group in groups
        for i in range(footer.num_columns)
        if group.column(i).path_in_schema.partition(".")[0] in wanted
    )
    if unpacked > MOST_UNPACKED:
        raise UploadError(
            f"{shown} would unpack to {unpacked / 2**20:,.0f} MB, and at most "
            f"{MOST_UNPACKED // 2**20} MB are taken: {_SMALLER}."
        )
    # Repeated names of windows stay numbers that point at them: unfolded they could fill a memory.
    folded = [_WINDOW] if _WINDOW in wanted else None
    return pq.ParquetFile(pa.BufferReader(content), read_dictionary=folded).read(
        columns=wanted, use_threads=False
    )


def _csv(content: bytes, shown: str) -> pa.Table:
    """The wanted columns; lines are counted before they are read."""
    header = content[:_LONGEST_HEADER].splitlines()[0]
    names = next(csv.reader(io.StringIO(header.decode("utf-8-sig"))), [])
    _check_columns(names, len(names), shown)
    _check_rows(max(content.count(b"\n"), content.count(b"\r")) - 1, shown)
    wanted = [name for name in names if name in (*_NUMBERS, _WINDOW)]
    table = pyarrow.csv.read_csv(
        pa.BufferReader(content),
        read_options=pyarrow.csv.ReadOptions(use_threads=False),
        convert_options=pyarrow.csv.ConvertOptions(include_columns=wanted),
    )
    _check_rows(table.num_rows, shown)
    return table


def _check_columns(names: list[str], count: int, shown: str) -> None:
    """Raise UploadError unless the columns are there, each once, and not too many."""
    if count > MOST_COLUMNS:
        raise UploadError(f"{shown} has {count:,} columns, and at most {MOST_COLUMNS} are read.")
    if "loss_nats" not in names:
        there = ", ".join(quoted(name) for name in names[:10])
        raise UploadError(f"{shown} has no column 'loss_nats'; its columns are {there}.")
    for name in (*_NUMBERS, _WINDOW):
        if names.count(name) > 1:
            raise UploadError(f"{shown} has {names.count(name)} columns '{name}'.")


def _check_rows(rows: int, shown: str) -> None:
    """Raise UploadError if there are too many."""
    if rows > MOST_ROWS:
        raise UploadError(
            f"{shown} has {rows:,} rows, and at most {MOST_ROWS:,} are taken: {_SMALLER}."
        )


def _check_numeric(name: str, kind: pa.DataType, shown: str) -> None:
    """Raise UploadError unless a column holds numbers, or nothing."""
    if not (pa.types.is_integer(kind) or pa.types.is_floating(kind) or pa.types.is_null(kind)):
        raise UploadError(f"{shown} holds {kind} in its column '{name}', not numbers.")


def _arrays(table: pa.Table, shown: str) -> dict[str, np.ndarray]:
    """Columns as float64, empty cells as NaN; draws as whole numbers."""
    found = {}
    for name in table.column_names:
        column = table.column(name)
        if name == _WINDOW:
            if column.null_count:
                raise UploadError(f"{shown} has empty cells in its column 'window'.")
            found[name] = _numbered(column.combine_chunks())
        else:
            _check_numeric(name, column.type, shown)
            # Not safe: a whole number beyond 2^53 is rounded, not refused.
            found[name] = column.cast(pa.float64(), safe=False).to_numpy()
    return found


def _numbered(names: pa.Array) -> np.ndarray:
    """A whole number in place of each name."""
    if not pa.types.is_dictionary(names.type):
        names = names.dictionary_encode()
    return names.indices.to_numpy()
