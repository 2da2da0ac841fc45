"""Rows of any table of the artifacts: selection, count, pages, and downloads."""

import io
from dataclasses import dataclass

import pyarrow as pa
import pyarrow.csv
import pyarrow.parquet as pq

import schema
from dashboard.artifacts.settings import setting_of
from dashboard.artifacts.suite import Suite
from dashboard.views.artifacts.row_filter import Condition

#: Rows of a page.
PAGE_ROWS = 100

#: Rows that can be downloaded at a time.
MOST_DOWNLOADED = 200_000

_SETTING = tuple(field.name for field in schema.SETTING_FIELDS)

#: Name of the missing setting of units.
NO_SETTING = "no setting"


@dataclass(frozen=True)
class Selection:
    """A selection of rows of one table.

    Attributes:
        table: a key of ``schema.TABLES``.
        model_id: whose rows; None for every model's.
        setting: values of ``schema.SETTING_FIELDS``; None for every setting's.
        conditions: further conditions on rows.
    """

    table: str
    model_id: str | None = None
    setting: tuple | None = None
    conditions: tuple[Condition, ...] = ()

    def count(self, suite: Suite) -> int:
        """The number of selected rows.

        Raises:
            ArtifactError: a file is damaged.
        """
        sql, params = self._sql("count(*) AS rows")
        return int(suite.fresh(sql, params)["rows"][0])  # not cached: visitors may ask anything

    def page(self, suite: Suite, number: int) -> pa.Table:
        """Page ``number`` of the rows, from 1, in the order of the files.

        Raises:
            ArtifactError: a file is damaged.
        """
        sql, params = self._sql("*")
        offset = (number - 1) * PAGE_ROWS
        return suite.arrow(f"{sql} LIMIT ? OFFSET ?", [*params, PAGE_ROWS, offset])

    def rows(self, suite: Suite) -> pa.Table:
        """All selected rows, up to ``MOST_DOWNLOADED``.

        Raises:
            ArtifactError: a file is damaged.
        """
        sql, params = self._sql("*")
        return suite.arrow(f"{sql} LIMIT ?", [*params, MOST_DOWNLOADED])

    def csv(self, suite: Suite) -> bytes:
        """All selected rows as CSV with a header; missing values are empty."""
        sink = io.BytesIO()
        pyarrow.csv.write_csv(self.rows(suite), sink)
        return sink.getvalue()

    def parquet(self, suite: Suite) -> bytes:
        """All selected rows as Parquet, with the meaning of every column."""
        found = self.rows(suite)
        known = schema.TABLES[self.table]
        fields = [
            field.with_metadata(known.field(field.name).metadata)
            if field.name in known.names
            # a minor version of the schema that is newer than this code
            else field
            for field in found.schema
        ]
        sink = io.BytesIO()
        pq.write_table(found.cast(pa.schema(fields)), sink, compression="zstd")
        return sink.getvalue()

    def _sql(self, columns: str) -> tuple[str, list]:
        conditions, params = [], []
        if self.model_id is not None:
            conditions.append("model_id = ?")
            params.append(self.model_id)
        if self.setting is not None:
            conditions += [f"{name} IS NOT DISTINCT FROM ?" for name in _SETTING]
            params += self.setting
        conditions += [condition.sql for condition in self.conditions]
        params += [condition.value for condition in self.conditions]
        where = f" WHERE {' AND '.join(conditions)}" if conditions else ""
        return f"SELECT {columns} FROM {self.table}{where}", params


def pages(rows: int) -> int:
    """The number of pages for so many rows; at least one."""
    return max(1, -(-rows // PAGE_ROWS))


def models_in(suite: Suite, table: str) -> list[str]:
    """Models with rows in a table.

    Raises:
        ArtifactError: a file is damaged.
    """
    return list(suite.query(f"SELECT DISTINCT model_id FROM {table} ORDER BY 1")["model_id"])


def settings_in(suite: Suite, table: str) -> dict[str, tuple]:
    """Settings with rows in a table, by name; none if it has no such columns.

    Raises:
        ArtifactError: a file is damaged.
    """
    if not set(_SETTING) <= set(schema.TABLES[table].names):
        return {}
    names = ", ".join(_SETTING)
    rows = suite.query(f"SELECT DISTINCT {names} FROM {table} ORDER BY {names}")
    found = {}
    for row in rows.to_dict("records"):
        if not isinstance(row["quantizer"], str):
            found[NO_SETTING] = (None,) * len(_SETTING)
            continue
        setting = setting_of(row)
        found[setting.label] = tuple(getattr(setting, name) for name in _SETTING)
    return found
