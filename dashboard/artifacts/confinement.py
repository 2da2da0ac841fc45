"""DuckDB shut in: it reads the files of one suite, and nothing else; it writes nothing."""

from collections.abc import Sequence
from pathlib import Path

import duckdb

#: Nothing is spilled to disk, loaded, installed or kept.
_CLOSED = (
    "SET temp_directory = ''",
    "SET autoinstall_known_extensions = false",
    "SET autoload_known_extensions = false",
    "SET allow_community_extensions = false",
    "SET allow_persistent_secrets = false",
    "SET enable_external_access = false",  # nor are Python's variables looked at
    "SET lock_configuration = true",  # the last one: from here on no setting can be changed
)


def sql_list(files: Sequence[Path]) -> str:
    """Paths as a list in SQL."""
    return "[" + ", ".join("'" + str(file).replace("'", "''") + "'" for file in files) + "]"


def confine(connection: duckdb.DuckDBPyConnection, files: Sequence[Path]) -> None:
    """Leave a connection and its cursors nothing to open but ``files``, for good.

    Views over the files may be there already: they are read when they are asked.

    Args:
        files: absolute paths, as the views name them.
    """
    connection.execute(f"SET allowed_paths = {sql_list(files)}")
    for setting in _CLOSED:
        connection.execute(setting)


def only_reading(connection: duckdb.DuckDBPyConnection, sql: str) -> str:
    """One query as it can be run without harm.

    What may be read may also be written over, by ``COPY`` or by ``WITH x AS (COPY ...) SELECT``,
    which passes for a query; inside another query DuckDB takes neither.

    Raises:
        duckdb.Error: there is more than one statement, or the text is no SQL.
    """
    inside = f"FROM (\n{sql}\n)"
    if len(connection.extract_statements(inside)) != 1:
        raise duckdb.ParserException("one query at a time")
    return inside
