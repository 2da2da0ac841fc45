"""The version of an open suite: the hash of its manifest."""

import hashlib
from collections.abc import Mapping
from dataclasses import dataclass
from functools import lru_cache
from pathlib import Path

import schema
from dashboard.artifacts.errors import ArtifactError
from dashboard.artifacts.manifest import MOST_FILES, Manifest, read_manifest, sha256

#: Digits that pages and links show.
SHORT = 12


@dataclass(frozen=True)
class Version:
    """A version of a suite.

    Attributes:
        digest: SHA-256 of the manifest, in hexadecimal; if the files are not those of the manifest,
            of the files as they are.
        note: a sentence about such a difference, or empty.
    """

    digest: str
    note: str = ""

    @property
    def short(self) -> str:
        """The first digits, for pages and links."""
        return self.digest[:SHORT]


def local_version(folder: Path) -> Version:
    """Version of the suite in a folder of this machine, whose files may be changing."""
    here = digests(folder)
    try:
        content = (folder / schema.MANIFEST).read_bytes()
        manifest = read_manifest(content)
    except OSError:
        return _of_files(here, "These files have no manifest")
    except ArtifactError:
        return _of_files(here, "The manifest of these files is damaged")
    listed = {f.path: f.sha256 for f in manifest.files} if isinstance(manifest, Manifest) else {}
    if here == listed:
        return Version(sha256(content))
    counts = {
        "changed": sum(here[path] != listed[path] for path in here.keys() & listed.keys()),
        "new": len(here.keys() - listed.keys()),
        "missing": len(listed.keys() - here.keys()),
    }
    odd = ", ".join(f"{count} {what}" for what, count in counts.items() if count)
    return _of_files(
        here,
        f"The files differ from their manifest ({odd}): a run is in progress, or they were "
        "changed after it ended",
    )


def _of_files(here: Mapping[str, str], why: str) -> Version:
    lines = "".join(f"{digest}  {path}\n" for path, digest in sorted(here.items()))
    return Version(sha256(lines.encode()), f"{why}, so the version is a digest of the files.")


def digests(folder: Path) -> dict[str, str]:
    """Path -> SHA-256 of every artifact in the folder of a suite now."""
    found = {}
    for path in sorted(folder.glob("*/*.parquet")):
        try:
            status = path.stat()
            digest = _sha256_of(path, status.st_size, status.st_mtime_ns)
        except OSError:  # a run may be replacing it
            continue
        found[path.relative_to(folder).as_posix()] = digest
    return found


@lru_cache(MOST_FILES)
def _sha256_of(path: Path, size: int, time_ns: int) -> str:  # both show whether it was replaced
    with path.open("rb") as file:
        return hashlib.file_digest(file, "sha256").hexdigest()
