"""Several reads at once, in bounded memory."""

from collections.abc import Callable, Iterable, Iterator
from concurrent.futures import FIRST_COMPLETED, Future, ThreadPoolExecutor, wait
from typing import TypeVar

#: Reads of one stream at a time: enough to hide the latency of a server far away.
THREADS = 16

Job = TypeVar("Job")


def reads_in_flight(
    read: Callable[[Job], bytes], jobs: Iterable[Job], stop: Callable[[], None]
) -> Iterator[list[tuple[Job, bytes]]]:
    """Yield the jobs with what they read, in groups, as they come.

    After a failure nothing new is begun, and what was in flight still comes: it has been paid for.

    Args:
        read: called in threads.
        jobs: what to call it with; at most ``THREADS`` of them are taken ahead.
        stop: called when the reads should no longer be tried again.

    Raises:
        Exception: the first that ``read`` raised, after the last group.
    """
    waiting = iter(jobs)
    running: dict[Future[bytes], Job] = {}
    failure = None
    with ThreadPoolExecutor(THREADS) as pool:
        try:
            while True:
                while failure is None and len(running) < THREADS:
                    job = next(waiting, None)
                    if job is None:
                        break
                    running[pool.submit(read, job)] = job
                if not running:
                    break
                arrived = []
                for future in wait(running, return_when=FIRST_COMPLETED).done:
                    job = running.pop(future)
                    error = future.exception()
                    if error is None:
                        arrived.append((job, future.result()))
                    elif failure is None:
                        failure = error
                        stop()
                if arrived:
                    yield arrived
        finally:
            stop()
    if failure is not None:
        raise failure
