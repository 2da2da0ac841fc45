"""Manifests: the files of a suite, or the suites of a folder.  A manifest's hash is the version."""

import hashlib
import json
import re
import unicodedata
from dataclasses import dataclass

import schema
from dashboard.artifacts.errors import ArtifactError
from dashboard.style.escaping import quoted

#: Limits of artifacts from an address: files and bytes of a suite, suites of a folder.
MOST_FILES = 20_000
MOST_BYTES = 2 * 2**30
MOST_SUITES = 200

#: Longest manifest that is read.
MOST_MANIFEST_BYTES = 8 * 2**20

_SHA256 = re.compile(r"[0-9a-f]{64}")


@dataclass(frozen=True)
class File:
    """A file as a manifest lists it.

    Attributes:
        path: ``TABLE/NAME.parquet``.
        bytes: its size.
        sha256: of its content, in hexadecimal.
    """

    path: str
    bytes: int
    sha256: str


@dataclass(frozen=True)
class Manifest:
    """The manifest of a suite.

    Attributes:
        version: SHA-256 of the manifest itself.
        files: of the suite.
    """

    version: str
    files: tuple[File, ...]

    @property
    def bytes(self) -> int:
        """Size of all files."""
        return sum(file.bytes for file in self.files)


@dataclass(frozen=True)
class Collection:
    """The manifest of a folder of suites.

    Attributes:
        version: SHA-256 of the manifest itself.
        suites: name -> SHA-256 of the suite's manifest, the shipped ladder first.
    """

    version: str
    suites: dict[str, str]


def sha256(content: bytes) -> str:
    """Digest in hexadecimal."""
    return hashlib.sha256(content).hexdigest()


def read_manifest(content: bytes) -> Manifest | Collection:
    """The manifest in untrusted bytes.

    Raises:
        ArtifactError: they are not a manifest, are of another schema version, or break a limit.
    """
    try:
        found = json.loads(content, object_pairs_hook=_without_repeats)
    except RecursionError:
        raise _refused("it is nested too deeply") from None
    except ValueError:
        raise _refused("it is not JSON") from None
    if not isinstance(found, dict):
        raise _refused("it is not a JSON object")
    version = found.get("schema_version")
    complaint = schema.version_complaint(version if isinstance(version, str) else None)
    if complaint:
        raise _refused(complaint.replace(str(version), quoted(str(version))))
    if isinstance(found.get("suites"), dict) and "files" not in found:
        return Collection(sha256(content), _suites(found["suites"]))
    if isinstance(found.get("files"), dict) and "suites" not in found:
        return Manifest(sha256(content), _files(found["files"]))
    raise _refused("it lists neither files nor suites")


#: The suite that the repository ships.
SHIPPED = "ladder-mixed"


def shipped_first(names: list[str]) -> list[str]:
    """Names of suites in the order of the control."""
    return sorted(names, key=lambda name: (name != SHIPPED, name))


def _files(entries: dict) -> tuple[File, ...]:
    if not 0 < len(entries) <= MOST_FILES:
        raise _refused(f"it lists {len(entries)} files instead of 1 to {MOST_FILES}")
    files = []
    for path, entry in entries.items():
        if not schema.ARTIFACT_PATH.fullmatch(path):
            raise _refused(f"it names {quoted(path)}, which is not TABLE/NAME.parquet")
        size = entry.get("bytes") if isinstance(entry, dict) else None
        if type(size) is not int or size < 0:  # True is an int, too
            raise _refused(f"it gives no size for {quoted(path)}")
        files.append(File(path, size, _digest(path, entry)))
    if sum(file.bytes for file in files) > MOST_BYTES:
        raise _refused(f"its files take more than {MOST_BYTES / 2**30:g} GiB together")
    _all_differ([file.path for file in files])
    return tuple(files)


def _suites(entries: dict) -> dict[str, str]:
    if not 0 < len(entries) <= MOST_SUITES:
        raise _refused(f"it lists {len(entries)} suites instead of 1 to {MOST_SUITES}")
    for name in entries:
        if not schema.SUITE_NAME.fullmatch(name):
            raise _refused(f"it names {quoted(name)}, which cannot be the name of a suite")
    _all_differ(list(entries))
    return {name: _digest(name, entries[name]) for name in shipped_first(list(entries))}


def _digest(name: str, entry: object) -> str:
    digest = entry.get("sha256") if isinstance(entry, dict) else None
    if not isinstance(digest, str) or not _SHA256.fullmatch(digest):
        raise _refused(f"it gives no SHA-256 for {quoted(name)}")
    return digest


def _all_differ(names: list[str]) -> None:
    """Refuse names that some disks treat as equal: they differ only in case or accents."""
    seen: dict[str, str] = {}
    for name in names:
        same = unicodedata.normalize("NFC", name).casefold()
        if same in seen:
            other = quoted(seen[same])
            raise _refused(
                f"it names {quoted(name)} and {other}, which are the same name on some disks"
            )
        seen[same] = name


def _without_repeats(pairs: list[tuple[str, object]]) -> dict:
    """A JSON object without repeated names; ``json`` would silently keep the last value."""
    found = dict(pairs)
    if len(found) < len(pairs):
        names = [name for name, _ in pairs]
        twice = next(name for name in names if names.count(name) > 1)
        raise _refused(f"it names {quoted(twice)} twice")
    return found


def _refused(reason: str) -> ArtifactError:
    return ArtifactError(
        f"The manifest of these artifacts cannot be used: {reason}. Their owner can write it "
        "again: `make compute` writes the manifest of a suite, `python -m compute index` that of "
        "a folder of suites."
    )
