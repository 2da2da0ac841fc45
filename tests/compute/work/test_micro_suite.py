"""The suite under ``tests/data`` is what the batch stage measures, and its unpacking loses nothing.

Processors round otherwise: training then ends with other weights, and every measured number differs
a little.  So what does not depend on rounding must be equal, and losses must be near; where the
trained weights are the same bits, everything must be equal but times and versions.
"""

from pathlib import Path

import numpy as np
import pandas as pd
import pyarrow.parquet as pq
import pytest

import schema
from tests.data.micro_suite import PUBLISHED, unpack_suite

pytestmark = pytest.mark.slow

SETTING = [field.name for field in schema.SETTING_FIELDS]
MODEL = ["model_id"]

#: Columns that name a row of each table, not measurements.
KEYS = {
    "models": MODEL,
    "online_losses": [*MODEL, "tokens_seen"],
    "checkpoint_losses": [*MODEL, "train_step", "tokens_seen"],
    "quantized": MODEL + SETTING,
    "students": MODEL,
    "student_blocks": [*MODEL, "steps"],
    "layers": [*MODEL, *SETTING, "layer", "kind"],
    "curvature": [
        *MODEL,
        *SETTING,
        *("matrix", "parameters", "train_fraction", "windows", "probes", "probe", "steps"),
        *("quantity", "method"),
    ],
    "information": [*MODEL, "method"],
    "units": ["stage", *MODEL, *SETTING, "status"],
}

#: Losses may differ by so much, in nats per token, between two processors.
NEAR = 0.05

#: Columns of a run and not of what it measured.
OF_A_RUN = {"seconds", "peak_memory_bytes", "device", "finished_at"}


@pytest.fixture
def again(published_run) -> Path:
    """The same suite, measured just now and published."""
    return published_run


def rows(folder: Path, table: str) -> pd.DataFrame:
    return pq.read_table(folder / table).to_pandas()


def trained_alike(again: Path) -> bool:
    """Whether training gave the same bits on both machines."""
    ours, theirs = (set(rows(folder, "models")["weights_sha256"]) for folder in (PUBLISHED, again))
    return ours == theirs


def test_it_has_the_same_tables_and_columns(again):
    assert {path.name for path in PUBLISHED.iterdir()} == {path.name for path in again.iterdir()}
    for folder in again.iterdir():
        if folder.is_dir():
            schemas = [pq.read_table(where / folder.name).schema for where in (PUBLISHED, again)]
            assert schemas[0].equals(schemas[1]), folder.name


@pytest.mark.parametrize("table", KEYS)
def test_every_row_is_of_the_same_model_setting_and_effort(again, table):
    ours, theirs = (rows(folder, table)[KEYS[table]] for folder in (PUBLISHED, again))
    pd.testing.assert_frame_equal(ours, theirs)


def test_what_describes_the_models_is_equal_but_for_the_weights(again):
    ours, theirs = (rows(folder, "models") for folder in (PUBLISHED, again))
    measured = [name for name in ours if "sha256" in name or name == "revision"]
    assert len(measured) < 4
    pd.testing.assert_frame_equal(ours.drop(columns=measured), theirs.drop(columns=measured))


def test_every_token_is_counted_and_losses_are_near(again):
    for table, columns in {
        "quantized": ["train_loss_nats", "heldout_loss_nats"],
        "checkpoint_losses": ["loss_nats"],
    }.items():
        ours, theirs = (rows(folder, table)[columns] for folder in (PUBLISHED, again))
        assert np.abs(ours - theirs).max().max() < NEAR
    by = [*MODEL, *SETTING, "split"]
    counted = [
        rows(folder, "loss_histograms").groupby(by, dropna=False)["tokens"].sum()
        for folder in (PUBLISHED, again)
    ]
    pd.testing.assert_series_equal(*counted)
    for column in ("nominal_bits", "train_tokens_evaluated", "heldout_tokens_evaluated"):
        ours, theirs = (rows(folder, "quantized")[column] for folder in (PUBLISHED, again))
        assert ours.equals(theirs)


def test_the_same_weights_give_the_same_numbers(again):
    if not trained_alike(again):
        pytest.skip("this processor rounds otherwise: training ended with other weights")
    for table in schema.MEASURED_TABLES:
        if any((again / table).glob("*.parquet")):
            ours, theirs = (rows(folder, table) for folder in (PUBLISHED, again))
            kept = [name for name in ours if name not in OF_A_RUN]
            pd.testing.assert_frame_equal(ours[kept], theirs[kept], rtol=1e-6, atol=1e-9)


def test_published_and_unpacked_it_has_the_rows_and_names_of_the_run(micro_run, again, tmp_path):
    unpacked = unpack_suite(again, tmp_path)
    measured = micro_run / "data/micro"
    names = [
        sorted(path.relative_to(folder).as_posix() for path in folder.rglob("*") if path.is_file())
        for folder in (measured, unpacked)
    ]
    assert [name for name in names[0] if Path(name).suffix in (".parquet", ".json")] != []
    kept = [name for name in names[0] if name not in (".lock", "request.json")]
    assert kept == names[1]
    for name in kept:
        if name.endswith(".parquet"):
            there, here = pq.read_table(measured / name), pq.read_table(unpacked / name)
            assert there.equals(here)
            keys = {key: there.schema.metadata.get(key.encode()) for key in schema.PROVENANCE_KEYS}
            assert keys == {key: here.schema.metadata.get(key.encode()) for key in keys}
