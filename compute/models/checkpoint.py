"""Checkpoints in the cache: weights that the project has trained, or a pointer to others' weights.

A pointer is a folder with the model's ``config.json`` and a file that names the place of the
weights. They are fetched on loading if they are not in the cache of this machine.
"""

import json
import shutil
from dataclasses import asdict
from pathlib import Path

from compute.base.folders import whole_folder
from compute.suites import hub

_POINTER = "source.json"


def point_to(source: hub.Source, weights: Path, folder: Path, *, tied: bool) -> None:
    """Make ``folder`` a pointer to the weights of ``source``, which are in ``weights``.

    Args:
        tied: whether embedding and output layer are one matrix, overriding ``weights``.
    """
    with whole_folder(folder) as ready:
        (ready / _POINTER).write_text(json.dumps(asdict(source)))
        shutil.copyfile(weights / "config.json", ready / "config.json")
        config = json.loads((ready / "config.json").read_text(encoding="utf-8"))
        if config.get("tie_word_embeddings", tied) != tied:
            config["tie_word_embeddings"] = tied
            (ready / "config.json").write_text(json.dumps(config, indent=2) + "\n")


def weights_folder(folder: Path) -> Path:
    """The place where transformers finds the weights of a checkpoint."""
    pointer = folder / _POINTER
    if not pointer.exists():
        return folder
    return hub.fetch(hub.Source(**json.loads(pointer.read_text())))
