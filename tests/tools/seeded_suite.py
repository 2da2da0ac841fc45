"""A small suite with several seeds and a learning-rate sweep, made from the shipped ladder.

Losses of the added seeds are those of the first one times a factor.
"""

from collections.abc import Callable
from dataclasses import asdict
from pathlib import Path

import numpy as np
import pandas as pd
import pyarrow as pa
import pyarrow.parquet as pq

import schema
from dashboard.artifacts.settings import Setting

#: Sizes that are kept, and the seeds of each with the factor of their losses.
SEEDS = {
    "ladder-29k": {0: 1.0, 1: 1.02, 2: 0.99},
    "ladder-53k": {0: 1.0, 1: 1.01},
    "ladder-133k": {0: 1.0},
    "ladder-275k": {0: 1.0},
}

#: Settings that are kept, so that tests are quick.
SETTINGS = (
    Setting("none", 32),
    *(Setting("gptq", bits) for bits in (2, 3, 4)),
    *(Setting("gptq_step", step=step) for step in (1.0, 1.4)),
)

#: A setting of which the last model was scored on drawn windows only.
DRAWN = Setting("gptq_step", step=1.4)

_OF_MODELS = ("models", "online_losses", "information", "students", "student_blocks")
_BY_SETTING = ("quantized", "loss_histograms", "layers", "units")
_LOSSES = ("train_loss_nats", "heldout_loss_nats", "loss_nats", "final_loss_nats", "k_nats")


def make_seeded_suite(source: Path, folder: Path, name: str = "seeded") -> Path:
    """Write the suite ``folder/name`` from the published ladder ``source``; returns its folder."""
    target = folder / name
    for model_id, seeds in SEEDS.items():
        for table in _OF_MODELS + _BY_SETTING:
            for seed, factor in seeds.items():
                _copy_as_seed(source, target, table, model_id, seed, factor)
    last = [*SEEDS][-1]
    rewrite(target / f"loss_histograms/{last}.parquet", lambda rows: rows[~_at(rows, DRAWN)])
    rewrite(
        target / f"quantized/{last}.parquet",
        lambda rows: rows.assign(
            train_tokens_evaluated=rows["train_tokens_evaluated"].mask(_at(rows, DRAWN), 4096)
        ),
    )
    return target


def _at(rows: pd.DataFrame, setting: Setting) -> pd.Series:
    """Whether each row is of the setting."""
    found = pd.Series(True, index=rows.index)
    for column, value in asdict(setting).items():
        found &= rows[column].isna() if value is None else (rows[column] == value).fillna(False)
    return found


def _copy_as_seed(
    source: Path, target: Path, table: str, model_id: str, seed: int, factor: float
) -> None:
    named = model_id if seed == 0 else f"{model_id}-seed{seed}"

    def change(rows: pd.DataFrame) -> pd.DataFrame:
        if table not in _OF_MODELS:
            kept = [rows["quantizer"].isna(), *(_at(rows, setting) for setting in SETTINGS)]
            rows = rows[np.logical_or.reduce(kept)]
        changed = {key: rows[key] * factor for key in _LOSSES if key in rows}
        if "seed" in rows:
            changed["seed"] = seed
        return rows.assign(model_id=named, **changed)

    (target / table).mkdir(parents=True, exist_ok=True)
    rewrite(source / table / f"{model_id}.parquet", change, target / table / f"{named}.parquet")


def rewrite(
    file: Path, change: Callable[[pd.DataFrame], pd.DataFrame], to: Path | None = None
) -> None:
    """Write the changed rows of a file, its schema and metadata as they were."""
    table = pq.read_table(file)
    rows = change(table.to_pandas(types_mapper=pd.ArrowDtype))
    pq.write_table(pa.Table.from_pandas(rows, table.schema, preserve_index=False), to or file)


def write_sweep(
    folder: Path, like: Path, sizes: dict[int, float], diverged: dict[int, float] | None = None
) -> pd.DataFrame:
    """A sweep whose losses are parabolas in the rate's logarithm; returns its rows.

    Args:
        folder: of the suite that holds it.
        like: a Parquet file whose metadata it gets.
        sizes: N to best rate.
        diverged: N to the rate from which on runs of that size diverged.
    """
    rows = []
    for params, best in sizes.items():
        for rate in (0.0025, 0.005, 0.01, 0.02, 0.04):
            loss = 2.0 + 0.1 * np.log(rate / best) ** 2
            gone = rate >= (diverged or {}).get(params, np.inf)
            rows.append(
                {
                    "model_id": f"ladder-{params}",
                    "params_total": params,
                    "train_tokens": 20 * params,
                    "batch_windows": 2,
                    "seed": 0,
                    "learning_rate": rate,
                    "fresh_windows": 64,
                    "fresh_loss_nats": None if gone else loss,
                    "fresh_loss_se_nats": None if gone else 0.01,
                }
            )
    target = folder / "learning_rates"
    target.mkdir(parents=True, exist_ok=True)
    metadata = dict(pq.read_schema(like).metadata)
    metadata[b"boundscape.schema_version"] = schema.SCHEMA_VERSION.encode()
    table = pa.Table.from_pylist(rows, schema=schema.TABLES["learning_rates"])
    pq.write_table(table.replace_schema_metadata(metadata), target / "sweep.parquet")
    return pd.DataFrame(rows)
