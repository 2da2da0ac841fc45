"""A Ray cluster, or Ray on this machine: connect, check its machines, run functions there."""

import os
import subprocess
import sys
import tempfile
from collections.abc import Callable, Iterator
from contextlib import ExitStack, contextmanager
from dataclasses import replace
from pathlib import Path
from typing import Any

import ray
from ray.exceptions import RayError, RayTaskError
from ray.util.scheduling_strategies import NodeAffinitySchedulingStrategy

from compute.curvature.memory import Memory
from compute.errors import InputError
from compute.executor import KEEP_MEMORY, Event
from compute.machines import check_device
from compute.perform import describe_device
from compute.provenance import ROOT, code_digest, library_versions
from compute.unit import Unit
from compute.workspace import Workspace

#: Seconds within which a cluster must answer.
ANSWER_WITHIN = 20.0

#: For objects that tasks exchange, in bytes; ours are small, and Ray takes no less than 75 MiB.
OBJECT_STORE_BYTES = 100 * 2**20


@contextmanager
def connected(address: str | None, workers: int | None) -> Iterator[None]:
    """A connection to Ray, closed afterwards unless there was one before.

    Args:
        address: ``host:port`` of the cluster's head, or ``auto`` on one of its machines; None
            starts Ray on this machine alone, with one CPU for each of ``workers``.

    Raises:
        InputError: nothing answers there in time.
    """
    if ray.is_initialized():
        yield
        return
    os.environ.setdefault("RAY_USAGE_STATS_ENABLED", "0")  # sends nothing to Ray's makers
    quiet = {"logging_level": "ERROR", "log_to_driver": False}
    if address is None:
        local = {"object_store_memory": OBJECT_STORE_BYTES, "include_dashboard": False}
        ray.init("local", num_cpus=workers, **local, **quiet)
    else:
        _check_answers(address)
        try:
            ray.init(address, **quiet)
        except (OSError, RuntimeError, ValueError, RayError) as error:
            raise InputError(
                f"The Ray cluster at {address} cannot be joined from here; run this on one of its "
                f"machines with the same versions of Python and Ray: {_first_line(error)}"
            ) from None
    try:
        yield
    finally:
        ray.shutdown()


def _check_answers(address: str) -> None:
    """Ask in a process of its own: where nothing answers, Ray tries for minutes and then exits."""
    ask = [sys.executable, "-m", "ray.scripts.scripts", "health-check", "--address", address]
    try:
        answers = subprocess.run(ask, capture_output=True, timeout=ANSWER_WITHIN).returncode == 0
    except subprocess.TimeoutExpired:
        answers = False
    if not answers:
        raise InputError(
            f"No Ray cluster answers at the address {address!r}; give host:port of its head "
            "(`ray start --head` prints it), or auto on one of its machines."
        )


def task_options(gpus: float) -> dict[str, Any]:
    """Ray's options for a process of ours: ``gpus`` GPUs or else one CPU, and our code."""
    variables = {name: os.environ.get(name, value) for name, value in KEEP_MEMORY.items()}
    variables["PYTHONPATH"] = os.pathsep.join(
        [str(ROOT), *filter(None, [os.environ.get("PYTHONPATH")])]
    )
    return {
        "num_gpus": gpus,
        "num_cpus": 0 if gpus else 1,
        "runtime_env": {"env_vars": variables},
    }


def settled(workspace: Workspace, gpus: float) -> Workspace:
    """``workspace`` as it is for a worker in this process: its device, and who shares it."""
    node = ray.get_runtime_context().get_node_id()
    has = next(n["Resources"] for n in ray.nodes() if n["NodeID"] == node)
    room = has["GPU"] / gpus if gpus else has["CPU"]
    device = describe_device(workspace.device)
    return replace(
        workspace,
        workers=min(workspace.workers, int(room)),
        device_workers=max(int(1 / gpus), 1) if gpus else None,
        provenance=replace(workspace.provenance, device=device),
    )


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
        there = ray.cluster_resources().get("GPU", 0)
        device = wanted or ("cuda" if there else "cpu")
        if device not in ("cpu", "cuda"):
            raise InputError(
                f"The device {device!r} cannot be asked of Ray, which hands out GPUs itself; "
                "choose cpu or cuda."
            )
        if device == "cuda" and not there:
            raise InputError("The device 'cuda' cannot be used: the Ray cluster has no GPU.")
        check_machines("GPU" if device == "cuda" else "CPU", self._folders)
        self.call(device, check_device, device)
        return device

    def workers(self, wanted: int | None, device: str) -> int:
        """One per GPU of the cluster, or per CPU, unless ``wanted``."""
        return wanted or int(ray.cluster_resources()["GPU" if device == "cuda" else "CPU"])

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
        from compute.ray_executor import run_units_on_ray

        return run_units_on_ray(units, workspace, workers, weight, gpus=gpus)

    def close(self) -> None:
        """Disconnect, and stop Ray if it was started here."""
        self._connection.close()


def most_gpus() -> float:
    """Of one machine."""
    return max(node["Resources"].get("GPU", 0) for node in ray.nodes() if node["Alive"])


def _memory(workspace: Workspace) -> Memory:
    return settled(workspace, float(workspace.device == "cuda")).memory()


def check_machines(resource: str, folders: list[Path]) -> None:
    """Refuse a cluster unless all its machines with ``resource`` are fit for our units.

    Each must run the same code and libraries as this process, and see in ``folders``, or in
    what there is of them, a file that is put there for the check.

    Raises:
        InputError: names the first machine that does not, and the folder or the library.
    """
    with ExitStack() as stack:
        marks = {}
        for folder in folders:
            there = next(path for path in (folder, *folder.parents) if path.is_dir())
            mark = stack.enter_context(tempfile.NamedTemporaryFile(dir=there, prefix=".seen-"))
            marks[str(folder)] = mark.name
        look = _look_for(marks)
        looks = []
        for node in ray.nodes():
            if node["Alive"] and node["Resources"].get(resource):
                there = NodeAffinitySchedulingStrategy(node["NodeID"], soft=False)
                options = task_options(0) | {"num_cpus": 0, "scheduling_strategy": there}
                found = ray.remote(look).options(**options).remote()
                looks.append((node["NodeManagerHostname"], found))
        for name, found in looks:
            try:
                _check_machine(name, *ray.get(found, timeout=ANSWER_WITHIN))
            except RayError as error:
                raise InputError(
                    f"The machine {name} of the Ray cluster does not answer: {_first_line(error)}"
                ) from None


#: What a machine says: the folders it does not see; why our code does not run there; the code's
#: digest; versions of libraries.
Look = tuple[list[str], str | None, str, dict[str, str]]


def _look_for(marks: dict[str, str]) -> Callable[[], Look]:
    """A function that Ray ships whole, so that it runs where our code is not found."""

    def look() -> Look:
        from pathlib import Path

        unseen = [folder for folder, mark in marks.items() if not Path(mark).exists()]
        try:
            from compute.provenance import code_digest, library_versions

            return unseen, None, code_digest(), library_versions()
        except ImportError as error:  # also of a library whose version is asked for
            return unseen, str(error), "", {}

    return look


def _check_machine(
    name: str, unseen: list[str], fault: str | None, digest: str, versions: dict[str, str]
) -> None:
    machine = f"The machine {name} of the Ray cluster"
    if fault is not None:
        raise InputError(
            f"{machine} cannot run the code in {ROOT} ({fault}); all machines must share that "
            "folder and have the same packages."
        )
    if digest != code_digest():
        raise InputError(f"{machine} has other code in the folder {ROOT}; all must share it.")
    for folder in unseen:
        raise InputError(f"{machine} does not see the folder {folder}; all machines must share it.")
    for library, version in library_versions().items():
        if versions[library] != version:
            raise InputError(
                f"{machine} has {library} {versions[library]}, and this one has {version}; "
                "install the same everywhere."
            )


def _first_line(error: Exception) -> str:
    return next(iter(str(error).splitlines()), type(error).__name__)
