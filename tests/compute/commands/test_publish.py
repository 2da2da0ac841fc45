"""A published copy: the same rows in fewer bytes, and nothing lost of where they come from."""

import json
import shutil
import sys
from pathlib import Path

import duckdb
import numpy as np
import pandas as pd
import pyarrow as pa
import pyarrow.parquet as pq
import pytest

import schema
from compute.base.errors import InputError
from compute.commands import cli
from compute.commands.publish.publish import publish_suite
from compute.work.store import SuiteStore
from dashboard.artifacts.suite import Suite
from tests.conftest import LADDER_TABLES
from tests.dashboard.artifacts.test_published_copy import assert_same_answers
from tests.dashboard.helpers.sampled_suite import make_sampled_suite


def bits(column: pa.ChunkedArray) -> pa.ChunkedArray | list:
    """Values of a column, in which 0 and -0, and all kinds of NaN, differ."""
    if not pa.types.is_floating(column.type):
        return column
    return [column.is_null(), column.fill_null(0.0).to_numpy().view(np.int64).tobytes()]


def assert_same_bits(left: pa.Table, right: pa.Table) -> None:
    assert left.column_names == right.column_names
    for name in left.column_names:
        assert left.schema.field(name).type == right.schema.field(name).type
        assert bits(left[name]) == bits(right[name]), name


def metadata_of(path: Path) -> dict[str, str]:
    found = {key.decode(): value.decode() for key, value in pq.read_metadata(path).metadata.items()}
    return {key: value for key, value in found.items() if key in schema.PROVENANCE_KEYS}


def assert_traced_back(source: Path, copy: Path) -> int:
    """Every file of the measured suite is in the copy, row by row and key by key."""
    origins = pq.read_table(copy / "provenance").to_pylist()
    seen, held = set(), {}
    for row in origins:
        file = source / row["table_name"] / f"{row['label']}--{row['unit_key']}.parquet"
        place = (row["table_name"], row["model_id"])
        if place not in held:
            held[place] = pq.read_table(copy / place[0] / f"{place[1]}.parquet")
        assert_same_bits(held[place].slice(row["first_row"], row["rows"]), pq.read_table(file))
        of_file = {key.partition(".")[2]: value for key, value in metadata_of(file).items()}
        assert len(of_file) == len(schema.PROVENANCE_KEYS)
        assert {key: row[key] for key in of_file} == of_file
        seen.add(file)
    assert seen == set(source.glob("*/*.parquet"))
    assert sum(row["rows"] for row in origins) == sum(rows.num_rows for rows in held.values())
    return len(seen)


def contents(folder: Path) -> dict[str, bytes]:
    files = (file for file in sorted(folder.rglob("*")) if file.is_file())
    return {file.relative_to(folder).as_posix(): file.read_bytes() for file in files}


@pytest.fixture
def copy(published_run) -> Path:
    return published_run


@pytest.fixture
def measured(micro_run, tmp_path) -> Path:
    """A copy of the micro artifacts that a test may change: the folder of the suite."""
    shutil.copytree(micro_run / "data", tmp_path / "data")
    return tmp_path / "data/micro"


@pytest.fixture
def command(monkeypatch, capsys):
    """Run a command in this process: exit status, output, errors."""

    def run(*words: str | Path) -> tuple[int, str, str]:
        monkeypatch.setattr(sys, "argv", ["compute", *map(str, words)])
        with pytest.raises(SystemExit) as ended:
            cli.main()
        return ended.value.code or 0, *capsys.readouterr()

    return run


def test_every_row_and_what_produced_it_can_be_traced_back(copy, micro_run):
    assert assert_traced_back(micro_run / "data/micro", copy) > 100


def test_there_is_one_file_per_table_and_model(copy, micro_run):
    models = {"ladder-5k", "ladder-6k", "ladder-12k"}
    for table in (*LADDER_TABLES, "provenance"):
        assert {path.stem for path in (copy / table).iterdir()} == models, table
    size = {
        folder: sum(file.stat().st_size for file in folder.glob("*/*.parquet"))
        for folder in (copy, micro_run / "data/micro")
    }
    assert size[copy] < size[micro_run / "data/micro"] / 3


def test_other_readers_find_the_same_rows(copy, micro_run):
    for table in LADDER_TABLES:
        folders = (micro_run / "data/micro" / table, copy / table)
        order = pd.read_parquet(folders[0]).columns.to_list()
        frames = [pd.read_parquet(folder).sort_values(order) for folder in folders]
        pd.testing.assert_frame_equal(*(f.reset_index(drop=True) for f in frames), check_exact=True)
        ours, theirs = (
            duckdb.sql(f"FROM read_parquet('{folder}/*.parquet') ORDER BY ALL").to_arrow_table()
            for folder in folders
        )
        assert_same_bits(ours, theirs)


@pytest.mark.parametrize(
    ("table", "differ"),
    [
        ("models", set()),
        ("quantized", {"unit_key"}),
        ("units", {"unit_key", "seeds", "model_revision"}),
    ],
)
def test_metadata_stays_where_the_units_agree(copy, micro_run, table, differ):
    """One unit registers a model, many measure it, and those of every stage leave records."""
    packed = metadata_of(copy / table / "ladder-5k.parquet")
    assert packed.keys() == set(schema.PROVENANCE_KEYS)
    of_a_unit = metadata_of(first(micro_run / "data/micro" / table, "*ladder-5k--*"))
    for key, value in packed.items():
        several = key.removeprefix("boundscape.") in differ
        assert value == (schema.SEVERAL if several else of_a_unit[key]), key


def test_a_suite_measured_by_two_revisions_keeps_both(measured, tmp_path):
    change(first(measured, "quantized/ladder-5k--rtn-b4--*"), code_revision="another")
    publish_suite(measured.parent, "micro", tmp_path / "to")
    copy = tmp_path / "to/micro"
    assert_traced_back(measured, copy)
    packed = metadata_of(copy / "quantized/ladder-5k.parquet")
    assert packed["boundscape.code_revision"] == schema.SEVERAL
    whole = metadata_of(copy / "quantized/ladder-12k.parquet")
    assert whole["boundscape.code_revision"] != schema.SEVERAL


def test_the_manifest_lists_the_files_and_says_that_it_is_published(copy, micro_run):
    manifest = json.loads((copy / "manifest.json").read_text())
    measured = json.loads((micro_run / "data/micro/manifest.json").read_text())
    assert manifest.keys() - measured.keys() == {"published"}
    assert manifest["published"] is True
    assert manifest["suite_fingerprint"] == measured["suite_fingerprint"]
    assert manifest["files"].keys() == contents(copy).keys() - {"manifest.json"}


def test_published_twice_it_has_the_same_bytes_and_a_failure_leaves_it_alone(measured, tmp_path):
    publish_suite(measured.parent, "micro", tmp_path / "to")
    before = contents(tmp_path / "to")
    publish_suite(measured.parent, "micro", tmp_path / "to")
    assert contents(tmp_path / "to") == before
    spoil_the_rows(measured)
    with pytest.raises(InputError, match="is damaged"):
        publish_suite(measured.parent, "micro", tmp_path / "to")
    assert contents(tmp_path / "to") == before


def test_losses_of_sampled_windows_are_packed_alike(measured, tmp_path):
    sampled = make_sampled_suite(measured, tmp_path)
    publish_suite(tmp_path, "sampled", tmp_path / "to")
    assert_traced_back(sampled, tmp_path / "to/sampled")
    assert pq.read_table(tmp_path / "to/sampled/token_losses").num_rows > 10_000
    assert_same_answers(Suite(tmp_path, "sampled"), Suite(tmp_path / "to", "sampled"))


def change(file: Path, **values: str) -> None:
    """Other provenance in a file."""
    rows = pq.read_table(file)
    changed = {f"boundscape.{key}".encode(): value.encode() for key, value in values.items()}
    pq.write_table(rows.replace_schema_metadata(rows.schema.metadata | changed), file)


def first(folder: Path, pattern: str) -> Path:
    return min(folder.glob(pattern))


def fail_a_unit(folder: Path) -> None:
    file = first(folder, "units/measure--ladder-5k--rtn-b4--*")
    rows = pq.read_table(file)
    for name, value in (("status", "failed"), ("error", "OutOfMemoryError: no room")):
        rows = rows.set_column(
            rows.schema.get_field_index(name), rows.schema.field(name), [[value]]
        )
    pq.write_table(rows, file)


def remove_models(folder: Path) -> None:
    shutil.rmtree(folder / "models")


def copy_in(folder: Path) -> None:
    change(first(folder, "layers/*.parquet"), suite_fingerprint="0123456789ab")


def age(folder: Path) -> None:
    change(first(folder, "layers/*.parquet"), schema_version="2.0")


def cut_in_half(folder: Path) -> None:
    file = first(folder, "curvature/*.parquet")
    file.write_bytes(file.read_bytes()[: file.stat().st_size // 2])


def spoil_the_rows(folder: Path) -> None:
    """The end of the file, which says what it holds, is sound."""
    file = first(folder, "loss_histograms/*.parquet")
    content = bytearray(file.read_bytes())
    content[4:400] = bytes(396)
    file.write_bytes(content)


def drop_a_column(folder: Path) -> None:
    file = first(folder, "quantized/*.parquet")
    rows = pq.read_table(file)
    pq.write_table(rows.drop_columns(["stored_bits"]), file)


def forget_a_record(folder: Path) -> None:
    first(folder, "units/measure--ladder-5k--rtn-b4--*").unlink()


def mix_models(folder: Path) -> None:
    file = first(folder, "quantized/ladder-5k--rtn-b4--*")
    other = pq.read_table(first(folder, "quantized/ladder-6k--rtn-b4--*"))
    pq.write_table(other.replace_schema_metadata(pq.read_schema(file).metadata), file)


@pytest.mark.parametrize(
    ("spoil", "sentence"),
    [
        (shutil.rmtree, "There is no suite 'micro' in "),
        (remove_models, "has no measured model"),
        (fail_a_unit, r"1 unit\(s\) of .* failed, such as measure of ladder-5k \(OutOfMemoryError"),
        (copy_in, "are of different suites; remove what was copied in"),
        (age, "has schema version 2.0 and this code reads 1.x"),
        (cut_in_half, "is damaged; the command that measured the suite measures it again"),
        (spoil_the_rows, "is damaged; the command that measured the suite measures it again"),
        (drop_a_column, "quantized: columns missing or unknown: stored_bits"),
        (forget_a_record, "is of a unit that did not finish"),
        (mix_models, "holds rows of ladder-6k and its unit worked on ladder-5k"),
    ],
)
def test_what_cannot_be_published_is_one_sentence(measured, tmp_path, command, spoil, sentence):
    spoil(measured)
    words = ("publish", "micro", "--data", measured.parent, "--to", tmp_path / "to")
    status, _, error = command(*words)
    assert status == 2
    assert len(error.strip().splitlines()) == 1
    with pytest.raises(InputError, match=sentence):
        publish_suite(measured.parent, "micro", tmp_path / "to")
    assert not contents(tmp_path / "to")
    assert not list((tmp_path / "to").glob("*"))


def test_a_copy_goes_nowhere_it_could_do_harm(measured, copy, tmp_path):
    data, before = measured.parent, contents(tmp_path)
    publish = publish_suite
    for to in (data, measured, measured / "deep/inside"):
        with pytest.raises(InputError, match="would overlap the suite"):
            publish(data, "micro", to)
    with pytest.raises(InputError, match=f"{copy} is a published copy already"):
        publish(copy.parent, "micro", tmp_path / "to")
    with pytest.raises(InputError, match="There is no suite 'data/micro' in"):
        publish(tmp_path, "data/micro", tmp_path / "to")
    shutil.copytree(measured, tmp_path / "measured/micro")
    with pytest.raises(InputError, match="is not a published copy; remove it"):
        publish(data, "micro", tmp_path / "measured")
    shutil.copytree(copy, tmp_path / "other/micro")
    for file in (tmp_path / "other").glob("*/*/*.parquet"):
        change(file, suite_fingerprint="0123456789ab")
    with pytest.raises(InputError, match="is a copy of another suite; remove it"):
        publish(data, "micro", tmp_path / "other")
    with (
        SuiteStore(data, "micro").locked(),
        pytest.raises(InputError, match="Another run is writing the suite 'micro'"),
    ):
        publish(data, "micro", tmp_path / "to")
    after = contents(tmp_path)
    assert {name: after[name] for name in before} == before
    assert not (tmp_path / "to").exists()


def test_failures_are_published_only_on_request(measured, tmp_path, command):
    fail_a_unit(measured)
    words = ("publish", "micro", "--data", measured.parent, "--to", tmp_path / "to")
    status, output, _ = command(*words, "--with-failures")
    assert status == 0
    assert "1 unit(s) failed" in output
    assert_traced_back(measured, tmp_path / "to/micro")
    records = pq.read_table(tmp_path / "to/micro/units").to_pylist()
    assert [row["error"] for row in records if row["status"] == "failed"] == [
        "OutOfMemoryError: no room"
    ]


def test_it_says_what_it_did(measured, tmp_path, command):
    words = ("publish", "micro", "--data", measured.parent, "--to", tmp_path / "to")
    status, output, _ = command(*words)
    assert status == 0
    assert "No unit failed." in output
    lines = {line.split()[0]: line.split()[1:] for line in output.splitlines() if line.strip()}
    cells = pq.read_table(measured / "loss_histograms").num_rows
    assert lines["loss_histograms"][:2] == [f"{cells:,}", "27"]
    assert lines["units"][:2] == ["76", "76"]
    assert lines["units"][3] == "3"


@pytest.fixture
def on_copy(copy, micro_run, micro_ladder, text_folder) -> tuple:
    """Options of a command on the published copy."""
    preset = ("--preset", "micro", "--ladder", micro_ladder, "--corpus", text_folder)
    return (*preset, "--data", copy.parent, "--cache", micro_run / "cache", "--device", "cpu")


def test_nothing_is_measured_into_a_copy(copy, on_copy, command):
    before = contents(copy)
    for name in ("run", "plan"):
        status, _, error = command(name, *on_copy)
        assert status == 2
        assert f"{copy} is a published copy, and nothing can be added to it" in error
        assert "SUITE=name" in error
        assert len(error.strip().splitlines()) == 1
    assert contents(copy) == before


def test_status_and_export_read_it(copy, on_copy, command, tmp_path, measured):
    status, output, _ = command("status", *on_copy)
    assert status == 0
    assert f"{copy} (a published copy): 76 of 76 units done, 0 failed, 0 missing" in output
    to = tmp_path / "exported"
    status, output, _ = command("export", "ladder-5k", "gptq-b4", *on_copy, "--to", to)
    assert status == 0
    rows = duckdb.sql(
        f"SELECT entropy_coded_bits FROM '{copy}/quantized/ladder-5k.parquet' "
        "WHERE quantizer = 'gptq' AND bits = 4"
    ).fetchall()
    assert rows == [(8 * (to / "weights.boundscape").stat().st_size,)]
    fail_a_unit(measured)
    publish_suite(measured.parent, "micro", tmp_path / "to", with_failures=True)
    status, output, _ = command("status", *on_copy, "--data", tmp_path / "to")
    assert "75 of 76 units done, 1 failed, 0 missing" in output
    assert "measure ladder-5k--rtn-b4: OutOfMemoryError: no room" in output
