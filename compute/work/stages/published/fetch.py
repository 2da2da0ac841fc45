"""Bring the weights of a published model into the cache."""

from dataclasses import dataclass
from pathlib import Path

import pyarrow as pa

from compute.base.digest import digest
from compute.models import checkpoint, language_model
from compute.suites import hub
from compute.suites.published.hub_model import HubModel
from compute.suites.published.repeated_weights import repeated_weights
from compute.work.stages.model_memory import FLOAT32, placed
from compute.work.stages.stage import Report, Stage
from compute.work.workspace import Workspace

#: Bytes that the hub's files of weights usually have for a parameter: half precision.
FILE_BYTES = 2


@dataclass(frozen=True, eq=False, kw_only=True)
class Fetch(Stage):
    """Download one checkpoint, or decode the file that it comes in."""

    stage = "fetch"
    version = 1
    makes = ("checkpoint",)
    optional = False
    light = True
    work_unit = "B"

    model: HubModel

    @property
    def identity(self) -> dict:
        """The model alone."""
        return {**super().identity, "model": self.model.identity}

    @property
    def checkpoint(self) -> str:
        """The weights."""
        return digest(self.identity)

    @property
    def work_tokens(self) -> int:
        """Bytes of the download, about."""
        return FILE_BYTES * self.model.params_total

    def memory(self, device: str, weight_bytes: int) -> tuple[int, int]:
        """Of its weights: what has no room for them need not be fetched."""
        return placed(device, 0, FLOAT32 * self.model.params_total)

    def run(self, workspace: Workspace, report: Report) -> dict[str, pa.Table]:
        """Download what is missing, and look whether every file is whole, and its own; decode the
        weights of a GGUF file.

        Raises:
            ValueError: its weights are those of another checkpoint.
        """
        source = self.model.source
        if source.gguf is not None:
            model = hub.decoded_model(Path(source.name).expanduser() / source.gguf)
            language_model.save(model, workspace.checkpoint(self))
            return {}
        folder = hub.fetch(source, lambda had, total: report(had))
        hub.verify(folder)
        holds = repeated_weights(self.model).holds
        if holds is not None:
            raise ValueError(f"{source} holds {holds}: it is not the checkpoint that it says")
        tied = self.model.config.tie_word_embeddings
        checkpoint.point_to(source, folder, workspace.checkpoint(self), tied=tied)
        return {}
