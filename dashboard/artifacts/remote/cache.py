"""The local cache of fetched artifacts: every file under its hash, whole or not at all."""

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

#: Bytes that stay free on the disk.
_SPARE = 64 * 2**20


class NotWholeError(ArtifactError):
    """What was received is not what the manifest names."""


@dataclass(frozen=True)
class Known:
    """What an address held when it was last reached.

    Attributes:
        digest: SHA-256 of its manifest.
        seen: when, in UTC.
    """

    digest: str
    seen: datetime


@dataclass(frozen=True)
class Cache:
    """A folder with ``manifests/SHA256``, ``files/SHA256``, ``addresses/SHA256`` (of the address)
    and ``suites/SHA256/NAME`` (of the manifest), where files lie as links under their own names.
    """

    folder: Path

    def manifest(self, digest: str) -> bytes | None:
        """The manifest of this hash, None where it is not there or damaged."""
        try:
            content = (self.folder / "manifests" / digest).read_bytes()
        except OSError:
            return None
        return content if sha256(content) == digest else None

    def keep_manifest(self, content: bytes) -> None:
        """Keep a manifest under its hash."""
        digest = sha256(content)
        if self.manifest(digest) is None:
            self._write(self.folder / "manifests" / digest, [content])

    def known(self, url: str) -> Known | None:
        """What this address held when it was last reached, if it was."""
        try:
            found = json.loads(self._address(url).read_bytes())
            seen = datetime.fromisoformat(found["seen"])
            digest = found["manifest"]
        except (OSError, ValueError, TypeError, KeyError):
            return None
        return Known(digest, seen) if re.fullmatch("[0-9a-f]{64}", str(digest)) else None

    def keep_known(self, url: str, known: Known) -> None:
        """Note what this address holds now."""
        found = {"manifest": known.digest, "seen": known.seen.isoformat(timespec="seconds")}
        self._write(self._address(url), [json.dumps(found).encode()])

    def _address(self, url: str) -> Path:
        return self.folder / "addresses" / sha256(url.encode())

    def holds(self, file: File) -> bool:
        """Whether a file is there, whole; a damaged one is taken for missing."""
        path = self._path(file)
        try:
            if path.is_symlink() or path.stat().st_size != file.bytes:
                return False
            with path.open("rb") as opened:
                return hashlib.file_digest(opened, "sha256").hexdigest() == file.sha256
        except OSError:
            return False

    def receive(self, file: File, pieces: Iterable[bytes]) -> None:
        """Write a file from its pieces and verify it; it appears when it is whole.

        Raises:
            NotWholeError: its size or its hash is not that of the manifest.
            ArtifactError: the folder cannot be written to.
        """
        self._write(self._path(file), _verified(file, pieces))

    def check_room(self, size: int) -> None:
        """Check that so many bytes have room.

        Raises:
            ArtifactError: they have not.
        """
        with _writing():
            self._make(self.folder)
            free = shutil.disk_usage(self.folder).free
        if free < size + _SPARE:
            raise _no_room()

    def suite(self, name: str, manifest: Manifest) -> Path:
        """A folder that holds the folder ``name`` with a manifest and its files and no others.

        All of them must be there.
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
        """Make a folder inside the cache, into which nobody else can look."""
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
                temporary.chmod(0o444)  # nobody is to write to it again
                temporary.replace(path)
            finally:
                temporary.unlink(missing_ok=True)


def default_cache() -> Cache:
    """The cache that the environment names, or one in the user's own folder."""
    named = os.environ.get(VARIABLE)
    if named:
        return Cache(Path(named).absolute())
    base = os.environ.get("XDG_CACHE_HOME")
    with suppress(RuntimeError):  # nobody's home
        return Cache((Path(base) if base else Path.home() / ".cache") / "boundscape")
    raise _unwritable()


def _verified(file: File, pieces: Iterable[bytes]) -> Iterator[bytes]:
    """The pieces, and then NotWholeError if they were not the file."""
    digest, got = hashlib.sha256(), 0
    for piece in pieces:
        got += len(piece)
        if got > file.bytes:
            raise NotWholeError("longer than the manifest says")
        digest.update(piece)
        yield piece
    if got < file.bytes:
        raise NotWholeError("shorter than the manifest says")
    if digest.hexdigest() != file.sha256:
        raise NotWholeError("another one than the manifest names (SHA-256)")


def _beside(path: Path) -> Path:
    """A name that no other thread or process uses."""
    return path.with_name(f"{path.name}.{os.getpid()}-{threading.get_ident()}.writing")


def _link(source: Path, target: Path) -> None:
    """Make ``target`` the same file as ``source``; a copy where the disk knows no links."""
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
    """Say in one sentence, without a path, that the folder cannot be written to."""
    try:
        yield
    except OSError as error:
        raise _no_room() if error.errno in (errno.ENOSPC, errno.EDQUOT) else _unwritable() from None


def _no_room() -> ArtifactError:
    return ArtifactError(
        "The disk of this server has no room for the artifacts; whoever runs it frees some, or "
        f"names another folder in {VARIABLE}."
    )


def _unwritable() -> ArtifactError:
    return ArtifactError(
        "The folder that fetched artifacts are kept in cannot be written to; whoever runs this "
        f"server names another one in {VARIABLE}."
    )
