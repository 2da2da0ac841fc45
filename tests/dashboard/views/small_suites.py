"""Suites of one and of two models, scored on another text, far from 20 tokens per parameter."""

import shutil
from pathlib import Path

import pyarrow.parquet as pq

from tests.dashboard.helpers.sampled_suite import make_sampled_suite, replace_columns

#: As `python -m compute run --model` names an unknown training text.
UNKNOWN_TEXT = "its own training text"
TRAIN_TOKENS = 2 * 10**12
REMARK = "its windows begin without the token that its tokenizer puts first"
STAND_IN = "a folder of prose"


def make_small_suite(source: Path, folder: Path, name: str, models: list[str]) -> Path:
    """Write the suite ``folder/name`` with these models of the ladder ``source``; its folder."""
    target = make_sampled_suite(source, folder, name, STAND_IN)
    keep_models(target, models)
    for file in (target / "models").glob("*.parquet"):
        replace_columns(file, train_tokens=TRAIN_TOKENS, corpus=UNKNOWN_TEXT, remark=REMARK)
    # Such models come without the history of their training.
    for table in ("information", "checkpoint_losses"):
        shutil.rmtree(target / table)
    return target


def keep_models(suite: Path, models: list[str]) -> None:
    """Remove the files of all other models."""
    for file in suite.glob("*/*.parquet"):
        rows = pq.read_table(file, columns=["model_id"])
        if not {*rows["model_id"].to_pylist()} & {*models}:
            file.unlink()
