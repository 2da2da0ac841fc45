"""The machines of a Ray cluster as a session sees them."""

from collections.abc import Callable, Iterator
from contextlib import ExitStack
from dataclasses import replace
from pathlib import Path
from typing import Any

import ray
from ray.exceptions import RayTaskError

from compute.base.errors import InputError
from compute.base.memory import Memory
from compute.work.machines.devices import check_device
from compute.work.machines.executor import Event
from compute.work.machines.ray.checks import check_machines
from compute.work.machines.ray.connection import connected, task_options
from compute.work.machines.ray.executor import run_units_on_ray
from compute.work.machines.ray.resources import RESOURCES, most_gpus, settled
from compute.work.unit import Unit
from compute.work.workspace import Workspace


class RayCluster:
    """Machines of a Ray cluster that see the same folders and run the same code.

    Args:
        address: as in ``connected``.
        workers: as in ``connected``.
        folders: of artifacts and of the cache.
    """

    def __init__(self, address: str | None, workers: int | None, folders: tuple[Path, ...]):
        self._folders = [folder.absolute() for folder in folders]
        self._connection = ExitStack()
        self._connection.enter_context(connected(address, workers))

    def device(self, wanted: str | None) -> str:
        """``cuda`` where the cluster has GPUs; checks each machine that has the device."""
        has = ray.cluster_resources()
        device = wanted or ("cuda" if has.get("GPU") else "cpu")
        if device not in RESOURCES:
            raise InputError(
                f"The device {device!r} cannot be asked of Ray, which hands out GPUs itself; "
                "choose cpu or cuda."
            )
        resource = RESOURCES[device]
        if not has.get(resource):
            raise InputError(
                f"The device {device!r} cannot be used: the Ray cluster has no {resource}."
            )
        check_machines(resource, self._folders)
        self.call(device, check_device, device)
        return device

    def workers(self, wanted: int | None, device: str) -> int:
        """One per GPU of the cluster, or per CPU, unless ``wanted``."""
        return wanted or int(ray.cluster_resources()[RESOURCES[device]])

    def call(self, device: str, function: Callable, *args: Any) -> Any:
        """``function(*args)`` on one of the machines, once its device is free."""
        task = ray.remote(function).options(**task_options(float(device == "cuda")))
        try:
            return ray.get(task.remote(*args))
        except RayTaskError as error:
            raise error.cause from None

    def memory(self, workspace: Workspace, all_cards: bool = False) -> Memory:
        """What there is for each worker, on one of the machines."""
        found = self.call(workspace.device, _memory, workspace)
        cards = most_gpus() if all_cards and workspace.device == "cuda" else 1
        return replace(found, device_bytes=int(found.device_bytes * cards))

    def run_units(
        self,
        units: list[Unit],
        workspace: Workspace,
        workers: int,
        weight: Callable[[Unit], float],
        gpus: Callable[[Unit], float],
    ) -> Iterator[Event]:
        """As ``executor.run_units``."""
        return run_units_on_ray(units, workspace, workers, weight, gpus=gpus)

    def close(self) -> None:
        """Disconnect, and stop Ray if it was started here."""
        self._connection.close()


def _memory(workspace: Workspace) -> Memory:
    return settled(workspace, float(workspace.device == "cuda")).memory()
