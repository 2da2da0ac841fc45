"""Folders of suites to be fetched, and a visitor who does."""

import hashlib
from dataclasses import dataclass
from pathlib import Path

from dashboard.artifacts.remote.address import parse_address
from dashboard.artifacts.remote.cache import Cache
from dashboard.artifacts.remote.progress import Job
from dashboard.artifacts.remote.source import RemoteSource
from tests.data.manifests import write_manifest

#: Files of a suite that only the fetching is tried with: nothing looks into them.
FILES = {f"{table}/m{i}.parquet": i for table in ("models", "quantized") for i in range(4)}


def a_suite(data: Path, name: str = "small") -> Path:
    """A folder of a suite with a manifest, of bytes that mean nothing."""
    for path, i in FILES.items():
        file = data / name / path
        file.parent.mkdir(parents=True, exist_ok=True)
        file.write_bytes(hashlib.sha256(f"{name}/{path}".encode()).digest() * (40 * i + 1))
    write_manifest(data / name)
    return data / name


def contents(folder: Path) -> dict[str, bytes]:
    """Path -> content of every artifact in a suite's folder."""
    return {
        path.relative_to(folder).as_posix(): path.read_bytes()
        for path in sorted(folder.rglob("*.parquet"))
    }


@dataclass(frozen=True)
class Visitor:
    """Somebody who asks an app for the artifacts of an address.

    Attributes:
        source: what the app would share between visitors.
        cache: folder of the cache.
    """

    source: RemoteSource
    cache: Path

    @classmethod
    def of(cls, address: str, cache: Path) -> "Visitor":
        return cls(RemoteSource(parse_address(address), Cache(cache)), cache)

    def names(self) -> list[str]:
        return list(self.source.catalogue(wait).suites)

    def note(self) -> str:
        return self.source.note(self.source.catalogue(wait))

    def version(self, name: str) -> str:
        return self.source.catalogue(wait).suites[name]

    def folder(self, name: str) -> Path:
        """The suite's local folder."""
        return self.source.folder(self.source.catalogue(wait), name, wait) / name


def wait(job: Job, text: str):
    """Waits without showing anything."""
    return job.result()
