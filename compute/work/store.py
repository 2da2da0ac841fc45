"""The artifacts of one suite on disk: whole files or none, and what has been done so far."""

import fcntl
import hashlib
import json
from collections.abc import Iterable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path

import pyarrow as pa
import pyarrow.parquet as pq

import schema
from compute.base.errors import InputError
from compute.base.whole_file import WRITING, whole_file
from compute.work.unit import Unit

#: States of units by what their records say; those of the others are ``done``.
STATES = {"failed": "failed", "skipped": "missing"}


@dataclass(frozen=True)
class SuiteStore:
    """Files of one suite: ``data_dir/suite/TABLE/LABEL--KEY.parquet``.

    A published copy, which ``compute publish`` makes, has ``TABLE/MODEL.parquet`` instead: it can
    be asked what is done, and nothing is written to it.
    """

    data_dir: Path
    suite: str

    @property
    def folder(self) -> Path:
        """Folder of the suite."""
        return self.data_dir / self.suite

    def path(self, table: str, unit: Unit) -> Path:
        """File of ``unit`` in ``table``; units of every stage share the table ``units``."""
        label = _record_label(unit) if table == "units" else unit.label
        return self.folder / table / f"{label}--{unit.key}.parquet"

    @property
    def is_published(self) -> bool:
        """Whether this is a published copy."""
        return any(self.folder.glob("provenance/*.parquet"))

    def states(self, units: Iterable[Unit]) -> dict[str, tuple[str, str | None]]:
        """``state`` of each unit, by name; of a published copy what its table ``units`` says.

        Raises:
            InputError: a file of a published copy is damaged.
        """
        if not self.is_published:
            return {unit.name: self.state(unit) for unit in units}
        recorded = _published_states(self.folder)
        return {
            unit.name: recorded.get((_record_label(unit), unit.key), ("missing", None))
            for unit in units
        }

    def state(self, unit: Unit) -> tuple[str, str | None]:
        """(state, error): ``done``, ``failed`` with the recorded error, or ``missing``, with the
        reason if it was skipped.

        The record in ``units`` is written last, so a unit killed between two of its files
        counts as missing and is run again, to the same bytes.  So does one with a damaged file.
        """
        path = self.path("units", unit)
        try:
            record = pq.read_table(path, columns=["status", "error"]).to_pylist()[0]
        except (FileNotFoundError, pa.ArrowException, IndexError):
            return "missing", None
        if record["status"] in STATES:
            return STATES[record["status"]], record["error"]
        whole = all(row_count(self.path(table, unit)) is not None for table in unit.tables)
        return ("done" if whole else "missing"), None

    def was_tried(self, unit: Unit) -> bool:
        """Whether a unit of this label, under whatever key, has ended here: its record stays."""
        path = self.path("units", unit)
        stem = path.name.removesuffix(f"--{unit.key}.parquet")
        found = [
            pq.read_table(other, columns=["status"])["status"][0].as_py()
            for other in path.parent.glob(f"{stem}--*.parquet")
            if other.name.removesuffix(".parquet").rpartition("--")[0] == stem
        ]
        return any(status != "skipped" for status in found)

    def read(self, table: str, unit: Unit) -> pa.Table:
        """The rows that ``unit`` wrote to ``table``."""
        return pq.read_table(self.path(table, unit))

    def write(self, table: str, unit: Unit, rows: pa.Table, metadata: dict[str, str]) -> None:
        """Write the unit's file whole, then drop files that it supersedes.

        Raises:
            ValueError: a column is missing, has another type, or is null where it must not be.
        """
        path = self.path(table, unit)
        rows = conform(rows, table).replace_schema_metadata(metadata)
        with whole_file(path) as writing:
            pq.write_table(rows, writing, compression="zstd", version="2.6")
        stem = path.name.removesuffix(f"--{unit.key}.parquet")
        for other in path.parent.glob(f"{stem}--*.parquet"):
            # A longer label has more "--" parts; only another key of the same label goes.
            if other != path and other.name.removesuffix(".parquet").rpartition("--")[0] == stem:
                other.unlink()

    def fingerprint(self) -> str | None:
        """Fingerprint of the suite whose files lie here, or None if no file tells."""
        for path in sorted(self.folder.glob("models/*.parquet")) + sorted(
            self.folder.glob("*/*.parquet")
        ):
            if row_count(path) is not None:
                metadata = pq.read_metadata(path).metadata or {}
                found = metadata.get(b"boundscape.suite_fingerprint")
                if found:
                    return found.decode()
        return None

    def write_manifest(self) -> None:
        """List every artifact of the suite with size and SHA-256 in its ``manifest.json``."""
        files = {}
        for path in sorted(self.folder.glob("*/*.parquet")):
            content = path.read_bytes()
            files[path.relative_to(self.folder).as_posix()] = {
                "bytes": len(content),
                "sha256": hashlib.sha256(content).hexdigest(),
            }
        manifest = {
            "schema_version": schema.SCHEMA_VERSION,
            "suite_fingerprint": self.fingerprint(),
            **({"published": True} if self.is_published else {}),
            "files": files,
        }
        with whole_file(self.folder / schema.MANIFEST) as writing:
            writing.write_text(json.dumps(manifest, indent=1) + "\n")

    @contextmanager
    def locked(self) -> Iterator[None]:
        """Keep other runs out of this suite; removes what a killed run left half-written.

        Raises:
            InputError: another run is at work on the suite.
        """
        self.folder.mkdir(parents=True, exist_ok=True)
        with (self.folder / ".lock").open("w") as lock:
            try:
                fcntl.flock(lock, fcntl.LOCK_EX | fcntl.LOCK_NB)
            except BlockingIOError:
                raise InputError(
                    f"Another run is writing the suite {self.suite!r}; wait for it to end, "
                    "or name another suite."
                ) from None
            for leftover in self.folder.rglob(f"*{WRITING}"):
                leftover.unlink()
            yield


def row_count(path: Path) -> int | None:
    """Rows of a Parquet file, or None if it is missing or damaged."""
    try:
        return pq.read_metadata(path).num_rows
    except (OSError, pa.ArrowException):
        return None


def _record_label(unit: Unit) -> str:
    """Label of the unit's file in ``units``, which every stage writes to."""
    return f"{unit.stage}--{unit.label}"


def _published_states(folder: Path) -> dict[tuple[str, str], tuple[str, str | None]]:
    """By (label, key) of a unit's record: ``done``, or ``failed`` with the error."""
    found = {}
    for path in sorted(folder.glob("provenance/*.parquet")):
        try:
            origins = pq.read_table(path, filters=[("table_name", "=", "units")]).to_pylist()
            records = pq.read_table(folder / "units" / path.name, columns=["status", "error"])
        except (OSError, pa.ArrowException):
            raise InputError(
                f"The published copy {folder} is damaged at {path.name} of provenance or units; "
                "restore it, or publish the suite again."
            ) from None
        for origin in origins:
            record = records.slice(origin["first_row"], 1).to_pylist()[0]
            state = (STATES.get(record["status"], "done"), record["error"])
            found[origin["label"], origin["unit_key"]] = state
    return found


def conform(rows: pa.Table, table: str) -> pa.Table:
    """``rows`` with exactly the columns and types of the schema, or ValueError."""
    expected = schema.TABLES[table]
    if set(rows.column_names) != set(expected.names):
        odd = sorted(set(rows.column_names) ^ set(expected.names))
        raise ValueError(f"{table}: columns missing or unknown: {', '.join(odd)}")
    rows = rows.select(expected.names).cast(expected)
    for field in expected:
        if not field.nullable and rows.column(field.name).null_count:
            raise ValueError(f"{table}.{field.name} holds nulls")
    # Descriptions stay in the schema: in each of many small files they would outweigh the rows.
    return rows.cast(pa.schema([field.remove_metadata() for field in expected]))
