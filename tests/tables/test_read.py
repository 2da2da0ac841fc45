"""Tables of every kind that people have: read with the right values, or refused in one sentence."""

import gzip
import io
import subprocess
import sys

import numpy as np
import pandas as pd
import pyarrow as pa
import pyarrow.parquet as pq
import pytest
import zstandard

from tables import Limits, Part, TableError, Wanted, numbers, parts_of_path, read_table
from tables.names import codes
from tests.conftest import ROOT

WANTED = Wanted((("N",), ("loss",)), labels=("window",))
RUNS = pd.DataFrame({"N": [70_000_000, 160_000_000, 2**53 + 2], "loss": [3.5, 2.75, 2.125]})
TINY = Limits(unpacked_bytes=600, rows=2, columns=2, json_marks=20, advice="give less")


def parquet(table, **how) -> bytes:
    file = io.BytesIO()
    table = table if isinstance(table, pa.Table) else pa.Table.from_pandas(table)
    pq.write_table(table, file, **how)
    return file.getvalue()


def csv(frame=RUNS, encoding="utf-8", **how) -> bytes:
    return frame.to_csv(index=False, **how).encode(encoding)


def lines(frame=RUNS) -> bytes:
    return frame.to_json(orient="records", lines=True).encode()


def read(content: bytes, limits=None, wanted=WANTED) -> pa.Table:
    return read_table([Part("x", pa.py_buffer(content))], wanted, limits)


def refusal(content: bytes, limits=None) -> str:
    with pytest.raises(TableError) as refused:
        numbers(read(content, limits), "loss")
    return refused.value.words("`{}`".format)


KINDS = {
    "parquet": parquet(RUNS),
    "csv": csv(),
    "semicolons": csv(sep=";"),
    "tabs": csv(sep="\t"),
    "quoted, carriage returns": csv(quoting=1, lineterminator="\r"),
    "mark": csv(encoding="utf-8-sig"),
    "utf-16": csv(encoding="utf-16"),
    "blank lines": b"\n" + csv() + b"\n\n",
    "not text elsewhere": csv(RUNS.assign(note="modèle"), "latin-1"),
    "json lines": lines(),
    "json": RUNS.to_json(orient="records", indent=1).encode(),
    "gzip in two pieces": gzip.compress(csv()[:9], mtime=0) + gzip.compress(csv()[9:], mtime=0),
    "zstd": zstandard.compress(lines()),
    "gzip of parquet": gzip.compress(parquet(RUNS), mtime=0),
}


@pytest.mark.parametrize("content", KINDS.values(), ids=KINDS)
def test_what_a_file_is_is_read_off_its_content(content):
    table = read(content)
    assert list(numbers(table, "N")) == [7e7, 1.6e8, 2.0**53 + 2]
    assert list(numbers(table, "loss")) == [3.5, 2.75, 2.125]


HALVES = pa.array([0.5, 1.25, 3.0])


@pytest.mark.parametrize(
    ("column", "expected"),
    [
        (HALVES.cast(pa.decimal128(18, 9)), [0.5, 1.25, 3.0]),
        (HALVES.cast(pa.decimal256(60, 9)), [0.5, 1.25, 3.0]),
        (HALVES.cast(pa.float16()), [0.5, 1.25, 3.0]),
        (pa.array([1, 2**63, 2**64 - 1], pa.uint64()), [1.0, 2.0**63, 2.0**64]),
        (pa.array(["0.5", " +1.25e0 ", "3"]), [0.5, 1.25, 3.0]),
        (pa.array(["0.5", "7", "0.5"]).dictionary_encode(), [0.5, 7.0, 0.5]),
        (pa.array(["1e9", None, "inf"], pa.large_string()), [1e9, np.nan, np.inf]),
        (pa.array([1.5, None, np.nan]), [1.5, np.nan, np.nan]),
        (pa.nulls(3), [np.nan] * 3),
    ],
    ids=lambda value: str(value.type) if isinstance(value, pa.Array) else "",
)
def test_every_kind_of_number_is_read(column, expected):
    table = pa.table({"N": [1, 2, 3], "loss": column})
    for content in (parquet(table), parquet(table, row_group_size=2, use_dictionary=False)):
        found = numbers(read(content), "loss")
        assert found.dtype == np.float64
        np.testing.assert_array_equal(found, expected)


def with_losses(*cells, kind=None) -> bytes:
    return parquet(pa.table({"N": [1] * len(cells), "loss": pa.array(cells, kind)}))


BOMB = pa.table({"N": [1] * 2, "loss": pa.array(["9" * 900] * 2)})


@pytest.mark.parametrize(
    ("content", "words"),
    [
        (b"", "is empty"),
        (b"\n\n", "is empty"),
        (b"\x00\x01\x02", "is neither Parquet, CSV nor JSON"),
        (b"PK\x03\x04rest", "is a zip archive or a spreadsheet"),
        (parquet(RUNS)[:-40], "is damaged or cut off"),
        (gzip.compress(csv(), mtime=0)[:-6], "is damaged or cut off: it is not whole gzip"),
        (b"N,loss\n1,2,3\n", "is neither Parquet, CSV nor JSON: `CSV parse error"),
        (b"N,loss\n1,2\n1,diverged\n", "holds `diverged` in row 2 of its column `loss`, not a nu"),
        (csv(decimal=",", sep=";"), "holds `3,5` in row 1 of its column `loss`, not a number"),
        (with_losses("2", "70M"), "holds `70M` in row 2 of its column `loss`, not a number"),
        (with_losses("0x10"), "holds `0x10` in row 1"),
        (with_losses(True), "holds `bool` in its column `loss`, not numbers"),
        (with_losses(b"ab", kind=pa.binary(2)), "holds `fixed_size_binary[2]` in its column"),
        (with_losses([1.0]), "holds `list<element: double>` in its column `loss`, not numbers"),
        (with_losses(["a"]), "holds `list<element: string>` in its column `loss`, not numbers"),
        (with_losses({"a": 1}), "holds `struct<a: int64>` in its column `loss`, not numbers"),
        (b"N,loss,loss\n1,2,3\n", "has 2 columns `loss`"),
        (b"N,D\n1,2\n", "has no column 'loss'; its columns are `N`, `D`"),
        (b'{"N": 1, "loss": 2}\n{"N": 1,', "is damaged or cut off: its line 2 is no JSON"),
        (b'[{"N": 1, "loss": 2},', "is not JSON: "),
        (b"[" * 100_000, "is JSON that is nested too deeply"),
        (b'[{"N": 1, "loss": 2, "loss": 3}]', "has an object with two values called `loss`"),
        (b'[{"N": 1, "loss": 2}, {"N": 1, "loss": "x"}]', "has cells of different kinds in its"),
        (b"[1.0, 2.0]", "is JSON without names"),
    ],
)
def test_what_cannot_be_read_is_one_sentence(content, words):
    found = refusal(content)
    assert words in found
    assert "\n" not in found


@pytest.mark.parametrize(
    ("content", "words"),
    [
        (csv(), "has 3 rows, and at most 2 are taken: give less"),
        (parquet(RUNS), "has 3 rows, and at most 2 are taken"),
        (lines(), "has 3 rows, and at most 2 are taken"),
        (csv(RUNS[:2].assign(a=1)), "has 3 columns, and at most 2 are read"),
        (parquet(RUNS[:2].assign(a=1)), "has 3 columns, and at most 2 are read"),
        (gzip.compress(b"N,loss\n" + b"0" * 1000, mtime=0), "would unpack to"),
        (parquet(BOMB, use_dictionary=False), "would unpack to"),
        (b'[{"N": 1, "loss": [' + b"0," * 20, "holds 24 values as JSON, and at most 20"),
        (with_losses([1.0] * 3), "has 3 rows, and at most 2 are taken"),
    ],
)
def test_what_is_too_large_is_refused_before_it_is_unpacked(content, words):
    assert words in refusal(content, TINY)


def test_text_whose_size_the_footer_does_not_tell_is_refused_from_strangers():
    content = parquet(BOMB, use_dictionary=False, column_encoding={"loss": "DELTA_BYTE_ARRAY"})
    assert "does not say how much its column `loss` will unpack to" in refusal(content, TINY)
    np.testing.assert_array_equal(numbers(read(content), "loss"), [np.inf, np.inf])


DAMAGE = """
import sys
import pyarrow as pa
from tables import Limits, Part, TableError, Wanted, numbers, read_table
content = open(sys.argv[1], "rb").read()
limits = Limits(2**20, 100, 100, 100, "")
for place in range(len(content) - 8 - int.from_bytes(content[-8:-4], "little"), len(content)):
    for bit in (1, 2, 4, 16):
        changed = bytearray(content)
        changed[place] ^= bit
        try:
            table = read_table([Part("x", pa.py_buffer(changed))], Wanted((("loss",),)), limits)
            numbers(table, "loss")
        except TableError:
            pass
"""


def test_no_damage_to_a_footer_ends_the_process(tmp_path):
    """Asked for a damaged entry of a column, pyarrow would call C++'s terminate."""
    table = pa.table({"loss": pa.array([[1.0, None], None, []])}).replace_schema_metadata()
    (tmp_path / "x").write_bytes(parquet(table, store_schema=False))
    command = [sys.executable, "-c", DAMAGE, str(tmp_path / "x")]
    result = subprocess.run(command, cwd=ROOT, capture_output=True, text=True)
    assert result.returncode == 0, result.stderr[-500:]


def test_a_text_that_is_repeated_is_kept_once():
    """Each of the half million cells is 2,000 bytes: unfolded, a gigabyte."""
    rows = 500_000
    table = pa.table({"N": np.ones(rows), "loss": pa.array(["1." + "0" * 1998] * rows)})
    before = pa.total_allocated_bytes()
    found = read(parquet(table))
    del table
    assert pa.total_allocated_bytes() - before < 20 * 2**20
    assert numbers(found, "loss").sum() == rows


def test_columns_of_names():
    for names in (["b", "a", "b"], [2**60, 5, 2**60], [1.5, 2.5, 1.5], [True, False, True]):
        table = pa.table({"window": names})
        assert list(codes(read(parquet(table), wanted=Wanted((("window",),))), "window")) == [
            0,
            1,
            0,
        ]
    with pytest.raises(TableError, match=r"holds list<.*> in its column window, not numbers or na"):
        codes(pa.table({"window": [[1, 0]]}), "window")


def folder(path, **parts: bytes):
    path.mkdir()
    for name, content in parts.items():
        (path / name).write_bytes(content)
    return path


def test_a_folder_of_parts_is_their_rows_in_order(tmp_path):
    spark = {
        "_SUCCESS": b"",
        ".part-0.crc": b"x",
        "part-1": parquet(RUNS[2:]),
        "part-0": csv(RUNS[:2]),
    }
    found = read_table(parts_of_path(folder(tmp_path / "runs", **spark)), WANTED, None)
    assert list(numbers(found, "N")) == list(RUNS["N"])
    assert list(numbers(found, "loss")) == list(RUNS["loss"])


def test_names_are_the_same_in_every_part(tmp_path):
    parts = [RUNS.assign(window=names) for names in (["a", "b", "b"], ["b", "c", "a"])]
    path = folder(tmp_path / "f", one=parquet(parts[0]), two=parquet(parts[1]))
    assert list(codes(read_table(parts_of_path(path), WANTED, None), "window")) == [
        0,
        1,
        1,
        1,
        2,
        0,
    ]


@pytest.mark.parametrize(
    ("parts", "words"),
    [
        ({}, "is a folder without a file of data"),
        ({"_SUCCESS": b""}, "is a folder without a file of data"),
        ({"a": csv(), "b": b""}, "has a part 'b' that is empty"),
        ({"a": csv(), "b": parquet(RUNS)[:-40]}, "has a part 'b' that is damaged or cut off"),
        ({"a": csv(), "b": b"N\n1\n"}, "has a part 'b' that has no column 'loss'"),
        (
            {"a": csv(), "b": csv(RUNS.assign(window=1))},
            "has parts with different columns: 'a' and",
        ),
        ({"a": csv(), "_temporary": b""}, "is a folder that its writer has not finished"),
    ],
)
def test_a_folder_that_is_not_whole_is_refused(tmp_path, parts, words):
    with pytest.raises(TableError) as refused:
        read_table(parts_of_path(folder(tmp_path / "f", **parts)), WANTED, None)
    assert words in refused.value.words("'{}'".format)


def test_a_folder_of_folders_and_no_file_at_all(tmp_path):
    (tmp_path / "f" / "N=1").mkdir(parents=True)
    with pytest.raises(TableError, match="is a folder of folders, such as N=1"):
        parts_of_path(tmp_path / "f")
    with pytest.raises(TableError, match="does not exist"):
        parts_of_path(tmp_path / "none.parquet")
