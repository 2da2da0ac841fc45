"""The files of the artifacts: the suites that exist, and the checks of a file."""

import contextlib
import hashlib
from pathlib import Path

import pyarrow as pa
import pyarrow.parquet as pq

import schema
from dashboard.artifacts.errors import REPAIR, ArtifactError
from dashboard.artifacts.manifest import shipped_first


def list_suites(data_dir: Path) -> list[str]:
    """Suites with at least one registered model, the shipped ladder first."""
    found = {path.parent.parent.name for path in data_dir.glob("*/models/*.parquet")}
    return shipped_first(list(found))


def files_state(data_dir: Path, suite: str) -> str:
    """Short digest of the names, sizes and times of a suite's files: changes when they do."""
    folder, state = data_dir / suite, []
    for path in [*sorted(folder.glob("*/*.parquet")), folder / schema.MANIFEST]:
        with contextlib.suppress(FileNotFoundError):  # a run may be replacing it
            status = path.stat()
            state.append((path.name, status.st_size, status.st_mtime_ns))
    return hashlib.sha256(repr(state).encode()).hexdigest()[:12]


def checked_metadata(file: Path, table: str, data_dir: Path) -> dict[str, str]:
    """Metadata of a file whose rows can be read as ``table``.

    Raises:
        ArtifactError: it is damaged, foreign, of another schema version, or lacks a column.
    """
    shown = file.relative_to(data_dir).as_posix()
    try:
        arrow_schema = pq.read_schema(file)
    except (pa.ArrowException, OSError):
        raise ArtifactError(
            f"The file {shown} is damaged or is not a Parquet file; {REPAIR}."
        ) from None
    metadata = {k.decode(): v.decode() for k, v in (arrow_schema.metadata or {}).items()}
    complaint = schema.version_complaint(metadata.get("boundscape.schema_version"))
    if complaint:
        raise ArtifactError(f"The file {shown} cannot be read: {complaint}.")
    for field in schema.TABLES[table]:
        if field.name not in arrow_schema.names:
            raise ArtifactError(f"The file {shown} lacks the column {field.name}; {REPAIR}.")
        found = arrow_schema.field(field.name).type
        if found != field.type:
            raise ArtifactError(
                f"The column {field.name} of the file {shown} has type {found} instead of "
                f"{field.type}; {REPAIR}."
            )
    return metadata
