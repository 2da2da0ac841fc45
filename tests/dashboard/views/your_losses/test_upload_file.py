"""An uploaded file of token losses: what is read, and what is refused before it is unpacked."""

import gzip
import io

import numpy as np
import pandas as pd
import pyarrow as pa
import pyarrow.parquet as pq
import pytest

from dashboard.artifacts.errors import UploadError
from dashboard.views.your_losses import file as upload_file
from dashboard.views.your_losses.file import read_columns

ROWS = pd.DataFrame({"loss_nats": [0.5, 1.25, 3.0], "entropy_nats": [0.25, 1.0, 2.0]})
DRAWN = ROWS.assign(window=["b", "a", "b"], note="x")


def parquet(frame: pd.DataFrame | pa.Table, **how) -> bytes:
    file = io.BytesIO()
    table = frame if isinstance(frame, pa.Table) else pa.Table.from_pandas(frame)
    pq.write_table(table, file, **how)
    return file.getvalue()


def csv(frame: pd.DataFrame) -> bytes:
    return frame.to_csv(index=False).encode()


def refusal(name: str, content: bytes) -> str:
    with pytest.raises(UploadError) as refused:
        read_columns(name, content)
    return str(refused.value)


@pytest.mark.parametrize(("name", "write"), [("x.parquet", parquet), ("x.csv", csv)])
def test_columns_are_read_and_others_left_alone(name, write):
    found = read_columns(name, write(DRAWN.assign(tokens=[1, 2, 2**53 + 2])))
    assert list(found.loss_nats) == [0.5, 1.25, 3.0]
    assert list(found.entropy_nats) == [0.25, 1.0, 2.0]
    assert list(found.tokens) == [1.0, 2.0, 2.0**53 + 2]
    assert found.loss_nats.dtype == found.tokens.dtype == np.float64
    assert list(found.window) == [0, 1, 0]
    plain = read_columns(name, write(ROWS))
    assert plain.tokens is None
    assert plain.window is None


@pytest.mark.parametrize("name", ["x.csv", "x.PQ", "x.parquet", "x"])
@pytest.mark.parametrize("content", [parquet(ROWS), csv(ROWS), gzip.compress(csv(ROWS), mtime=0)])
def test_the_content_says_what_a_file_is_and_its_name_nothing(name, content):
    assert list(read_columns(name, content).loss_nats) == [0.5, 1.25, 3.0]


def test_an_empty_cell_is_nan_for_the_checks_of_the_bound():
    found = read_columns("x.csv", b"loss_nats,entropy_nats\n1.0,\n2.0,0.5\n")
    assert np.isnan(found.entropy_nats[0])


NESTED = pa.table({"loss_nats": pa.array([{"a](//e.co)`": 1.0}])})


@pytest.mark.parametrize(
    ("name", "content", "sentence"),
    [
        ("x.csv", b"", "is empty"),
        ("x.parquet", parquet(ROWS)[:-40], "is damaged or cut off"),
        ("x.parquet", b"PAR1" + bytes(100) + b"PAR1", "is damaged or cut off"),
        ("x.csv", b"\x00\x01\n", "is neither Parquet, CSV nor JSON"),
        ("x.csv", b"loss_nats\none\n", "holds `one` in row 1 of its column `loss_nats`, not a"),
        ("x.csv", csv(ROWS[["entropy_nats"]]), "its columns are `entropy_nats`"),
        ("x.parquet", parquet(NESTED), "holds `struct<a](//e.co)': double>` in its column"),
        ("x.parquet", parquet(DRAWN.assign(window=["a", None, "b"])), "empty cells in its column"),
        ("`![x](//e.co)`.csv", b"", "The file `'![x](//e.co)'.csv` is empty"),
    ],
)
def test_a_file_that_cannot_be_used_is_one_sentence(name, content, sentence):
    found = refusal(name, content)
    assert sentence in found
    assert found.startswith("The file `")
    assert found.endswith(".")


@pytest.mark.parametrize(
    ("limit", "value", "content", "sentence"),
    [
        ("MOST_MEGABYTES", 0.0001, parquet(DRAWN), "MB, and the limit is"),
        ("MOST_ROWS", 2, parquet(DRAWN), "has 3 rows, and at most 2 are taken"),
        ("MOST_ROWS", 2, csv(ROWS), "has 3 rows, and at most 2 are taken"),
        ("MOST_COLUMNS", 3, parquet(DRAWN), "columns, and at most 3 are read"),
        ("MOST_JSON_MARKS", 3, b'[{"loss_nats": 1}, {"loss_nats": 2}]', "holds 4 values as JSON"),
        ("MOST_UNPACKED", 20, parquet(ROWS, use_dictionary=False), "would unpack to"),
    ],
)
def test_a_file_that_is_too_large_is_refused(monkeypatch, limit, value, content, sentence):
    read_columns("x", content)
    monkeypatch.setattr(upload_file, limit, value)
    assert sentence in refusal("x", content)


def test_a_file_that_would_fill_the_memory_is_refused_by_its_footer():
    names = pa.table({"loss_nats": np.zeros(70_000), "window": pa.array(["x" * 1000] * 70_000)})
    content = parquet(names, use_dictionary=False, compression="zstd")
    assert len(content) < 2**20
    assert "would unpack to" in refusal("x.parquet", content)
