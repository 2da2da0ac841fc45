"""Background work that several visitors may wait for, and its progress."""

import threading
import time
from collections.abc import Callable
from typing import Generic, TypeVar

from dashboard.artifacts.errors import ArtifactError

T = TypeVar("T")


class Progress:
    """Progress of fetching a suite; threads add to it."""

    def __init__(self) -> None:
        self._lock = threading.Lock()
        self.files = self.whole_files = self.bytes = self.got_bytes = 0

    def expect(self, files: int, size: int) -> None:
        """Announce files and bytes to fetch."""
        self.files, self.bytes = files, size

    def add(self, size: int, whole: bool = False) -> None:
        """Add fetched bytes, and one file if it is ``whole``."""
        with self._lock:
            self.got_bytes += size
            self.whole_files += whole

    @property
    def share(self) -> float:
        """Fetched share of all bytes, from 0 to 1."""
        return min(1.0, self.got_bytes / self.bytes) if self.bytes else 0.0

    @property
    def words(self) -> str:
        """For example ``12 of 45 files, 1.2 of 8.0 MB``; empty while nothing is known."""
        if not self.files:
            return ""
        megabytes = f"{self.got_bytes / 1e6:.1f} of {self.bytes / 1e6:.1f} MB"
        return f"{self.whole_files} of {self.files} files, {megabytes}"


class Job(Generic[T]):
    """Work that runs once, in its own thread: a visitor who leaves does not stop it.

    Attributes:
        progress: of the work.
    """

    def __init__(self, work: Callable[[Progress], T]) -> None:
        self.progress = Progress()
        self._work = work
        self._done = threading.Event()
        self._result: T | None = None
        self._error: BaseException | None = None
        self._ended = 0.0
        threading.Thread(target=self._run, name="artifacts", daemon=True).start()

    def _run(self) -> None:
        try:
            self._result = self._work(self.progress)
        except BaseException as error:  # noqa: BLE001 - raised again in the waiting threads
            self._error = error
        finally:
            self._ended = time.monotonic()
            self._done.set()

    def wait(self, seconds: float | None = None) -> bool:
        """Whether the work is done; waits at most so many seconds."""
        return self._done.wait(seconds)

    def failed_for(self, seconds: float) -> bool:
        """Whether it raised an error, at least so many seconds ago."""
        failed = self._done.is_set() and self._error is not None
        return failed and time.monotonic() - self._ended >= seconds

    def result(self) -> T:
        """The result of the work.

        Raises:
            ArtifactError: that the work raised, or any other error of it.
        """
        self._done.wait()
        if isinstance(self._error, ArtifactError):
            raise type(self._error)(*self._error.args)  # every visitor gets a separate one
        if self._error is not None:
            raise self._error
        return self._result
