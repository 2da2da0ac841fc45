"""Run units on Ray, on more than one GPU or machine: the events and files of ``executor``."""

import time
from collections import Counter
from collections.abc import Callable, Iterator
from dataclasses import dataclass, field
from typing import Any

import ray
from ray.exceptions import OutOfMemoryError, RayError, RayTaskError

from compute.base.errors import InputError
from compute.base.process_memory import keep_what_is_here
from compute.base.terminal import console
from compute.work.machines.devices import prepare_process
from compute.work.machines.executor import (
    REPORT_EVERY,
    Event,
    Finished,
    Progressed,
    Started,
    failed,
    throttled,
)
from compute.work.machines.perform import Outcome, perform
from compute.work.machines.ray.connection import connected, task_options
from compute.work.machines.ray.progress import ProgressBoard
from compute.work.machines.ray.resources import most_gpus, settled
from compute.work.schedule import Schedule
from compute.work.unit import Unit
from compute.work.workspace import Workspace

#: A unit whose worker dies is tried again this often, each time on a new worker.
RETRIES = 2

#: Seconds that workers have to end when a run is stopped.
END_WITHIN = 10.0


def one_gpu(_unit: Unit) -> float:
    """What a unit takes unless told otherwise."""
    return 1.0


@ray.remote
class _Worker:
    """A process that performs one unit at a time and keeps its GPU between them."""

    def __init__(self, workspace: Workspace, gpus: float, board: Any):
        prepare_process()
        keep_what_is_here()
        self._workspace = settled(workspace, gpus)
        self._board = board

    def perform(self, unit: Unit) -> Outcome:
        report = throttled(lambda tokens: self._board.put.remote(unit.name, tokens))
        return perform(unit, self._workspace, report)


@dataclass
class _Slot:
    """A worker with its unit."""

    worker: Any
    gpus: float
    unit: Unit
    started: float = field(default_factory=time.monotonic)


def run_units_on_ray(
    units: list[Unit],
    workspace: Workspace,
    workers: int,
    weight: Callable[[Unit], float],
    address: str | None = None,
    gpus: Callable[[Unit], float] = one_gpu,
) -> Iterator[Event]:
    """Run ``units`` on ``workers`` processes of a Ray cluster and yield what happens.

    As ``executor.run_units``, but a unit whose worker or machine dies is tried again on another
    worker, up to ``RETRIES`` times, and then recorded as failed.  It starts once, when it is
    handed to Ray, which may keep it waiting for a free GPU.  A connection to Ray that is there
    is used; else one is made, and closed at the end.

    Args:
        weight: expected seconds of a unit.
        address: of the cluster, as in ``connection.connected``; None starts Ray here.
        gpus: how many a unit takes where the device is ``cuda``: a whole number, or a share
            of one.

    Raises:
        InputError: no cluster answers, or no machine has as many GPUs as a unit takes.
    """
    with connected(address, workers):
        needs = {unit.name: gpus(unit) if workspace.device == "cuda" else 0.0 for unit in units}
        _check_fits(needs)
        pool = _Pool(workspace, needs)
        schedule, tries = Schedule(units, weight), Counter()
        try:
            while True:
                while len(pool.busy) < workers and (unit := schedule.take()) is not None:
                    pool.start(unit)
                    yield Started(unit)
                pool.dismiss_idle()
                if not pool.busy:
                    return
                ended, _ = ray.wait(list(pool.busy), timeout=REPORT_EVERY)
                yield from pool.progress()
                for task in ended:
                    slot = pool.busy[task]
                    try:
                        event = pool.collect(task)
                    except RayError as error:
                        tries[slot.unit.name] += 1
                        if tries[slot.unit.name] <= RETRIES:
                            _say_retried(slot.unit, error)
                            pool.start(slot.unit)
                            continue
                        count = f"{RETRIES + 1} times"
                        sentence = f"the worker process died {count}, at last because {_why(error)}"
                        event = failed(slot.unit, workspace, sentence, slot.started)
                    if event.error is None:
                        schedule.ended_well(event.unit)
                    yield event
        finally:
            pool.stop()


class _Pool:
    """Workers, each with its unit, by the task that Ray carries out."""

    def __init__(self, workspace: Workspace, needs: dict[str, float]):
        self._workspace, self._needs = workspace, needs
        self._board = ProgressBoard.remote()
        self.busy: dict[Any, _Slot] = {}
        self.idle: list[_Slot] = []

    def start(self, unit: Unit) -> None:
        """Give ``unit`` to an idle worker that has what it needs, or to a new one."""
        gpus = self._needs[unit.name]
        free = next((slot for slot in self.idle if slot.gpus == gpus), None)
        if free is not None:
            self.idle.remove(free)
            worker = free.worker
        else:
            worker = _Worker.options(**task_options(gpus)).remote(
                self._workspace, gpus, self._board
            )
        self.busy[worker.perform.remote(unit)] = _Slot(worker, gpus, unit)

    def progress(self) -> Iterator[Progressed]:
        """How far the running units are, of those that have said so since the last call."""
        running = {slot.unit.name: slot.unit for slot in self.busy.values()}
        for name, tokens in ray.get(self._board.take.remote()).items():
            if name in running:  # else what it says came after its end
                yield Progressed(running[name], tokens)

    def collect(self, task: Any) -> Finished:
        """The end of a unit; what escaped ``perform`` is recorded here.

        Raises:
            RayError: its worker died.
        """
        slot = self.busy.pop(task)
        try:
            outcome = ray.get(task)
        except RayTaskError as error:
            cause = f"{type(error.cause).__name__}: {error.cause}".splitlines()[0]
            return failed(slot.unit, self._workspace, cause, slot.started)
        except RayError:
            ray.kill(slot.worker)  # it may be alive but cut off, and must not write any more
            raise
        self.idle.append(slot)
        return Finished(slot.unit, outcome.error, outcome.seconds)

    def dismiss_idle(self) -> None:
        """End workers for which nothing is ready: another one may wait for their GPU."""
        for slot in self.idle:
            ray.kill(slot.worker)
        self.idle.clear()

    def stop(self) -> None:
        """End all workers, and wait until they write no more."""
        self.dismiss_idle()
        for slot in self.busy.values():
            ray.kill(slot.worker)
        if self.busy:
            ray.wait(list(self.busy), num_returns=len(self.busy), timeout=END_WITHIN)


def _check_fits(needs: dict[str, float]) -> None:
    most = most_gpus()
    for name, gpus in needs.items():
        if gpus > most:
            raise InputError(
                f"The unit {name} takes {gpus:g} GPUs, and no machine of the Ray cluster has more "
                f"than {most:g}."
            )


def _say_retried(unit: Unit, error: RayError) -> None:
    console.print(f"[yellow]again[/yellow] {unit.name}: its worker died because {_why(error)}")


def _why(error: RayError) -> str:
    """What Ray knows of the end of a worker, as a clause; it tells no signals."""
    text = str(error)
    if isinstance(error, OutOfMemoryError):
        return "its machine ran out of memory"
    if "node has died" in text or "node was terminated" in text:
        return "its machine went away"
    if "error raised in its creation task" in text:
        return f"it could not start: {text.strip().splitlines()[-1]}"
    return "it was killed or crashed; the machine may be out of memory"
