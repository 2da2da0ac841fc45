"""Checkpoints that are the same bytes under different names."""

from collections import defaultdict

import pyarrow.parquet as pq

from compute.work.store import SuiteStore


def same_weights(store: SuiteStore) -> list[list[str]]:
    """Groups of a suite's checkpoints whose parameters hash alike, each of two or more names."""
    found: dict[str, list[str]] = defaultdict(list)
    for file in sorted(store.folder.glob("models/*.parquet")):
        for row in pq.read_table(file, columns=["model_id", "weights_sha256"]).to_pylist():
            found[row["weights_sha256"]].append(row["model_id"])
    columns = ["model_id", "train_step", "weights_sha256"]
    for file in sorted(store.folder.glob("checkpoint_losses/*.parquet")):
        for row in pq.read_table(file, columns=columns).to_pylist():
            name = f"{row['model_id']} at step {row['train_step']}"
            found[row["weights_sha256"]].append(name)
    return [names for names in found.values() if len(names) > 1]
