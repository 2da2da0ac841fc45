"""The files of a measured suite: the unit that wrote each, and its content."""

from dataclasses import dataclass
from pathlib import Path

import pyarrow as pa
import pyarrow.parquet as pq

import schema
from compute.base.errors import InputError
from compute.work.store import conform


@dataclass(frozen=True)
class UnitFile:
    """A file that a unit wrote.

    Attributes:
        path: of the file.
        table: of its rows.
        rows: number of rows.
        metadata: its provenance; keys are ``schema.PROVENANCE_KEYS``.
    """

    path: Path
    table: str
    rows: int
    metadata: dict[str, str]

    @property
    def unit_key(self) -> str:
        """Key of the unit that wrote the file."""
        return self.metadata.get("boundscape.unit_key", "")

    @property
    def label(self) -> str:
        """The file's name without the unit's key."""
        return self.path.stem.removesuffix(f"--{self.unit_key}")

    def read(self) -> pa.Table:
        """The file's rows with the columns of the schema, without metadata.

        Raises:
            InputError: the file is damaged, or contradicts the schema.
        """
        try:
            rows = pq.ParquetFile(self.path).read()
        except (OSError, pa.ArrowException):
            raise _damaged(self.path) from None
        try:
            return conform(rows, self.table).replace_schema_metadata(None)
        except (ValueError, pa.ArrowException) as error:
            raise InputError(f"The file {self.path} cannot be read: {error}.") from None

    def rows_of(self, model_id: str) -> pa.Table:
        """As ``read``, all of one model.

        Raises:
            InputError: also where a row is of another.
        """
        rows = self.read()
        others = set(rows.column("model_id").unique().to_pylist()) - {model_id}
        if others:
            raise InputError(
                f"The file {self.path} holds rows of {min(others)} and its unit worked on "
                f"{model_id}; remove it, and give the command that measured the suite again."
            )
        return rows


def unit_files(folder: Path) -> list[UnitFile]:
    """Every file of the suite in ``folder``: table after table, each in the order of the names.

    Raises:
        InputError: one is damaged or cannot be read by this code, or they are of several suites.
    """
    files = [
        _opened(path, table)
        for table in schema.MEASURED_TABLES
        for path in sorted(folder.glob(f"{table}/*.parquet"))
    ]
    by_suite = {file.metadata.get("boundscape.suite_fingerprint"): file.path for file in files}
    if len(by_suite) > 1:
        first, second, *_ = by_suite.values()
        raise InputError(
            f"The files {first} and {second} are of different suites; remove what was copied in."
        )
    return files


def _opened(path: Path, table: str) -> UnitFile:
    """What the end of a file tells."""
    try:
        found = pq.read_metadata(path)
    except (OSError, pa.ArrowException):
        raise _damaged(path) from None
    metadata = {key.decode(): value.decode() for key, value in (found.metadata or {}).items()}
    complaint = schema.version_complaint(metadata.get("boundscape.schema_version"))
    if complaint:
        raise InputError(f"The file {path} cannot be read: {complaint}.")
    kept = {key: metadata[key] for key in schema.PROVENANCE_KEYS if key in metadata}
    return UnitFile(path, table, found.num_rows, kept)


def _damaged(path: Path) -> InputError:
    return InputError(
        f"The file {path} is damaged; the command that measured the suite measures it again."
    )
