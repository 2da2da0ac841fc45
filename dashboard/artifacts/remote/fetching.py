"""Find the suites of an address, and fetch the files of one of them."""

import time
from collections.abc import Callable, Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import suppress
from dataclasses import dataclass
from datetime import UTC, datetime
from pathlib import Path
from typing import TypeVar

import schema
from dashboard.artifacts.errors import ArtifactError
from dashboard.artifacts.manifest import (
    MOST_MANIFEST_BYTES,
    Collection,
    File,
    Manifest,
    read_manifest,
    sha256,
)
from dashboard.artifacts.remote.cache import Cache, Known, NotWholeError
from dashboard.artifacts.remote.progress import Progress
from dashboard.artifacts.remote.transport import Remote, UnreachableError
from dashboard.style.escaping import quoted

#: Files that are fetched in parallel.
_AT_ONCE = 8

#: Number of attempts per file, and the seconds between them.
_ATTEMPTS, _PAUSE_SECONDS = 2, 0.5

T = TypeVar("T")


@dataclass(frozen=True)
class Catalogue:
    """The suites of an address.

    Attributes:
        suites: name -> SHA-256 of the suite's manifest.
        single: whether the address is that of the one suite itself.
        seen: when it was looked up, in UTC.
        reached: whether the address could be reached when it was last tried.
    """

    suites: dict[str, str]
    single: bool
    seen: datetime
    reached: bool = True


def look(remote: Remote, cache: Cache) -> Catalogue:
    """The suites of an address, or its last known ones if it cannot be reached.

    Raises:
        UnreachableError: it cannot be reached and never was.
        ArtifactError: it has no usable suites.
    """
    url, seen = remote.address.url, datetime.now(UTC)
    try:
        content = _insisting(lambda: remote.read(schema.MANIFEST, MOST_MANIFEST_BYTES))
    except UnreachableError:
        known = cache.known(url)
        content = cache.manifest(known.digest) if known else None
        if content is None:
            raise
        return _catalogue(remote, read_manifest(content), known.seen, reached=False)
    found = read_manifest(content)
    cache.keep_manifest(content)
    with suppress(ArtifactError):  # a cache that was filled in advance may be read-only
        cache.keep_known(url, Known(found.version, seen))
    return _catalogue(remote, found, seen, reached=True)


def _catalogue(
    remote: Remote, found: Manifest | Collection, seen: datetime, reached: bool
) -> Catalogue:
    if isinstance(found, Manifest):
        return Catalogue({remote.address.name: found.version}, True, seen, reached)
    return Catalogue(found.suites, False, seen, reached)


def fetch_suite(
    remote: Remote, cache: Cache, catalogue: Catalogue, name: str, progress: Progress
) -> Path:
    """A local folder that contains the folder ``name`` with the verified files of a suite.

    Files in the cache are not fetched again.

    Raises:
        UnreachableError: something cannot be fetched now; fetched files stay in the cache.
        ArtifactError: something differs from the manifest, or cannot be stored.
    """
    folder = "" if catalogue.single else f"{name}/"
    manifest = _manifest_of(remote, cache, catalogue.suites[name], f"{folder}{schema.MANIFEST}")
    progress.expect(len(manifest.files), manifest.bytes)
    missing: list[File] = []
    for file in manifest.files:
        if cache.holds(file):
            progress.add(file.bytes, whole=True)
        else:
            missing.append(file)
    if missing:
        cache.check_room(sum(file.bytes for file in missing))
    with ThreadPoolExecutor(_AT_ONCE, thread_name_prefix="fetch") as pool:
        try:
            found = [pool.submit(_fetch, remote, cache, file, folder, progress) for file in missing]
            for one in found:
                one.result()
        finally:
            pool.shutdown(cancel_futures=True)
    return cache.suite(name, manifest)


def _manifest_of(remote: Remote, cache: Cache, digest: str, path: str) -> Manifest:
    content = cache.manifest(digest)
    if content is None:
        content = _insisting(lambda: remote.read(path, MOST_MANIFEST_BYTES))
        if sha256(content) != digest:
            raise _changed(remote, path, "different from the one in the manifest of the folder")
    found = read_manifest(content)
    if not isinstance(found, Manifest):
        raise _changed(remote, path, "the manifest of a folder and not of a suite")
    cache.keep_manifest(content)
    return found


def _fetch(remote: Remote, cache: Cache, file: File, folder: str, progress: Progress) -> None:
    """Fetch one file into the cache, counting its bytes."""

    def attempt() -> Iterator[bytes]:
        got = 0
        try:
            for piece in remote.pieces(f"{folder}{file.path}", file.bytes, file.bytes):
                got += len(piece)
                progress.add(len(piece))
                yield piece
        except UnreachableError:
            progress.add(-got)
            raise

    try:
        _insisting(lambda: cache.receive(file, attempt()))
    except NotWholeError as error:
        raise _changed(remote, file.path, str(error)) from None
    progress.add(0, whole=True)


def _insisting(ask: Callable[[], T]) -> T:
    """The result of a request that is repeated if the address cannot be reached."""
    for _ in range(_ATTEMPTS - 1):
        try:
            return ask()
        except UnreachableError:
            time.sleep(_PAUSE_SECONDS)
    return ask()


def _changed(remote: Remote, path: str, how: str) -> ArtifactError:
    return ArtifactError(
        f"The file {quoted(path)} at {remote.address.place} is {how}, so this suite is not shown. "
        "Reload this page in a minute if artifacts are being uploaded; otherwise their owner "
        "uploads them again, the manifest last."
    )
