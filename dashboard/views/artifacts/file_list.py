"""The files of a suite: content, provenance, and comparison with the manifest."""

from pathlib import Path

import pandas as pd
import pyarrow as pa
import pyarrow.parquet as pq

import schema
from dashboard.artifacts.database import remembered
from dashboard.artifacts.errors import ArtifactError
from dashboard.artifacts.manifest import Manifest, read_manifest
from dashboard.artifacts.settings import setting_of
from dashboard.artifacts.suite import Suite
from dashboard.artifacts.version import digests

#: Largest file that can be downloaded.
MOST_HANDED_OUT = 64 * 2**20

_SETTING = tuple(field.name for field in schema.SETTING_FIELDS)

#: Model or setting of a file with several.
SEVERAL = "several"


@remembered
def manifest(suite: Suite) -> Manifest | None:
    """The manifest of a suite, None if there is none that can be read."""
    try:
        found = read_manifest((suite.folder / schema.MANIFEST).read_bytes())
    except (OSError, ArtifactError):
        return None
    return found if isinstance(found, Manifest) else None


@remembered
def files(suite: Suite) -> pd.DataFrame:
    """One row per existing file, in the order of tables and names; read once.

    Columns: file (its path in the suite), table, model_id and setting (or ``SEVERAL``, or None
    if it has none), rows, bytes, and one per key of ``schema.PROVENANCE_KEYS`` without prefix.

    Raises:
        ArtifactError: a file is damaged, or disappeared.
    """
    paths = [
        (table, path)
        for table in schema.TABLES
        for path in sorted((suite.folder / table).glob("*.parquet"))
    ]
    try:
        rows = [_row(suite, table, path) for table, path in paths]
    except (OSError, pa.ArrowException):
        raise suite.damaged() from None
    return pd.DataFrame(rows)


@remembered
def states(suite: Suite) -> pd.DataFrame:
    """``files`` and those listed only in the manifest, with columns sha256 (as listed) and state.

    State: ``as listed``, ``changed``, ``not listed``, ``missing``, or ``no manifest``.
    """
    found, listed = files(suite), manifest(suite)
    if listed is None:
        return found.assign(sha256=None, state="no manifest")
    sums, here = {file.path: file.sha256 for file in listed.files}, digests(suite.folder)
    found = found.assign(
        sha256=[sums.get(name) for name in found["file"]],
        state=[_state(here.get(name), sums.get(name)) for name in found["file"]],
    )
    gone = [name for name in sums if name not in set(found["file"])]
    missing = pd.DataFrame(
        {
            "file": gone,
            "table": [name.partition("/")[0] for name in gone],
            "sha256": [sums[name] for name in gone],
            "state": "missing",
        }
    )
    return pd.concat([found, missing], ignore_index=True) if gone else found


def chosen(suite: Suite, table: str | None, model_id: str | None) -> pd.DataFrame:
    """Rows of ``states`` of one table, and of those with rows of one model; None for all.

    Raises:
        ArtifactError: a file is damaged.
    """
    found = states(suite)
    if table is not None:
        found = found[found["table"] == table]
    if model_id is not None:
        found = found[found["model_id"].isin([model_id, SEVERAL])]
    return found


def content(suite: Suite, file: str) -> bytes:
    """The content of a file.

    Args:
        file: one of ``files``.

    Raises:
        ArtifactError: there is no file of this name, or it disappeared.
    """
    if file not in set(files(suite)["file"]):
        raise ArtifactError(f"There is no file “{file}” in the suite “{suite.name}”.")
    try:
        return (suite.folder / file).read_bytes()
    except OSError:
        raise suite.damaged() from None


def _row(suite: Suite, table: str, path: Path) -> dict:
    found = pq.read_metadata(path)
    metadata = {key.decode(): value.decode() for key, value in (found.metadata or {}).items()}
    values = _constants(found)
    setting = None
    if set(_SETTING) <= set(schema.TABLES[table].names):
        setting = _setting_name(values)
    return {
        "file": path.relative_to(suite.folder).as_posix(),
        "table": table,
        "model_id": values.get("model_id", SEVERAL),
        "setting": setting,
        "rows": found.num_rows,
        "bytes": path.stat().st_size,
        **{key.partition(".")[2]: metadata.get(key) for key in schema.PROVENANCE_KEYS},
    }


def _constants(metadata: pq.FileMetaData) -> dict[str, object]:
    """Model and setting of a file by its statistics: columns with one value in all rows."""
    wanted = {"model_id", *_SETTING}
    ends: dict[str, set] = {}
    for group in range(metadata.num_row_groups):
        rows = metadata.row_group(group)
        for place in range(rows.num_columns):
            column = rows.column(place)
            name = column.path_in_schema
            if name in wanted:
                ends.setdefault(name, set()).update(_ends(column.statistics, rows.num_rows))
    return {name: found.pop() for name, found in ends.items() if len(found) == 1}


def _ends(statistics: pq.Statistics | None, rows: int) -> tuple:
    """Smallest and largest value of a column, with None if any value is missing.

    If nothing is known, two values that differ.
    """
    if statistics is None or not statistics.has_null_count:
        return (SEVERAL, None)
    if statistics.null_count == rows:
        return (None,)
    if not statistics.has_min_max:
        return (SEVERAL, None)
    missing = (None,) if statistics.null_count else ()
    return (statistics.min, statistics.max, *missing)


def _setting_name(values: dict[str, object]) -> str | None:
    if not set(_SETTING) <= set(values):
        return SEVERAL
    if values["quantizer"] is None:
        return None
    return setting_of({name: values[name] for name in _SETTING}).label


def _state(here: str | None, listed: str | None) -> str:
    """The state of a file by the SHA-256 of its content and of its entry in the manifest."""
    if listed is None:
        return "not listed"
    if here is None:
        return "missing"
    return "as listed" if here == listed else "changed"
