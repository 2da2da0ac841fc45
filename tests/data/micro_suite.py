"""The published suite ``tests/data/micro``, which tests read instead of training models first.

``make testdata`` measures it again with the batch stage and publishes it.
"""

import shutil
import tempfile
import zipfile
from pathlib import Path

import pyarrow as pa
import pyarrow.parquet as pq

import schema
from tests.data.manifests import write_manifest

FOLDER = Path(__file__).resolve().parent

#: Python sources from the standard library of Python 3.11.7: another version has others.
TEXT = FOLDER / "text.zip"

PUBLISHED = FOLDER / "micro"


def unpack_text(folder: Path) -> None:
    """Write the text that the models are trained on into ``folder``."""
    with zipfile.ZipFile(TEXT) as archive:
        archive.extractall(folder)


def unpack_suite(published: Path, data: Path) -> Path:
    """Write the suite as it was before ``compute publish``: one file for each unit and table.

    Values and provenance are the measured ones; only the encoding of the Parquet files differs.

    Args:
        published: folder of a published suite.
        data: folder that gets the suite under the same name.

    Returns:
        The folder of the suite.
    """
    packed: dict[tuple[str, str], pa.Table] = {}
    target = data / published.name
    for origin in pq.read_table(published / "provenance").to_pylist():
        place = (origin["table_name"], origin["model_id"])
        if place not in packed:
            packed[place] = pq.read_table(published / place[0] / f"{place[1]}.parquet")
        rows = packed[place].slice(origin["first_row"], origin["rows"])
        keys = {key: origin[key.partition(".")[2]] for key in schema.PROVENANCE_KEYS}
        file = target / place[0] / f"{origin['label']}--{origin['unit_key']}.parquet"
        file.parent.mkdir(parents=True, exist_ok=True)
        metadata = {key: value for key, value in keys.items() if value is not None}
        pq.write_table(rows.replace_schema_metadata(metadata), file)
    write_manifest(target)
    return target


def regenerate() -> None:
    """Train and measure the micro ladder, and put the published suite in place of ``PUBLISHED``."""
    from compute.commands.publish.publish import publish_suite
    from tests.conftest import MICRO_LADDER, compute_command, run_compute

    with tempfile.TemporaryDirectory() as folder:
        base = Path(folder)
        unpack_text(base / "text")
        ladder = base / "micro.toml"
        ladder.write_text(MICRO_LADDER)
        result = run_compute(compute_command(base, ladder, base / "text"))
        if result.returncode:
            raise SystemExit(result.stdout + result.stderr)
        shutil.rmtree(PUBLISHED, ignore_errors=True)
        publish_suite(base / "data", "micro", FOLDER)


if __name__ == "__main__":
    regenerate()
