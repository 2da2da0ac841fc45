"""Rows of any table of the artifacts: which, how many, a page of them, and all as a file."""

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

#: Name of what units have that work on no single setting.
NO_SETTING = "no setting"


@dataclass(frozen=True)
class Selection:
    """Rows of one table.

    Attributes:
        table: a key of ``schema.TABLES``.
        model_id: whose rows; None for every model's.
        setting: values of ``schema.SETTING_FIELDS``; None for every setting's.
        conditions: that rows meet besides.
    """

    table: str
    model_id: str | None = None
    setting: tuple | None = None
    conditions: tuple[Condition, ...] = ()

    def count(self, suite: Suite) -> int:
        """How many there are.

        Raises:
            ArtifactError: a file is damaged.
        """
        sql, params = self._sql("count(*) AS rows")
        return int(suite.fresh(sql, params)["rows"][0])  # visitors may ask anything

    def page(self, suite: Suite, number: int) -> pa.Table:
        """Page ``number``, from 1, in the order of the files.

        Raises:
            ArtifactError: a file is damaged.
        """
        sql, params = self._sql("*")
        offset = (number - 1) * PAGE_ROWS
        return suite.arrow(f"{sql} LIMIT ? OFFSET ?", [*params, PAGE_ROWS, offset])

    def rows(self, suite: Suite) -> pa.Table:
        """All, up to ``MOST_DOWNLOADED``.

        Raises:
            ArtifactError: a file is damaged.
        """
        sql, params = self._sql("*")
        return suite.arrow(f"{sql} LIMIT ?", [*params, MOST_DOWNLOADED])

    def csv(self, suite: Suite) -> bytes:
        """All as CSV with a header; what is missing is empty."""
        sink = io.BytesIO()
        pyarrow.csv.write_csv(self.rows(suite), sink)
        return sink.getvalue()

    def parquet(self, suite: Suite) -> bytes:
        """All as Parquet, with the meaning of every column."""
        found = self.rows(suite)
        known = schema.TABLES[self.table]
        fields = [
            field.with_metadata(known.field(field.name).metadata)
            if field.name in known.names
            # of a minor version of the schema that is newer than this code
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
    """How many pages so many rows fill; one if there is none."""
    return max(1, -(-rows // PAGE_ROWS))


def models_in(suite: Suite, table: str) -> list[str]:
    """Models that a table has rows of.

    Raises:
        ArtifactError: a file is damaged.
    """
    return list(suite.query(f"SELECT DISTINCT model_id FROM {table} ORDER BY 1")["model_id"])


def settings_in(suite: Suite, table: str) -> dict[str, tuple]:
    """Settings that a table has rows of, by name; none where it has no such columns.

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
