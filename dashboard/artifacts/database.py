"""One suite's tables, opened read-only with DuckDB."""

import contextlib
from collections.abc import Callable, Hashable
from functools import partial, wraps
from pathlib import Path
from typing import Any, TypeVar

import duckdb
import pandas as pd
import pyarrow as pa

import schema
from dashboard.artifacts.confinement import confine, only_reading, sql_list
from dashboard.artifacts.errors import REPAIR, ArtifactError
from dashboard.artifacts.files import checked_metadata
from dashboard.artifacts.version import Version, local_version

#: Results remembered by an open suite, from under a kilobyte to some tens.
MOST_REMEMBERED = 4096

T = TypeVar("T")


def remembered(compute: Callable[..., T]) -> Callable[..., T]:
    """Decorate a function of a suite and hashable values: the suite keeps each of its results,
    which must not be changed in place."""
    name = f"{compute.__module__}.{compute.__qualname__}"

    @wraps(compute)
    def once(suite: Any, *values: Hashable) -> T:
        return suite.remember((name, *values), partial(compute, suite, *values))

    return once


class Database:
    """Read-only view of the files of one suite, in ``folder``; ``version`` identifies the edition.

    Each query runs on its own cursor: a DuckDB connection shared between threads mixes up rows.
    """

    def __init__(self, data_dir: Path, name: str, version: Version | None = None) -> None:
        """Open and check every file.

        Args:
            data_dir: folder of the suites.
            name: of the suite.
            version: if it is known because the files were verified; otherwise computed.

        Raises:
            ArtifactError: a file is damaged, foreign, or of another schema version.
        """
        data_dir = data_dir.absolute()
        self.name, self.folder = name, data_dir / name
        self.version = version or local_version(self.folder)
        self._connection = duckdb.connect(":memory:")
        self._memory: dict[Hashable, Any] = {}
        #: Metadata of every file.
        self.metadata: list[dict[str, str]] = []
        opened: list[Path] = []
        for table in schema.TABLES:
            files = sorted((data_dir / name / table).glob("*.parquet"))
            opened += files
            for file in files:
                self.metadata.append(checked_metadata(file, table, data_dir))
            self._create_view(table, files)
        confine(self._connection, opened)

    def _create_view(self, table: str, files: list[Path]) -> None:
        if files:
            source = f"SELECT * FROM read_parquet({sql_list(files)}, union_by_name = true)"
            try:
                self._connection.execute(f"CREATE VIEW {table} AS {source}")
            except duckdb.Error:
                raise self.damaged() from None
        else:
            # Only this connection would see a registered object, not its cursors.
            self._connection.register("empty", schema.TABLES[table].empty_table())
            self._connection.execute(f"CREATE TABLE {table} AS SELECT * FROM empty")
            self._connection.unregister("empty")

    def query(self, sql: str, params: list | None = None) -> pd.DataFrame:
        """Rows of one query over the views named in ``schema.TABLES``, cached: do not modify.

        Raises:
            ArtifactError: a file is damaged, or disappeared, while it was read.
        """
        return self.remember((sql, *(params or [])), lambda: self.fresh(sql, params))

    def fresh(self, sql: str, params: list | None) -> pd.DataFrame:
        """Rows of one query without caching."""
        return self.arrow(sql, params).to_pandas()

    def arrow(self, sql: str, params: list | None) -> pa.Table:
        """A table of one query without caching, with the types of the artifacts."""
        try:
            cursor = self._connection.cursor()
            query = only_reading(cursor, sql)
            return cursor.sql(query, params=params or []).to_arrow_table()
        except duckdb.Error:
            raise self.damaged() from None

    def damaged(self) -> ArtifactError:
        """The sentence about a file that cannot be read to its end."""
        return ArtifactError(
            f"A file of the suite “{self.name}” is damaged or was replaced while it was read; "
            f"reload the page, and if that does not help, {REPAIR}."
        )

    def remember(self, key: Hashable, compute: Callable[[], Any]) -> Any:
        """The result of ``compute`` for ``key``, computed once.

        A suite does not change while it is open, so its results need not be computed again
        each time a visitor returns to a choice.
        """
        if key in self._memory:
            with contextlib.suppress(KeyError):  # another thread may have made room
                return self._memory[key]
        value = compute()
        if len(self._memory) >= MOST_REMEMBERED:
            self._memory.clear()
        self._memory[key] = value
        return value
