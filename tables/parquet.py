"""Columns of a Parquet file; how much they will be is known before they are unpacked."""

import pyarrow as pa
import pyarrow.parquet as pq

from tables.errors import TableError
from tables.kinds import check_readable, is_list
from tables.limits import Limits
from tables.wanted import Wanted

#: Encodings of text whose size in memory the footer does not tell, as a value may repeat the
#: beginning of the one before; Arrow does not read them folded.
_UNTOLD = {"DELTA_BYTE_ARRAY", "DELTA_LENGTH_BYTE_ARRAY"}


def read(content: pa.Buffer, wanted: Wanted, limits: Limits | None) -> pa.Table:
    """The wanted columns.

    Raises:
        TableError: the file is damaged, lacks a column, or holds too much.
    """
    try:
        file = pq.ParquetFile(pa.BufferReader(content))
        schema = file.schema_arrow
        names = wanted.among(schema.names)
        for name in names:
            check_readable(name, schema.field(name).type)
        untold = {name for name, chunk in _chunks(file.metadata, names) if _is_untold(chunk)}
        if limits:
            _check(file.metadata, names, untold, limits)
        # Repeated texts stay numbers that point at them: unfolded they could fill a memory.
        foldable = [n for n in names if n not in untold and not is_list(schema.field(n).type)]
        folded = pq.ParquetFile(pa.BufferReader(content), read_dictionary=foldable)
        # A name with a dot in it looks like a part of another column, and would come along.
        return folded.read(columns=names, use_threads=limits is None).select(names)
    except (pa.ArrowException, OSError):
        raise TableError("is damaged or cut off; write it again") from None


def _check(footer: pq.FileMetaData, names: list[str], untold: set[str], limits: Limits) -> None:
    """Raise TableError if the footer announces too much, or does not say how much."""
    limits.check_columns(footer.num_columns)
    limits.check_rows(sum(footer.row_group(i).num_rows for i in range(footer.num_row_groups)))
    if untold:
        raise TableError(
            "does not say how much its column {} will unpack to (DELTA_BYTE_ARRAY); write it with "
            "another encoding",
            min(untold),
        )
    chunks = _chunks(footer, names)
    limits.check_unpacked(sum(chunk.total_uncompressed_size for _, chunk in chunks))
    values = dict.fromkeys((chunk.path_in_schema for _, chunk in chunks), 0)
    for _, chunk in chunks:
        values[chunk.path_in_schema] += chunk.num_values
    limits.check_rows(max(values.values(), default=0))  # more than rows where cells are lists


def _chunks(footer: pq.FileMetaData, names: list[str]) -> list[tuple[str, pq.ColumnChunkMetaData]]:
    """What is stored of each column, row group by row group."""
    found = []
    for i in range(footer.num_row_groups):
        group = footer.row_group(i)
        for j in range(group.num_columns):
            chunk = group.column(j)
            name = chunk.path_in_schema.partition(".")[0]
            if name in names:
                found.append((name, chunk))
    return found


def _is_untold(chunk: pq.ColumnChunkMetaData) -> bool:
    return chunk.physical_type == "BYTE_ARRAY" and not _UNTOLD.isdisjoint(chunk.encodings)
