"""Bring the weights of a published model into the cache."""

from collections.abc import Callable
from pathlib import Path

import pyarrow as pa

from compute.models import checkpoint, language_model
from compute.suites import hub
from compute.suites.published.repeated_weights import repeated_weights
from compute.work.unit import Unit
from compute.work.workspace import Workspace


def run(unit: Unit, workspace: Workspace, report: Callable[[int], None]) -> dict[str, pa.Table]:
    """Download what is missing, and look whether every file is whole, and its own; decode the
    weights of a GGUF file.

    Raises:
        ValueError: its weights are those of another checkpoint.
    """
    source = unit.model.source
    if source.gguf is not None:
        model = hub.decoded_model(Path(source.name).expanduser() / source.gguf)
        language_model.save(model, workspace.checkpoint(unit))
        return {}
    folder = hub.fetch(source, lambda had, total: report(had))
    hub.verify(folder)
    reason = repeated_weights(unit.model).reason
    if reason is not None:
        raise ValueError(f"{source} {reason}: it is not the checkpoint that it says")
    tied = unit.model.config.tie_word_embeddings
    checkpoint.point_to(source, folder, workspace.checkpoint(unit), tied=tied)
    return {}
