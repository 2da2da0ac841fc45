"""The artifacts of one address for all visitors: checked periodically, fetched once."""

import threading
import time
from collections.abc import Callable
from dataclasses import replace
from pathlib import Path
from typing import Any, TypeVar

from dashboard.artifacts.errors import ArtifactError
from dashboard.artifacts.files import files_state
from dashboard.artifacts.remote.address import Address
from dashboard.artifacts.remote.cache import Cache
from dashboard.artifacts.remote.fetching import Catalogue, fetch_suite, look
from dashboard.artifacts.remote.progress import Job, Progress
from dashboard.artifacts.remote.transport import Remote, UnreachableError
from dashboard.style.escaping import quoted

#: Seconds between checks of an address, while visitors use the last result; and the seconds
#: between attempts if it could not be reached.
_LOOKED_UP_FOR, _UNREACHED_FOR = 600, 60

#: Seconds before failed work is tried again.
_FAILED_FOR = 10

T = TypeVar("T")

#: Waits for a job, shows its progress, and returns its result.
Wait = Callable[[Job[T], str], T]


class RemoteSource:
    """The suites of an address."""

    def __init__(self, address: Address, cache: Cache) -> None:
        self.address = address
        self._cache = cache
        self._lock = threading.RLock()
        self._jobs: dict[str, Job] = {}
        self._catalogue: Catalogue | None = None
        self._look_again = 0.0

    def catalogue(self, wait: Wait) -> Catalogue:
        """The suites that exist; the last known ones if the address cannot be reached now.

        Raises:
            ArtifactError: no suite can be found.
        """
        with self._lock:  # a job is forgotten only when its result is known
            known = self._catalogue
            if known is not None and time.monotonic() < self._look_again:
                return known
            job = self._job("catalogue", lambda _: look(Remote(self.address), self._cache))
        if known is not None and not job.wait(0):
            return known
        try:
            found = wait(job, f"Looking for the measurements at {self.address.place}")
        except UnreachableError:
            if known is None:
                raise
            found = replace(known, reached=False)
        except ArtifactError:
            self._catalogue = None  # remove suites that no longer exist
            raise
        self._catalogue = found
        self._look_again = time.monotonic() + (_LOOKED_UP_FOR if found.reached else _UNREACHED_FOR)
        self._forget("catalogue", job)
        return found

    def note(self, catalogue: Catalogue) -> str:
        """A sentence if the shown artifacts may be out of date, empty otherwise."""
        if catalogue.reached:
            return ""
        return (
            f"{self.address.place} cannot be reached now. Shown is what was fetched from it "
            f"before; its manifest was last looked up on {catalogue.seen:%Y-%m-%d at %H:%M} UTC."
        )

    def folder(self, catalogue: Catalogue, name: str, wait: Wait) -> Path:
        """A local folder that contains the folder ``name`` with the verified files of that suite.

        Raises:
            ArtifactError: it cannot be fetched.
        """
        if name not in catalogue.suites:
            raise ArtifactError(
                f"There is no suite {quoted(name)} at {self.address.place}; choose another."
            )
        key = f"{catalogue.suites[name]} {name}"

        def fetch(progress: Progress) -> tuple[Path, str]:
            found = fetch_suite(Remote(self.address), self._cache, catalogue, name, progress)
            return found, files_state(found, name)

        def fetched() -> tuple[Job, tuple[Path, str]]:
            job = self._job(key, fetch)
            return job, wait(job, f"Fetching the measurements from {self.address.place}")

        job, (found, state) = fetched()
        if files_state(found, name) != state:  # the cache was emptied in the meantime
            self._forget(key, job)
            _, (found, _) = fetched()
        return found

    def _job(self, key: str, work: Callable[..., Any]) -> Job:
        """The job of this name, shared by all visitors; a failed one is started again."""
        with self._lock:
            if key not in self._jobs or self._jobs[key].failed_for(_FAILED_FOR):
                self._jobs[key] = Job(work)
            return self._jobs[key]

    def _forget(self, key: str, job: Job) -> None:
        with self._lock:
            if self._jobs.get(key) is job:
                del self._jobs[key]
