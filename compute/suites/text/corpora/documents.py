"""Documents of one file: plain text, JSON lines (also compressed) or Parquet.

Readers of shards hold one line, or one small batch of rows, at a time, so that one who wants little
text neither reads nor holds the rest of a large file.
"""

import gzip
import io
import json
import zlib
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import BinaryIO

import pyarrow as pa
import pyarrow.parquet as pq

from compute.base.errors import InputError

#: Rows of a Parquet file that are held at once; those of web text are a few KB each.
PARQUET_ROWS = 256


def is_shard(file: Path) -> bool:
    """Whether a file holds many documents, each a row or a line, rather than being one."""
    return file.name.endswith(tuple(_READERS))


def shard_documents(shards: list[Path], field: str, most_bytes: int | None) -> list[bytes]:
    """Documents of shards in order, as UTF-8, empty ones and NUL characters left out.

    Args:
        shards: for which ``is_shard`` is true.
        field: column, or field of every line, that holds the text.
        most_bytes: no more is read once the documents have so many; None to read all.

    Raises:
        InputError: naming the file and what is wrong with it.
    """
    documents, size = [], 0
    for shard in shards:
        reader = next(reader for suffix, reader in _READERS.items() if shard.name.endswith(suffix))
        texts = reader(shard, field)
        while most_bytes is None or size < most_bytes:
            text = next(texts, None)
            if text is None:
                break
            if document := text.replace("\0", "").encode():
                documents.append(document)
                size += len(document)
    return documents


def text_documents(files: list[Path], most_bytes: int | None) -> tuple[list[bytes], int]:
    """Contents of the files that are UTF-8 text without NUL bytes, and how many are not."""
    documents, skipped, size = [], 0, 0
    for file in files:
        if most_bytes is not None and size >= most_bytes:
            break
        content = file.read_bytes()
        try:
            content.decode()
        except UnicodeDecodeError:
            skipped += 1
            continue
        if b"\0" in content:
            skipped += 1
        elif content:
            documents.append(content)
            size += len(content)
    return documents, skipped


def _json_lines(opened: Callable[[Path], BinaryIO], kind: str, errors: tuple) -> Callable:
    """Make a function that reads files through ``opened``, which may raise one of ``errors``."""

    def read(file: Path, field: str) -> Iterator[str]:
        count = 0
        try:
            with opened(file) as stream:
                for line in io.TextIOWrapper(stream, encoding="utf-8"):
                    text = json.loads(line)[field]
                    if not isinstance(text, str):
                        raise TypeError(f"{field} is {text!r}")
                    text.encode()  # refuses halves of surrogate pairs
                    yield text
                    count += 1
        except (*errors, OSError, ValueError, KeyError, TypeError) as error:
            raise InputError(
                f"The shard {file} is not {kind} with a {field!r} field "
                f"({type(error).__name__} after {count} documents)."
            ) from error

    return read


def _zstandard(file: Path) -> BinaryIO:
    import zstandard

    # A file may be several frames, one after the other: parallel compressors write such.
    return zstandard.open(file, "rb", zstandard.ZstdDecompressor())


def _zst_lines(file: Path, field: str) -> Iterator[str]:
    import zstandard

    errors = (zstandard.ZstdError,)
    return _json_lines(_zstandard, "zstd-compressed JSON lines", errors)(file, field)


def _parquet(file: Path, field: str) -> Iterator[str]:
    """Rows of one column; a row without a value is no document."""
    try:
        with pq.ParquetFile(file, pre_buffer=False) as parquet:
            schema = parquet.schema_arrow
            if field not in schema.names:
                raise InputError(
                    f"The shard {file} has no column {field!r}; "
                    f"its columns are {', '.join(schema.names) or 'none'}."
                )
            kind = schema.field(field).type
            if not (pa.types.is_string(kind) or pa.types.is_large_string(kind)):
                raise InputError(f"The column {field!r} of the shard {file} is {kind}, not text.")
            for batch in parquet.iter_batches(PARQUET_ROWS, columns=[field]):
                for value in batch.column(0).drop_null():
                    yield value.as_py()
    except (pa.ArrowException, OSError, UnicodeDecodeError) as error:
        raise InputError(
            f"The shard {file} is no Parquet file that can be read ({str(error).splitlines()[0]})."
        ) from error


_READERS: dict[str, Callable[[Path, str], Iterator[str]]] = {
    ".jsonl": _json_lines(lambda file: file.open("rb"), "JSON lines", ()),
    ".jsonl.gz": _json_lines(gzip.open, "gzip-compressed JSON lines", (EOFError, zlib.error)),
    ".jsonl.zst": _zst_lines,
    ".parquet": _parquet,
}
