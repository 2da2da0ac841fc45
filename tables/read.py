"""From the bytes of one or several files to one table; their kind is detected from the content."""

from collections.abc import Sequence

import pyarrow as pa

from tables.errors import TableError
from tables.formats import delimited, json_records, parquet
from tables.kinds import is_number
from tables.limits import Limits
from tables.part import Part
from tables.wanted import Wanted

#: First bytes of compressed files.
_CODECS = {b"\x1f\x8b": "gzip", b"\x28\xb5\x2f\xfd": "zstd"}

#: First bytes of text that is not in UTF-8.
_ENCODINGS = {b"\xff\xfe": "utf-16", b"\xfe\xff": "utf-16"}
_UTF_8_MARK = b"\xef\xbb\xbf"

#: Bytes per step of unpacking, and for detecting a kind.
_STEP = 2**20
_HEAD = 2**10


def read_table(parts: Sequence[Part], wanted: Wanted, limits: Limits | None) -> pa.Table:
    """The wanted columns, of all parts one after the other.

    Args:
        parts: the files, each Parquet, CSV (with commas, semicolons or tabs) or JSON, possibly
            compressed with gzip or zstd.
        wanted: which columns; others are not read.
        limits: what is refused as too large; None for a trusted file.

    Raises:
        TableError: a file is of none of these kinds, damaged or too large or lacks a
            column, or the parts differ in their columns.
    """
    tables = []
    for part in parts:
        try:
            tables.append(_read(part.content, wanted, limits))
        except TableError as error:
            raise error if len(parts) == 1 else error.within(part.name) from None
    for part, table in zip(parts, tables, strict=True):
        if set(table.column_names) != set(tables[0].column_names):
            raise TableError(
                "has parts with different columns: {} and {}", parts[0].name, part.name
            )
    if len(tables) == 1:
        return tables[0]
    try:
        return pa.concat_tables(
            [_in_floats(table, wanted) for table in tables], promote_options="permissive"
        )
    except pa.ArrowException as error:
        raise TableError("has parts whose columns differ: {}", str(error).splitlines()[0]) from None


def _in_floats(table: pa.Table, wanted: Wanted) -> pa.Table:
    """The table with numbers of one kind, as each part may have the narrowest one."""
    for i, field in enumerate(table.schema):
        if field.name not in wanted.labels and is_number(field.type):
            # Not safe: a whole number beyond 2^53 is rounded, not refused.
            floats = table.column(i).cast(pa.float64(), safe=False)
            table = table.set_column(i, field.name, floats)
    return table


def _read(content: pa.Buffer, wanted: Wanted, limits: Limits | None) -> pa.Table:
    content = _unpacked(content, limits)
    head = content[:_HEAD].to_pybytes()
    if not head:
        raise TableError("is empty")
    if head.startswith(b"PAR1"):
        return parquet.read(content, wanted, limits)
    if head.startswith(b"PK\x03\x04"):
        raise TableError(
            "is a zip archive or a spreadsheet; give the table in it as CSV or Parquet"
        )
    if head[:2] in _ENCODINGS:
        try:
            text = content.to_pybytes().decode(_ENCODINGS[head[:2]])
        except UnicodeDecodeError:
            raise TableError("is neither Parquet, CSV nor JSON") from None
        content = pa.py_buffer(text.encode())
    elif head.startswith(_UTF_8_MARK):
        content = content[len(_UTF_8_MARK) :]
    head = content[:_HEAD].to_pybytes()
    if b"\0" in head:
        raise TableError("is neither Parquet, CSV nor JSON")
    reader = json_records if head.lstrip().startswith((b"{", b"[")) else delimited
    return reader.read(content, wanted, limits)


def _unpacked(content: pa.Buffer, limits: Limits | None) -> pa.Buffer:
    """The content of a compressed file; never more of it than is allowed."""
    head = content[:4].to_pybytes()
    codec = next((name for magic, name in _CODECS.items() if head.startswith(magic)), None)
    if codec is None:
        return content
    sink = pa.BufferOutputStream()
    try:
        with pa.CompressedInputStream(pa.BufferReader(content), codec) as stream:
            while step := stream.read(_STEP):
                sink.write(step)
                if limits:
                    limits.check_unpacked(sink.tell())
    except OSError:
        raise TableError(f"is damaged or cut off: it is not whole {codec}") from None
    return sink.getvalue()
