"""The local cache of fetched artifacts: every file under its hash, complete or not at all."""

import errno
import hashlib
import json
import os
import re
import shutil
import threading
from collections.abc import Iterable, Iterator
from contextlib import contextmanager, suppress
from dataclasses import dataclass
from datetime import datetime
from pathlib import Path

import schema
from dashboard.artifacts.errors import ArtifactError
from dashboard.artifacts.manifest import File, Manifest, sha256

#: The environment variable that names the folder of the cache.
VARIABLE = "BOUNDSCAPE_CACHE"

#: Bytes to leave free on the disk.
_SPARE = 64 * 2**20


class NotWholeError(ArtifactError):
    """The received bytes differ from what the manifest lists."""


@dataclass(frozen=True)
class Known:
    """The manifest of an address when it was last reached.

    Attributes:
        digest: SHA-256 of its manifest.
        seen: when, in UTC.
    """

    digest: str
    seen: datetime


@dataclass(frozen=True)
class Cache:
    """A folder with ``manifests/SHA256``, ``files/SHA256``, ``addresses/SHA256`` (of the address)
    and ``suites/SHA256/NAME`` (of the manifest), which links files under their own names.
    """

    folder: Path

    def manifest(self, digest: str) -> bytes | None:
        """The manifest with this hash, None if it is missing or damaged."""
        try:
            content = (self.folder / "manifests" / digest).read_bytes()
        except OSError:
            return None
        return content if sha256(content) == digest else None

    def keep_manifest(self, content: bytes) -> None:
        """Store a manifest under its hash."""
        digest = sha256(content)
        if self.manifest(digest) is None:
            self._write(self.folder / "manifests" / digest, [content])

    def known(self, url: str) -> Known | None:
        """The last known manifest of this address, if any."""
        try:
            found = json.loads(self._address(url).read_bytes())
            seen = datetime.fromisoformat(found["seen"])
            digest = found["manifest"]
        except (OSError, ValueError, TypeError, KeyError):
            return None
        return Known(digest, seen) if re.fullmatch("[0-9a-f]{64}", str(digest)) else None

    def keep_known(self, url: str, known: Known) -> None:
        """Record the current manifest of this address."""
        found = {"manifest": known.digest, "seen": known.seen.isoformat(timespec="seconds")}
        self._write(self._address(url), [json.dumps(found).encode()])

    def _address(self, url: str) -> Path:
        return self.folder / "addresses" / sha256(url.encode())

    def holds(self, file: File) -> bool:
        """Whether a file is present and complete; a damaged one counts as missing."""
        path = self._path(file)
        try:
            if path.is_symlink() or path.stat().st_size != file.bytes:
                return False
            with path.open("rb") as opened:
                return hashlib.file_digest(opened, "sha256").hexdigest() == file.sha256
        except OSError:
            return False

    def receive(self, file: File, pieces: Iterable[bytes]) -> None:
        """Write a file from its pieces and verify it; it appears when it is complete.

        Raises:
            NotWholeError: its size or its hash is not that of the manifest.
            ArtifactError: the folder cannot be written to.
        """
        self._write(self._path(file), _verified(file, pieces))

    def check_room(self, size: int) -> None:
        """Check that the disk has room for so many bytes.

        Raises:
            ArtifactError: it has not.
        """
        with _writing():
            self._make(self.folder)
            free = shutil.disk_usage(self.folder).free
        if free < size + _SPARE:
            raise _no_room()

    def suite(self, name: str, manifest: Manifest) -> Path:
        """A folder that contains the folder ``name`` with a manifest and exactly its files.

        All of them must be in the cache.
        """
        suites = self.folder / "suites" / manifest.version
        with _writing():
            for file in manifest.files:
                target = suites / name / file.path
                self._make(target.parent)
                _link(self._path(file), target)
            _link(self.folder / "manifests" / manifest.version, suites / name / schema.MANIFEST)
            listed = {suites / name / file.path for file in manifest.files}
            for other in set((suites / name).rglob("*.parquet")) - listed:
                other.unlink()
        return suites

    def _make(self, folder: Path) -> None:
        """Make a folder inside the cache that only this user can read."""
        if not folder.is_dir():
            self.folder.mkdir(mode=0o700, parents=True, exist_ok=True)
            folder.mkdir(parents=True, exist_ok=True)

    def _path(self, file: File) -> Path:
        return self.folder / "files" / file.sha256

    def _write(self, path: Path, pieces: Iterable[bytes]) -> None:
        with _writing():
            self._make(path.parent)
            temporary = _beside(path)
            try:
                with temporary.open("wb") as opened:
                    for piece in pieces:
                        opened.write(piece)
                temporary.chmod(0o444)  # read-only for everyone
                temporary.replace(path)
            finally:
                temporary.unlink(missing_ok=True)


def default_cache() -> Cache:
    """The cache that the environment names, or one in the user's own folder."""
    named = os.environ.get(VARIABLE)
    if named:
        return Cache(Path(named).absolute())
    base = os.environ.get("XDG_CACHE_HOME")
    with suppress(RuntimeError):  # a user without a home
        return Cache((Path(base) if base else Path.home() / ".cache") / "boundscape")
    raise _unwritable()


def _verified(file: File, pieces: Iterable[bytes]) -> Iterator[bytes]:
    """Yield the pieces, then raise NotWholeError if they are not the file."""
    digest, got = hashlib.sha256(), 0
    for piece in pieces:
        got += len(piece)
        if got > file.bytes:
            raise NotWholeError("longer than its size in the manifest")
        digest.update(piece)
        yield piece
    if got < file.bytes:
        raise NotWholeError("shorter than its size in the manifest")
    if digest.hexdigest() != file.sha256:
        raise NotWholeError("different from the file in the manifest (SHA-256)")


def _beside(path: Path) -> Path:
    """A name that no other thread or process uses."""
    return path.with_name(f"{path.name}.{os.getpid()}-{threading.get_ident()}.writing")


def _link(source: Path, target: Path) -> None:
    """Make ``target`` the same file as ``source``; a copy if the disk does not support links."""
    if target.exists() and not target.is_symlink() and target.samefile(source):
        return
    temporary = _beside(target)
    temporary.unlink(missing_ok=True)
    try:
        os.link(source, temporary)
    except OSError:
        shutil.copyfile(source, temporary)
    temporary.replace(target)


@contextmanager
def _writing() -> Iterator[None]:
    """Raise one sentence, without a path, that the folder cannot be written to."""
    try:
        yield
    except OSError as error:
        raise _no_room() if error.errno in (errno.ENOSPC, errno.EDQUOT) else _unwritable() from None


def _no_room() -> ArtifactError:
    return ArtifactError(
        "The disk of this server has no room for the artifacts; the operator of this app frees "
        f"some, or names another folder in {VARIABLE}."
    )


def _unwritable() -> ArtifactError:
    return ArtifactError(
        "The folder for fetched artifacts cannot be written to; the operator of this server "
        f"names another one in {VARIABLE}."
    )
