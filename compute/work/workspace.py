"""What every unit of a run shares: where to read, where to write, on what device."""

from dataclasses import dataclass
from pathlib import Path

from compute.base.memory import Memory
from compute.base.provenance import Provenance
from compute.suites.text.windows.standin_windows import StandInFiles
from compute.suites.text.windows.stream_windows import StreamWindows
from compute.suites.text.windows.tiling import WindowFiles
from compute.work.store import SuiteStore
from compute.work.unit import Unit


@dataclass(frozen=True)
class Workspace:
    """Handed to each worker; small, and can be pickled.

    Attributes:
        store: artifacts of the suite.
        cache_dir: intermediate files that can be made again: checkpoints, token windows,
            coded models.
        windows: the tiled text, to be opened; None until a session is ``prepared``.
        corpus: its name, for the tables.
        device: torch device that models run on.
        workers: processes that share the machine's memory.
        device_workers: those of them that share the device; None if all do.
        corpus_seed: of the order of documents and windows.
        provenance: shared part of every file's metadata.
    """

    store: SuiteStore
    cache_dir: Path
    windows: WindowFiles | StreamWindows | StandInFiles | None
    corpus: str
    device: str
    corpus_seed: int
    provenance: Provenance
    workers: int = 1
    device_workers: int | None = None

    def memory(self, all_cards: bool = False) -> Memory:
        """What there is for each worker; of one GPU, or of all together."""
        return Memory.of(self.device, self.workers, self.device_workers, all_cards)

    def checkpoint(self, unit: Unit) -> Path:
        """Folder of the checkpoint, in Hugging Face layout, that the unit writes or reads."""
        return self.cache_dir / "checkpoints" / f"{unit.model_id}-{unit.checkpoint}"

    def trajectory(self, unit: Unit) -> Path:
        """Folder of the same model on the way, one checkpoint ``stepN`` per step it is kept at."""
        return self.cache_dir / "trajectories" / f"{unit.model_id}-{unit.trajectory}"

    def training(self, unit: Unit) -> Path:
        """Folder of the unit's training while it is under way."""
        return self.cache_dir / "training" / f"{unit.label}-{unit.key}"

    def coded(self, unit: Unit) -> Path:
        """Folder of the model's files, one per code, that the unit writes or reads."""
        return self.cache_dir / "coded" / f"{unit.model_label}-{unit.coded}"

    def moments(self, unit: Unit) -> Path:
        """Folder of what quantizers know of the inputs of the trained model's layers."""
        return self.cache_dir / "moments" / f"{unit.model_id}-{unit.moments}"

    def probes(self, unit: Unit) -> Path:
        """Folder of what the unit's random vectors have found so far."""
        return self.cache_dir / "probes" / f"{unit.label}-{unit.key}"

    def cached(self, unit: Unit, what: str) -> Path:
        """One of these by its name in ``Unit.makes`` and ``Unit.reads``."""
        folders = {
            "checkpoint": self.checkpoint,
            "trajectory": self.trajectory,
            "coded": self.coded,
        }
        return folders[what](unit)
