"""Columns of a Parquet file; their size is checked before they are unpacked."""

import pyarrow as pa
import pyarrow.parquet as pq

from tables.errors import TableError
from tables.kinds import check_readable, is_list
from tables.limits import Limits
from tables.wanted import Wanted

#: Encodings of text whose size in memory the footer does not state, as a value may repeat the
#: beginning of the one before; Arrow does not read them dictionary-encoded.
_UNTOLD = {"DELTA_BYTE_ARRAY", "DELTA_LENGTH_BYTE_ARRAY"}


def read(content: pa.Buffer, wanted: Wanted, limits: Limits | None) -> pa.Table:
    """The wanted columns.

    Raises:
        TableError: the file is damaged, lacks a column, or is too large.
    """
    try:
        file = pq.ParquetFile(pa.BufferReader(content))
        schema = file.schema_arrow
        names = wanted.among(schema.names)
        for name in names:
            check_readable(name, schema.field(name).type)
        chunks = _chunks(file, names)
        untold = {name for name, chunk in chunks if _is_untold(chunk)}
        if limits:
            _check(file.metadata, chunks, untold, limits)
        # Repeated texts stay references: expanded they could fill the memory.
        foldable = [n for n in names if n not in untold and not is_list(schema.field(n).type)]
        folded = pq.ParquetFile(pa.BufferReader(content), read_dictionary=foldable)
        # A name with a dot in it looks like a part of another column, which would be read too.
        return folded.read(columns=names, use_threads=limits is None).select(names)
    except (pa.ArrowException, OSError, UnicodeDecodeError):
        raise TableError("is damaged or cut off; write it again") from None


#: What is stored of a column in one row group, and the name of the column.
_Chunk = tuple[str, pq.ColumnChunkMetaData]


def _check(footer: pq.FileMetaData, chunks: list[_Chunk], untold: set[str], limits: Limits) -> None:
    """Raise TableError if the footer announces too much, or does not state the size."""
    limits.check_columns(footer.num_columns)
    limits.check_rows(sum(footer.row_group(i).num_rows for i in range(footer.num_row_groups)))
    if untold:
        raise TableError(
            "does not say how much its column {} will unpack to (DELTA_BYTE_ARRAY); write it with "
            "another encoding",
            min(untold),
        )
    limits.check_unpacked(sum(chunk.total_uncompressed_size for _, chunk in chunks))
    values = dict.fromkeys((chunk.path_in_schema for _, chunk in chunks), 0)
    for _, chunk in chunks:
        values[chunk.path_in_schema] += chunk.num_values
    limits.check_rows(max(values.values(), default=0))  # more than rows where cells are lists


def _chunks(file: pq.ParquetFile, names: list[str]) -> list[_Chunk]:
    """The footer's entry of each column, row group by row group."""
    owners = [leaf.path.partition(".")[0] for leaf in file.schema]
    wanted = [i for i, owner in enumerate(owners) if owner in names]
    found = []
    for number in range(file.metadata.num_row_groups):
        # Where a chunk's entry is damaged, pyarrow ends the whole process as soon as it is
        # accessed.  Its reader meets the same entry and raises; with no columns it reads no page.
        for _ in file.reader.iter_batches(0, [number], column_indices=wanted, use_threads=False):
            pass
        group = file.metadata.row_group(number)
        found += [(owners[i], group.column(i)) for i in wanted]
    return found


def _is_untold(chunk: pq.ColumnChunkMetaData) -> bool:
    return chunk.physical_type == "BYTE_ARRAY" and not _UNTOLD.isdisjoint(chunk.encodings)
