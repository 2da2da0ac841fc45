"""The artifacts as the pages see them: one suite's tables, opened read-only with DuckDB."""

import hashlib
import json
from dataclasses import dataclass
from pathlib import Path

import duckdb
import pandas as pd
import pyarrow as pa
import pyarrow.parquet as pq

import schema


class ArtifactError(Exception):
    """Artifacts that cannot be used: one clear sentence for the reader of the app."""


@dataclass(frozen=True)
class Setting:
    """One way the models of a suite were quantized, as a reader chooses it."""

    quantizer: str
    bits: int

    @property
    def label(self) -> str:
        """For example ``4 bits``, with the float format where nothing is put on a grid."""
        formats = {"none": " (float32)", "cast": " (bfloat16)"}
        return f"{self.bits} bits{formats.get(self.quantizer, '')}"


def list_suites(data_dir: Path) -> list[str]:
    """Suites that hold at least one registered model, the shipped ladder first."""
    found = sorted({path.parent.parent.name for path in data_dir.glob("*/models/*.parquet")})
    return sorted(found, key=lambda name: (name != "ladder", name))


def suite_version(data_dir: Path, suite: str) -> str:
    """Short digest of the names, sizes and times of a suite's files: changes when they do."""
    files = sorted((data_dir / suite).glob("*/*.parquet"))
    state = [(path.name, path.stat().st_size, path.stat().st_mtime_ns) for path in files]
    return hashlib.sha256(repr(state).encode()).hexdigest()[:12]


class Suite:
    """Read-only view of one suite.

    Queries run on a cursor each: a DuckDB connection shared between threads mixes up rows.
    """

    def __init__(self, data_dir: Path, name: str) -> None:
        """Open and check every file.

        Raises:
            ArtifactError: a file is damaged, foreign, or of another schema version.
        """
        self.name = name
        self._connection = duckdb.connect(":memory:")
        self._provenance: dict[str, str] = {}
        for table in schema.TABLES:
            files = sorted((data_dir / name / table).glob("*.parquet"))
            for file in files:
                self._check(file, table, data_dir)
            self._create_view(table, files)
        if not self._count("models") or not self._count("loss_histograms"):
            raise ArtifactError(
                f"The suite “{name}” holds no measured model yet; run `make compute` and reload."
            )

    def _check(self, file: Path, table: str, data_dir: Path) -> None:
        shown = file.relative_to(data_dir).as_posix()
        try:
            arrow_schema = pq.read_schema(file)
        except (pa.ArrowException, OSError):
            raise ArtifactError(
                f"The file {shown} is damaged or is no Parquet file; delete it and run "
                "`make compute` to measure it again."
            ) from None
        metadata = {k.decode(): v.decode() for k, v in (arrow_schema.metadata or {}).items()}
        complaint = schema.version_complaint(metadata.get("boundscape.schema_version"))
        if complaint:
            raise ArtifactError(f"The file {shown} cannot be read: {complaint}.")
        missing = set(schema.TABLES[table].names) - set(arrow_schema.names)
        if missing:
            raise ArtifactError(
                f"The file {shown} lacks the column(s) {', '.join(sorted(missing))}; delete it "
                "and run `make compute` to measure it again."
            )
        if table == "models":
            self._provenance = {k: v for k, v in metadata.items() if k in schema.PROVENANCE_KEYS}

    def _create_view(self, table: str, files: list[Path]) -> None:
        if files:
            quoted = ", ".join("'" + str(file).replace("'", "''") + "'" for file in files)
            source = f"SELECT * FROM read_parquet([{quoted}], union_by_name = true)"
            self._connection.execute(f"CREATE VIEW {table} AS {source}")
        else:
            self._connection.register(f"{table}_empty", schema.TABLES[table].empty_table())
            self._connection.execute(f"CREATE VIEW {table} AS SELECT * FROM {table}_empty")

    def query(self, sql: str, params: list | None = None) -> pd.DataFrame:
        """Rows of one statement over the views named in ``schema.TABLES``.

        Raises:
            ArtifactError: a file turned out to be damaged, or went away, while it was read.
        """
        try:
            cursor = self._connection.cursor()
            return cursor.sql(sql, params=params or []).to_arrow_table().to_pandas()
        except duckdb.Error:
            raise ArtifactError(
                f"A file of the suite “{self.name}” is damaged or was replaced while it was read; "
                "reload the page, and if that does not help, run `make compute` again."
            ) from None

    def _count(self, table: str) -> int:
        return int(self.query(f"SELECT count(*) AS n FROM {table}")["n"][0])

    def models(self) -> pd.DataFrame:
        """Fully trained models with a float32 and at least one other measurement, by size."""
        return self.query(
            """
            SELECT m.* FROM models m
            WHERE m.train_fraction = 1.0
              AND EXISTS (FROM quantized q WHERE q.model_id = m.model_id AND q.quantizer = 'none')
            ORDER BY m.params_total, m.model_id
            """
        )

    def settings(self) -> list[Setting]:
        """Every setting that all of ``models`` were measured at, fewest bits first."""
        rows = self.query(
            """
            SELECT quantizer, bits FROM quantized
            WHERE quantizer IN ('none', 'cast', 'rtn') AND group_size IS NULL
            GROUP BY quantizer, bits ORDER BY bits
            """
        )
        return [Setting(row.quantizer, int(row.bits)) for row in rows.itertuples()]

    def quantized(self, setting: Setting) -> pd.DataFrame:
        """Rows of `quantized` at one setting."""
        return self.query(
            "SELECT * FROM quantized WHERE quantizer = ? AND bits = ? AND group_size IS NULL",
            [setting.quantizer, setting.bits],
        )

    def histograms(self, setting: Setting) -> pd.DataFrame:
        """Training histograms of all models at one setting, cells in a fixed order."""
        return self.query(
            """
            SELECT model_id, loss_nats, entropy_nats, tokens FROM loss_histograms
            WHERE quantizer = ? AND bits = ? AND group_size IS NULL AND split = 'train'
            ORDER BY model_id, entropy_nats, loss_nats
            """,
            [setting.quantizer, setting.bits],
        )

    def provenance(self) -> dict:
        """Code revision, device, seeds and library versions of the newest registered model."""
        values = {key.partition(".")[2]: value for key, value in self._provenance.items()}
        for key in ("seeds", "library_versions"):
            values[key] = json.loads(values.get(key) or "{}")
        return values
