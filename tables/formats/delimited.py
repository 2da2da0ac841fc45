"""Columns of a text with a header and one row a line: CSV."""

import csv
import io

import pyarrow as pa
import pyarrow.csv

from tables.errors import TableError
from tables.limits import Limits
from tables.wanted import Wanted

#: Longest header, bytes.
_LONGEST_HEADER = 2**16

#: Possible separators of cells.
_DELIMITERS = (",", ";", "\t")

#: How a column is read: as a number, or as text with each value stored once.
_NUMBER, _TEXT = pa.float64(), pa.dictionary(pa.int32(), pa.string())


def read(content: pa.Buffer, wanted: Wanted, limits: Limits | None) -> pa.Table:
    """The wanted columns: labels as text, others as numbers if every cell is one or empty.

    Raises:
        TableError: the text is not CSV, lacks a column, or has too many rows.
    """
    try:
        header, delimiter = _header(content)
        if limits:
            limits.check_columns(len(header))
        names = wanted.among(header)
        if limits:
            text = content.to_pybytes()
            limits.check_rows(max(text.count(b"\n"), text.count(b"\r")) - 1)
        kinds = {name: _TEXT if name in wanted.labels else _NUMBER for name in names}
        try:
            return _table(content, delimiter, kinds, limits)
        except pa.ArrowInvalid:  # a cell that is not a number: read as text, so that the error can
            # name it
            return _table(content, delimiter, dict.fromkeys(names, _TEXT), limits)
    except (pa.ArrowException, OSError, UnicodeDecodeError, csv.Error) as error:
        raise TableError(
            "is neither Parquet, CSV nor JSON: {}", str(error).split("\n")[0]
        ) from None


def _header(content: pa.Buffer) -> tuple[list[str], str]:
    """Names of the columns, and their separator."""
    lines = content[:_LONGEST_HEADER].to_pybytes().lstrip(b"\r\n").splitlines()
    if not lines:
        raise TableError("is empty")
    line = lines[0].decode()
    delimiter = max(_DELIMITERS, key=line.count)
    return next(csv.reader(io.StringIO(line), delimiter=delimiter), []), delimiter


def _table(
    content: pa.Buffer, delimiter: str, columns: dict[str, pa.DataType], limits: Limits | None
) -> pa.Table:
    return pyarrow.csv.read_csv(
        pa.BufferReader(content),
        read_options=pyarrow.csv.ReadOptions(use_threads=limits is None),
        parse_options=pyarrow.csv.ParseOptions(delimiter=delimiter),
        convert_options=pyarrow.csv.ConvertOptions(
            column_types=columns,
            include_columns=list(columns),
            strings_can_be_null=True,  # NA and similar texts are empty cells in every column
        ),
    )
