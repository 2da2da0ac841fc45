"""A small suite with several seeds and a learning-rate sweep, made from the shipped ladder.

Losses of the added seeds are those of the first one times a factor.
"""

from collections.abc import Callable
from pathlib import Path

import numpy as np
import pandas as pd
import pyarrow as pa
import pyarrow.parquet as pq

import schema

#: Sizes that are kept, and the seeds of each with the factor of their losses.
SEEDS = {
    "ladder-29k": {0: 1.0, 1: 1.02, 2: 0.99},
    "ladder-53k": {0: 1.0, 1: 1.01},
    "ladder-133k": {0: 1.0},
    "ladder-275k": {0: 1.0},
}

#: Settings that are kept, so that tests are quick.
SETTINGS = ("none-b32", "gptq-b2", "gptq-b3", "gptq-b4", "gptq_step-step1.0", "gptq_step-step1.4")

#: A setting of which the last model was scored on drawn windows only.
DRAWN = "gptq_step-step1.4"

_OF_MODELS = ("models", "online_losses", "information")
_BY_SETTING = ("quantized", "loss_histograms", "layers", "units")
_LOSSES = ("train_loss_nats", "heldout_loss_nats", "loss_nats", "final_loss_nats", "k_nats")


def make_seeded_suite(source: Path, folder: Path, name: str = "seeded") -> Path:
    """Write the suite ``folder/name`` from the ladder ``source``; returns its folder."""
    target = folder / name
    for model_id, seeds in SEEDS.items():
        for table in _OF_MODELS + _BY_SETTING:
            for file in sorted((source / table).glob(f"*{model_id}--*.parquet")):
                setting = file.name.split("--")[-2]
                if table not in _OF_MODELS and setting not in (*SETTINGS, model_id):
                    continue
                if table == "loss_histograms" and setting == DRAWN and model_id == [*SEEDS][-1]:
                    continue
                for seed, factor in seeds.items():
                    _copy_as_seed(file, target / table, model_id, seed, factor)
    for file in target.glob(f"quantized/{[*SEEDS][-1]}--{DRAWN}--*.parquet"):
        rewrite(file, lambda rows: rows.assign(train_tokens_evaluated=4096))
    return target


def _copy_as_seed(file: Path, folder: Path, model_id: str, seed: int, factor: float) -> None:
    named = model_id if seed == 0 else f"{model_id}-seed{seed}"

    def change(rows: pd.DataFrame) -> pd.DataFrame:
        changed = {key: rows[key] * factor for key in _LOSSES if key in rows}
        if "seed" in rows:
            changed["seed"] = seed
        return rows.assign(model_id=named, **changed)

    folder.mkdir(parents=True, exist_ok=True)
    rewrite(file, change, folder / file.name.replace(model_id, named))


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
