"""Confine DuckDB: it reads only the files of one suite and writes nothing."""

from collections.abc import Sequence
from pathlib import Path

import duckdb

#: DuckDB writes nothing to disk and loads, installs and stores nothing.
_CLOSED = (
    "SET temp_directory = ''",
    "SET autoinstall_known_extensions = false",
    "SET autoload_known_extensions = false",
    "SET allow_community_extensions = false",
    "SET allow_persistent_secrets = false",
    "SET enable_external_access = false",  # Python variables are not visible either
    "SET lock_configuration = true",  # the last one: after it no setting can be changed
)


def sql_list(files: Sequence[Path]) -> str:
    """Paths as a list in SQL."""
    return "[" + ", ".join("'" + str(file).replace("'", "''") + "'" for file in files) + "]"


def confine(connection: duckdb.DuckDBPyConnection, files: Sequence[Path]) -> None:
    """Restrict a connection and its cursors to reading ``files``, permanently.

    Views over the files may exist already: they are read when they are queried.

    Args:
        files: absolute paths, as the views name them.
    """
    connection.execute(f"SET allowed_paths = {sql_list(files)}")
    for setting in _CLOSED:
        connection.execute(setting)


def only_reading(connection: duckdb.DuckDBPyConnection, sql: str) -> str:
    """One query wrapped so that it cannot write.

    A readable file could also be overwritten, by ``COPY`` or by ``WITH x AS (COPY ...) SELECT``,
    which counts as a query; DuckDB accepts neither inside another query.

    Raises:
        duckdb.Error: there is more than one statement, or the text is not SQL.
    """
    inside = f"FROM (\n{sql}\n)"
    if len(connection.extract_statements(inside)) != 1:
        raise duckdb.ParserException("one query at a time")
    return inside
