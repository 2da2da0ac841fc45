"""Run units in worker processes: dependencies first, failures contained, progress as it comes."""

import contextlib
import multiprocessing
import os
import signal
import threading
import time
from collections.abc import Callable, Iterator
from dataclasses import dataclass, field
from multiprocessing.connection import Connection, wait
from typing import Any

from compute.work.schedule import Schedule
from compute.work.unit import Unit
from compute.work.workspace import Workspace

#: A worker reports progress at most this often, in seconds.
REPORT_EVERY = 0.5

#: What workers tell glibc: to keep memory that is freed.  It would go back to the system after
#: every large temporary and be cleared for the next, a seventh of a curvature product's time.
KEEP_MEMORY = {
    "MALLOC_MMAP_THRESHOLD_": f"{4 << 30}",
    "MALLOC_TRIM_THRESHOLD_": f"{8 << 30}",
}

#: Fresh interpreters: a fork of a process that runs threads (torch does) may deadlock.
_spawn = multiprocessing.get_context("spawn")


@dataclass(frozen=True)
class Started:
    """A worker has taken the unit."""

    unit: Unit


@dataclass(frozen=True)
class Progressed:
    """The unit has been through this many tokens."""

    unit: Unit
    tokens: int


@dataclass(frozen=True)
class Finished:
    """The unit has ended; ``error`` is None if its files are written."""

    unit: Unit
    error: str | None
    seconds: float


Event = Started | Progressed | Finished


@dataclass
class _Worker:
    process: Any
    pipe: Connection
    unit: Unit | None = None
    started: float = field(default_factory=time.monotonic)


def run_units(
    units: list[Unit],
    workspace: Workspace,
    workers: int,
    weight: Callable[[Unit], float],
) -> Iterator[Event]:
    """Run ``units`` on ``workers`` processes and yield what happens.

    Units start in the order of ``Schedule``; one that needs a failed unit yields nothing.  A
    worker that dies takes down only its own unit.  A unit waits while those that run leave too
    little memory for it beside them, so that fewer workers may be busy than there are.  Closing the
    iterator (an interrupt does) stops all workers.

    Args:
        weight: expected seconds of a unit.
    """
    schedule = Schedule(units, weight)
    pool = [_start_worker(workspace) for _ in range(min(workers, len(units)))]
    room = _Room(workspace.device)
    try:
        while True:
            for place, worker in enumerate(pool):
                if worker.unit is not None:
                    continue
                running = [other.unit for other in pool if other.unit is not None]
                ready = schedule.take(lambda unit, others=running: room.fits(unit, others))
                if ready is not None:
                    if not worker.process.is_alive():  # replaced only if there is work for another
                        worker = pool[place] = _start_worker(workspace)
                    worker.unit, worker.started = ready, time.monotonic()
                    yield Started(ready)
                    # A dead worker is found out below, by the end of its pipe.
                    with contextlib.suppress(OSError):
                        worker.pipe.send(ready)
            busy = [worker for worker in pool if worker.unit is not None]
            if not busy:
                return
            events = wait([w.pipe for w in busy] + [w.process.sentinel for w in busy])
            for worker in busy:
                if worker.pipe not in events and worker.process.sentinel not in events:
                    continue
                for event in _receive(worker, workspace):
                    yield event
                    if isinstance(event, Finished) and event.error is None:
                        schedule.ended_well(event.unit)
    finally:
        for worker in pool:
            worker.pipe.close()  # an idle worker takes this as its end
            if worker.unit is not None:
                worker.process.terminate()
        for worker in pool:
            worker.process.join()


class _Room:
    """Memory that units share."""

    def __init__(self, device: str) -> None:
        from compute.base.process_memory import free_bytes

        self.device, self.free = device, free_bytes()

    def fits(self, unit: Unit, others: list[Unit]) -> bool:
        """Whether there is memory for a unit beside those that run.  Alone it may always start:
        it says itself if there is too little."""
        if not others or self.free is None:
            return True
        needs = [each.host_bytes(self.device) for each in (unit, *others)]
        return sum(need or 0 for need in needs) <= self.free


def failed(unit: Unit, workspace: Workspace, error: str, started: float) -> Finished:
    """Record the failure of a unit whose worker could not do so itself.

    Args:
        started: ``time.monotonic()`` when the unit did.
    """
    from compute.work.machines.perform import Outcome, record

    outcome = Outcome(error, time.monotonic() - started)
    record(unit, workspace, outcome)
    return Finished(unit, outcome.error, outcome.seconds)


def throttled(send: Callable[[int], None]) -> Callable[[int], None]:
    """``send``, but no more often than every ``REPORT_EVERY`` seconds; counts between are lost."""
    last = 0.0

    def report(tokens: int) -> None:
        nonlocal last
        if time.monotonic() - last >= REPORT_EVERY:
            last = time.monotonic()
            send(tokens)

    return report


def _start_worker(workspace: Workspace) -> _Worker:
    for name, value in KEEP_MEMORY.items():
        os.environ.setdefault(name, value)  # read when a process starts, so of no effect on ours
    ours, theirs = _spawn.Pipe()
    process = _spawn.Process(target=_work, args=(theirs, workspace), daemon=True)
    process.start()
    theirs.close()
    return _Worker(process, ours)


def _receive(worker: _Worker, workspace: Workspace) -> Iterator[Event]:
    """Everything a worker has to say; if it died, that its unit failed."""
    alive = worker.process.is_alive()  # asked first: what a dead one had to say is in the pipe
    try:
        while worker.pipe.poll():
            message = worker.pipe.recv()
            unit = worker.unit
            if isinstance(message, int):
                yield Progressed(unit, message)
            else:
                worker.unit = None
                yield Finished(unit, message.error, message.seconds)
    except (EOFError, OSError):  # the latter where it died with messages of ours unread
        worker.process.join()
        alive = False
    # One that dies while it starts may leave its pipe without an end to be read.
    if worker.unit is not None and not alive:
        yield _died(worker, workspace)
        worker.unit = None


def _died(worker: _Worker, workspace: Workspace) -> Finished:
    code = worker.process.exitcode
    how = f"killed by signal {-code} ({signal.Signals(-code).name})" if code < 0 else f"exit {code}"
    hint = "; the machine may be out of memory" if code == -signal.SIGKILL else ""
    error = f"the worker process died: {how}{hint}"
    return failed(worker.unit, workspace, error, worker.started)


def _work(pipe: Connection, workspace: Workspace) -> None:
    """Main loop of a worker: one unit at a time, until the pipe closes."""
    # Ctrl-C reaches the whole process group; the parent decides what becomes of the workers.
    signal.signal(signal.SIGINT, signal.SIG_IGN)
    threading.Thread(target=_exit_with_parent, daemon=True).start()
    from compute.base.process_memory import keep_loaded
    from compute.work.machines.devices import prepare_process
    from compute.work.machines.perform import perform

    prepare_process()
    keep_loaded()
    report = throttled(pipe.send)
    with contextlib.suppress(EOFError):
        while True:
            pipe.send(perform(pipe.recv(), workspace, report))


def _exit_with_parent() -> None:
    """End this worker at once when the run is killed, so that it does not write later."""
    wait([multiprocessing.parent_process().sentinel])
    os._exit(1)
