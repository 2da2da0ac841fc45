"""Bring the weights of a published model into the cache."""

from collections.abc import Callable

import pyarrow as pa

from compute import checkpoint, hub
from compute.unit import Unit
from compute.workspace import Workspace


def run(unit: Unit, workspace: Workspace, report: Callable[[int], None]) -> dict[str, pa.Table]:
    """Download what is missing, and look whether every file is whole."""
    source = unit.model.source
    folder = hub.fetch(source, lambda had, total: report(had))
    hub.verify(folder)
    tied = unit.model.config.tie_word_embeddings
    checkpoint.point_to(source, folder, workspace.checkpoint(unit), tied=tied)
    return {}
