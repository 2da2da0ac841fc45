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

from compute.unit import Unit
from compute.workspace import Workspace

#: A worker reports progress at most this often, in seconds.
REPORT_EVERY = 0.5

#: What workers tell glibc: to keep memory that is freed.  It would go back to the system after
#: every large temporary and be cleared for the next, a seventh of a curvature product's time.
_KEEP_MEMORY = {
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

    A unit starts once those of its needs that are among ``units`` have ended well; if one of
    them failed it never starts and yields nothing.  Of those that can start, the one with the
    heaviest chain of work behind it goes first.  A worker that dies takes down only its own
    unit.  Closing the iterator (an interrupt does) stops all workers.

    Args:
        weight: expected seconds of a unit.
    """
    names = {unit.name for unit in units}
    waiting = {unit.name: set(unit.needs) & names for unit in units}
    queue = sorted(units, key=_chain_weights(units, weight).__getitem__, reverse=True)
    pool = [_start_worker(workspace) for _ in range(min(workers, len(units)))]
    try:
        while True:
            for worker in pool:
                ready = next((u for u in queue if not waiting[u.name]), None)
                if worker.unit is None and ready is not None:
                    queue.remove(ready)
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
                        for needs in waiting.values():
                            needs.discard(event.unit.name)
                if worker.unit is None and not worker.process.is_alive():
                    pool[pool.index(worker)] = _start_worker(workspace)
    finally:
        for worker in pool:
            worker.pipe.close()  # an idle worker takes this as its end
            if worker.unit is not None:
                worker.process.terminate()
        for worker in pool:
            worker.process.join()


def _chain_weights(units: list[Unit], weight: Callable[[Unit], float]) -> dict[Unit, float]:
    """Weight of each unit plus its heaviest chain of dependents."""
    chains: dict[Unit, float] = {}
    for unit in reversed(units):
        dependents = [chains[u] for u in chains if unit.name in u.needs]
        chains[unit] = weight(unit) + max(dependents, default=0.0)
    return chains


def _start_worker(workspace: Workspace) -> _Worker:
    for name, value in _KEEP_MEMORY.items():
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
    from compute.perform import Outcome, record

    code = worker.process.exitcode
    how = f"killed by signal {-code} ({signal.Signals(-code).name})" if code < 0 else f"exit {code}"
    hint = "; the machine may be out of memory" if code == -signal.SIGKILL else ""
    outcome = Outcome(f"the worker process died: {how}{hint}", time.monotonic() - worker.started)
    record(worker.unit, workspace, outcome, peak_memory_bytes=0)
    return Finished(worker.unit, outcome.error, outcome.seconds)


def _work(pipe: Connection, workspace: Workspace) -> None:
    """Main loop of a worker: one unit at a time, until the pipe closes."""
    # Ctrl-C reaches the whole process group; the parent decides what becomes of the workers.
    signal.signal(signal.SIGINT, signal.SIG_IGN)
    threading.Thread(target=_exit_with_parent, daemon=True).start()
    from compute.perform import perform, prepare_process

    prepare_process()
    last = 0.0

    def report(tokens: int) -> None:
        nonlocal last
        if time.monotonic() - last >= REPORT_EVERY:
            last = time.monotonic()
            pipe.send(tokens)

    with contextlib.suppress(EOFError):
        while True:
            pipe.send(perform(pipe.recv(), workspace, report))


def _exit_with_parent() -> None:
    """End this worker at once when the run is killed, lest it write beside the next one."""
    wait([multiprocessing.parent_process().sentinel])
    os._exit(1)
