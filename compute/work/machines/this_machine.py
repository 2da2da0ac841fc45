"""This machine, as a session sees it: its processes do the work."""

import os
from collections.abc import Callable, Iterator
from typing import Any

import torch

from compute.base.memory import Memory
from compute.work.machines.devices import check_device
from compute.work.machines.executor import Event, run_units
from compute.work.unit import Unit
from compute.work.workspace import Workspace


class ThisMachine:
    """Processes of this machine."""

    def device(self, wanted: str | None) -> str:
        """``cuda`` where there is one."""
        if wanted is None:
            return "cuda" if torch.cuda.is_available() else "cpu"
        check_device(wanted)
        return wanted

    def workers(self, wanted: int | None, device: str) -> int:
        """One per core that this process may use, or one on a GPU, unless ``wanted``."""
        if wanted is not None:
            return wanted
        if device != "cpu":
            return 1
        if hasattr(os, "sched_getaffinity"):
            return len(os.sched_getaffinity(0))
        return os.cpu_count() or 1

    def call(self, _device: str, function: Callable, *args: Any) -> Any:
        """``function(*args)``, here."""
        return function(*args)

    def memory(self, workspace: Workspace, all_cards: bool = False) -> Memory:
        """What this machine has for each worker."""
        return workspace.memory(all_cards)

    def run_units(
        self,
        units: list[Unit],
        workspace: Workspace,
        workers: int,
        weight: Callable[[Unit], float],
        gpus: Callable[[Unit], float],
    ) -> Iterator[Event]:
        """In processes here; every one sees all GPUs."""
        return run_units(units, workspace, workers, weight)

    def close(self) -> None:
        """Nothing is left running between runs."""
