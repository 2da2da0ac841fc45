"""Which edition of a suite is open: the hash of its manifest."""

import hashlib
from dataclasses import dataclass
from pathlib import Path

#: Lists every file of a suite with its hash.
MANIFEST = "manifest.json"

#: Digits that readers see, and that stand in links.
SHORT = 12


@dataclass(frozen=True)
class Version:
    """An edition of a suite.

    Attributes:
        digest: SHA-256 of the manifest, in hexadecimal; of the files themselves where a suite has
            no manifest.
    """

    digest: str

    @property
    def short(self) -> str:
        """The first digits, for readers and links."""
        return self.digest[:SHORT]


def local_version(folder: Path) -> Version:
    """Version of the suite in a folder of this machine."""
    try:
        content = (folder / MANIFEST).read_bytes()
    except OSError:
        content = b"".join(
            f"{path.relative_to(folder).as_posix()} {_digest(path)}\n".encode()
            for path in sorted(folder.glob("*/*.parquet"))
        )
    return Version(hashlib.sha256(content).hexdigest())


def _digest(path: Path) -> str:
    with path.open("rb") as file:
        return hashlib.file_digest(file, "sha256").hexdigest()
