"""Publish a measured suite: the same rows in one small read-only file per table and model.

Rows are in the order of the names of the files that units wrote, and inside each in its order.
So every unit's rows are together, and the table ``provenance`` lists their place and their origin.
"""

from collections import defaultdict
from pathlib import Path

import pyarrow as pa
from rich.table import Table

import schema
from compute.base.errors import InputError
from compute.base.folders import whole_folder
from compute.base.terminal import console
from compute.commands.publish.packed_file import write_packed
from compute.work.store import SuiteStore
from compute.work.unit_files import UnitFile, unit_files

#: Files by table and model.
Packs = dict[tuple[str, str], list[UnitFile]]


def publish_suite(data: Path, suite: str, to: Path, *, with_failures: bool = False) -> None:
    """Write ``to/suite``, a copy of the measured suite ``data/suite``, completely or not at all.

    Values are identical bit by bit, and the files are the same whenever the same suite is
    published.  An older copy of the suite is replaced.

    Args:
        with_failures: publish although units failed, which ``units`` then records.

    Raises:
        InputError: one sentence on why nothing can be published, or not to this folder.
    """
    source, target = SuiteStore(data, suite), SuiteStore(to, suite)
    _check_source(source)
    _check_target(target, source)
    with source.locked(), console.status(f"Packing {source.folder}"):
        files = unit_files(source.folder)
        records = {file.unit_key: row for file in files for row in _records(file)}
        failed = [row for row in records.values() if row["status"] == "failed"]
        if failed and not with_failures:
            raise InputError(
                f"{len(failed)} unit(s) of {source.folder} failed, such as {failed[0]['stage']} of "
                f"{failed[0]['model_id']} ({failed[0]['error']}); run them again with "
                "RETRY_FAILED=1 (--retry-failed), or publish with --with-failures."
            )
        packs: Packs = defaultdict(list)
        for file in files:
            packs[file.table, _model_of(file, records)].append(file)
        with whole_folder(target.folder) as ready:
            _write(packs, ready)
            SuiteStore(ready.parent, ready.name).write_manifest()
    _show_summary(files, target, len(failed))


def _check_source(source: SuiteStore) -> None:
    folder, name = source.folder, source.suite
    if not name or Path(name).name != name or not folder.is_dir():
        raise InputError(f"There is no suite {name!r} in {source.data_dir}.")
    if source.is_published:
        raise InputError(f"{folder} is a published copy already; copy the folder as it is.")
    if not any(any(folder.glob(f"{name}/*.parquet")) for name in ("models", "learning_rates")):
        raise InputError(f"The suite {folder} has no measured model; measure one first.")


def _check_target(target: SuiteStore, source: SuiteStore) -> None:
    there, here = target.folder.resolve(), source.folder.resolve()
    if there == here or there in here.parents or here in there.parents:
        raise InputError(
            f"The copy {target.folder} would overlap the suite {source.folder}; give --to another "
            "folder."
        )
    if target.folder.exists() and not target.is_published:
        what = "is not a published copy"
    elif target.fingerprint() not in (None, source.fingerprint()):
        what = "is a copy of another suite"
    else:
        return
    raise InputError(f"{target.folder} {what}; remove it, or give --to another folder.")


def _records(file: UnitFile) -> list[dict]:
    """Rows of ``units`` in a file of that table."""
    return file.read().to_pylist() if file.table == "units" else []


def _model_of(file: UnitFile, records: dict[str, dict]) -> str:
    if file.unit_key not in records:
        raise InputError(
            f"The file {file.path} is of a unit that did not finish; run the command that "
            "measured the suite again, or remove the file."
        )
    return records[file.unit_key]["model_id"]


def _write(packs: Packs, folder: Path) -> None:
    """Every table of the copy, ``provenance`` last."""
    origins: dict[str, list[dict]] = defaultdict(list)
    for (table, model_id), files in packs.items():
        rows = pa.concat_tables([file.rows_of(model_id) for file in files])
        write_packed(rows, table, folder / table / f"{model_id}.parquet", files)
        origins[model_id] += _origins(table, model_id, files)
    for model_id, rows in origins.items():
        files = [file for (_, model), pack in packs.items() if model == model_id for file in pack]
        table = pa.Table.from_pylist(rows, schema.TABLES["provenance"])
        write_packed(table, "provenance", folder / "provenance" / f"{model_id}.parquet", files)


def _origins(table: str, model_id: str, files: list[UnitFile]) -> list[dict]:
    """Rows of ``provenance`` for the files that were packed into one."""
    rows, first = [], 0
    for file in files:
        place = {"table_name": table, "model_id": model_id, "label": file.label}
        extent = {"first_row": first, "rows": file.rows}
        keys = {key.partition(".")[2]: file.metadata.get(key) for key in schema.PROVENANCE_KEYS}
        rows.append(place | extent | keys)
        first += file.rows
    return rows


def _show_summary(files: list[UnitFile], target: SuiteStore, failed: int) -> None:
    """Rows, files and bytes of every table, before and after."""
    table = Table(title=f"{target.folder}", title_justify="left", box=None, pad_edge=False)
    table.add_column("table")
    for column in ("rows", "files before", "kB before", "files", "kB"):
        table.add_column(column, justify="right")
    for names in (*([name] for name in schema.TABLES), schema.TABLES):
        before = [file for file in files if file.table in names]
        old = [file.path for file in before]
        new = [path for name in names for path in target.folder.glob(f"{name}/*.parquet")]
        sizes = [sum(path.stat().st_size for path in paths) / 1000 for paths in (old, new)]
        table.add_row(
            "all" if names is schema.TABLES else names[0],
            f"{sum(file.rows for file in before):,}",
            f"{len(old)}",
            f"{sizes[0]:,.0f}",
            f"{len(new)}",
            f"{sizes[1]:,.0f}",
        )
    console.print(table)
    console.print(
        f"{failed} unit(s) failed; {target.folder}/units says why." if failed else "No unit failed."
    )
