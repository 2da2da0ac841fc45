"""Columns of JSON: one object per row, one per line, or all of them in one list."""

import json
from collections.abc import Iterator

import pyarrow as pa

from tables.errors import TableError
from tables.formats.token_logprobs import Entry, records_of
from tables.limits import Limits
from tables.wanted import Wanted


def read(content: pa.Buffer, wanted: Wanted, limits: Limits | None) -> pa.Table:
    """The wanted columns; responses of inference servers become lists of log-probabilities.

    Raises:
        TableError: the content is not JSON, lacks a column, or is too large.
    """
    text = content.to_pybytes()
    if limits:
        limits.check_json(sum(map(text.count, (b"[", b"{", b","))))
    try:
        rows = [row for document in _documents(text) for row in records_of(document)]
    except RecursionError:
        raise TableError("is JSON that is nested too deeply") from None
    except ValueError as error:
        raise (
            error if isinstance(error, TableError) else TableError("is not JSON: {}", str(error))
        ) from None
    if limits:
        limits.check_rows(len(rows))
    names = wanted.among(list(dict.fromkeys(name for row in rows for name in row)))
    return pa.table({name: _column([row.get(name) for row in rows], name) for name in names})


def _documents(text: bytes) -> Iterator[object]:
    """Each line, if the first one is complete; otherwise the whole text."""
    lines = text.splitlines()
    first = next(i for i, line in enumerate(lines) if line.strip())
    try:
        yield _parsed(lines[first])
    except json.JSONDecodeError:
        yield _parsed(text)
        return
    for number, line in enumerate(lines[first + 1 :], first + 2):
        if line.strip():
            try:
                yield _parsed(line)
            except json.JSONDecodeError as error:
                raise TableError(
                    f"is damaged or cut off: its line {number} is no JSON ({{}})", error.msg
                ) from None


def _parsed(text: bytes) -> object:
    return _DECODER.decode(text.decode())


def _object(pairs: list[tuple[str, object]]) -> object:
    found = dict(pairs)
    if len(found) < len(pairs):
        names = [name for name, _ in pairs]
        raise TableError("has an object with two values called {}", max(names, key=names.count))
    # Here, because the objects would take ten times the memory of the needed number.
    entry = Entry.of(found)
    return found if entry is None else entry


#: Made once instead of by ``json.loads`` for every line.
_DECODER = json.JSONDecoder(object_pairs_hook=_object)


def _column(cells: list, name: str) -> pa.Array:
    try:
        return pa.array(cells)
    except OverflowError:  # a whole number beyond 64 bits
        return pa.array(cells, pa.float64())
    except (pa.ArrowException, TypeError, ValueError):
        raise TableError("has cells of different kinds in its column {}", name) from None
