"""The machines of a session: this machine, or a Ray cluster (``ray``)."""

from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any, Protocol

from compute.base.errors import InputError
from compute.base.memory import Memory
from compute.work.machines.executor import Event
from compute.work.machines.this_machine import ThisMachine
from compute.work.unit import Unit
from compute.work.workspace import Workspace

EXECUTORS = ("local", "ray")


class Machines(Protocol):
    """What a session asks of the machines that do its work."""

    def device(self, wanted: str | None) -> str:
        """The torch device to use, tried out; an InputError if it cannot be."""

    def workers(self, wanted: int | None, device: str) -> int:
        """Processes to work side by side."""

    def call(self, device: str, function: Callable, *args: Any) -> Any:
        """``function(*args)`` where ``device`` is."""

    def memory(self, workspace: Workspace, all_cards: bool = False) -> Memory:
        """What there is for each worker; of one GPU, or of all that one worker can have."""

    def run_units(
        self,
        units: list[Unit],
        workspace: Workspace,
        workers: int,
        weight: Callable[[Unit], float],
        gpus: Callable[[Unit], float],
    ) -> Iterator[Event]:
        """As ``executor.run_units``; ``gpus`` says how many a unit takes where they are shared
        out."""

    def close(self) -> None:
        """Release everything that was started."""


def choose_machines(
    executor: str, address: str | None, workers: int | None, folders: tuple[Path, ...]
) -> Machines:
    """The machines that ``--executor`` and ``--address`` name.

    Args:
        folders: those of artifacts and of the cache, which every machine must see.

    Raises:
        InputError: one sentence naming what is wrong.
    """
    if executor not in EXECUTORS:
        raise InputError(f"There is no executor {executor!r}; choose {' or '.join(EXECUTORS)}.")
    if address is not None and executor != "ray":
        raise InputError(
            f"The address {address!r} is of a Ray cluster; give --executor ray with it."
        )
    if workers is not None and workers < 1:
        raise InputError(f"The number of workers must be at least 1, not {workers}.")
    if executor == "local":
        return ThisMachine()
    try:
        from compute.work.machines.ray.cluster import RayCluster
    except ModuleNotFoundError as error:
        if error.name != "ray":
            raise
        raise InputError(
            "The executor ray needs the package ray, which is not installed here; "
            "`pip install -r compute/ray-requirements.txt` installs it."
        ) from None
    return RayCluster(address, workers, folders)
