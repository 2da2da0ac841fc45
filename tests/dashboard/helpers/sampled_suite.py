"""A small suite of sampled windows on disk, made from the losses of a measured ladder.

The models, their files and their mean losses are the ladder's.  Their training tokens are put into
windows of 16 that are drawn with replacement: so what a bound from the sample must not fall below,
the same summand over *all* windows, is known.
"""

import json
import shutil
from pathlib import Path

import numpy as np
import pyarrow as pa
import pyarrow.compute
import pyarrow.parquet as pq

import schema
from bounds.forms.sampled import WindowLosses

#: Tokens of a window, draws of either kind, and positions scored in each.
CONTEXT, EVALUATED, SELECTED, POSITIONS = 16, 700, 300, 8

BYTES_PER_TOKEN = 4.0
REMARK = "inside the learning-rate warm-up"
STAND_IN = "windows of another text, since the order of training is not public"

#: Tables of the ladder that such a suite has as well.
_KEPT = ("models", "quantized", "layers", "curvature", "spectra", "checkpoint_losses", "units")

_SETTING = [field.name for field in schema.SETTING_FIELDS]


def make_sampled_suite(
    source: Path, folder: Path, name: str = "sampled", stand_in: str | None = None
) -> Path:
    """Write the suite ``folder/name`` from the ladder ``source``; returns its folder."""
    target = folder / name
    for table in _KEPT:
        shutil.copytree(source / table, target / table)
    for file in target.glob("*/*.parquet"):
        _rewrite(file, name)
    models = sorted((target / "models").glob("*.parquet"))
    for file in models:
        remark = REMARK if file == models[0] else None
        replace_columns(file, bytes_per_token=BYTES_PER_TOKEN, stand_in=stand_in, remark=remark)
    for file in (target / "quantized").glob("*.parquet"):
        replace_columns(file, train_tokens_evaluated=EVALUATED * POSITIONS)
    _chains_alone(source, target, name)
    (target / "token_losses").mkdir()
    for name_of_unit in sorted(path.name for path in (source / "quantized").glob("*.parquet")):
        file = source / "loss_histograms" / name_of_unit
        if file.exists():  # not of windows that were sampled in the ladder already
            _write_sample(file, target / "token_losses" / name_of_unit, name)
    return target


def all_windows(file: Path) -> WindowLosses:
    """Every training window of one model at one setting: its histogram's tokens, shuffled by a seed
    and cut into windows.  Shape (D/16, 16)."""
    cells = pq.read_table(file).to_pandas()
    cells = cells[cells["split"] == "train"]
    tokens = np.repeat(np.arange(len(cells)), cells["tokens"])
    order = np.random.default_rng(len(tokens)).permutation(tokens)
    order = order[: len(order) - len(order) % CONTEXT].reshape(-1, CONTEXT)
    loss, entropy = (cells[key].to_numpy()[order] for key in ("loss_nats", "entropy_nats"))
    return WindowLosses(loss, entropy)


def _write_sample(file: Path, target: Path, name: str) -> None:
    windows = all_windows(file)
    first = pq.read_table(file, columns=["model_id", *_SETTING]).slice(0, 1).to_pylist()[0]
    # The same draws for every model of one size and at every setting, as a pipeline has them.
    random = np.random.default_rng(len(windows.loss_nats))
    columns = {key: [] for key in ("split", "window", "position", "loss_nats", "entropy_nats")}
    for split, draws in (("train", EVALUATED), ("selection", SELECTED)):
        picked = random.integers(len(windows.loss_nats), size=draws)
        positions = np.sort(random.random((draws, CONTEXT)).argsort(axis=1)[:, :POSITIONS], axis=1)
        columns["split"].append(np.full(draws * POSITIONS, split))
        columns["window"].append(np.repeat(np.arange(draws), POSITIONS))
        columns["position"].append(positions.ravel())
        for key in ("loss_nats", "entropy_nats"):
            columns[key].append(getattr(windows, key)[picked[:, None], positions].ravel())
    joined = {key: np.concatenate(parts) for key, parts in columns.items()}
    rows = len(joined["window"])
    arrays = {key: pa.array([value] * rows) for key, value in first.items()} | joined
    fields = schema.TABLES["token_losses"]
    table = pa.table({field.name: arrays[field.name] for field in fields}).cast(
        pa.schema([field.with_metadata(None) for field in fields])
    )
    pq.write_table(table.replace_schema_metadata(_metadata(file, name)), target)


def _chains_alone(source: Path, target: Path, name: str) -> None:
    """Information from checkpoints, without online losses."""
    (target / "information").mkdir()
    for file in (source / "information").glob("*.parquet"):
        rows = pq.read_table(file)
        chains = rows.filter(pa.compute.equal(rows["method"], "checkpoints"))
        chains = chains.replace_schema_metadata(_metadata(file, name))
        pq.write_table(chains, target / "information" / file.name)


def _rewrite(file: Path, name: str) -> None:
    pq.write_table(pq.read_table(file).replace_schema_metadata(_metadata(file, name)), file)


def _metadata(file: Path, name: str) -> dict[bytes, bytes]:
    metadata = dict(pq.read_schema(file).metadata)
    seeds = json.loads(metadata[b"boundscape.seeds"]) | {"windows": 0}
    changed = {b"boundscape.suite": name.encode(), b"boundscape.suite_fingerprint": name.encode()}
    return metadata | changed | {b"boundscape.seeds": json.dumps(seeds).encode()}


def replace_columns(file: Path, **values: object) -> None:
    """Give columns one value each."""
    rows = pq.read_table(file)
    for key, value in values.items():
        field = rows.schema.field(key)
        column = pa.array([value] * rows.num_rows, field.type)
        rows = rows.set_column(rows.schema.get_field_index(key), field, column)
    pq.write_table(rows, file)
