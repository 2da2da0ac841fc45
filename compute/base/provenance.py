"""The provenance of an artifact, which every Parquet file records."""

import hashlib
import json
import platform
import subprocess
from dataclasses import dataclass, field
from importlib.metadata import version
from pathlib import Path

import schema

ROOT = Path(__file__).resolve().parents[2]

#: Folders whose code determines the numbers.
MEASURING_CODE = ("bounds", "compute", "schema.py")

#: Libraries whose version may change a number.
LIBRARIES = (
    "torch",
    "transformers",
    "auto-gptq",
    "constriction",
    "numpy",
    "scipy",
    "pyarrow",
)


def code_revision() -> str:
    """Git commit of the code, with ``-dirty`` where the measuring code differs from it."""

    def git(*args: str) -> str:
        return subprocess.run(
            ["git", "-C", str(ROOT), *args], capture_output=True, text=True, check=True
        ).stdout.strip()

    try:
        commit = git("rev-parse", "--short=12", "HEAD")
        return commit + ("-dirty" if git("status", "--porcelain", "--", *MEASURING_CODE) else "")
    except (OSError, subprocess.CalledProcessError):
        return "unknown"


def library_versions() -> dict[str, str]:
    """Version of Python and of each library that may change a number."""
    return {"python": platform.python_version()} | {name: version(name) for name in LIBRARIES}


def code_digest() -> str:
    """SHA-256 of the measuring code, for machines that must all run the same."""
    sha = hashlib.sha256()
    for place in MEASURING_CODE:
        path = ROOT / place
        for file in sorted(path.rglob("*.py")) if path.is_dir() else [path]:
            sha.update(file.relative_to(ROOT).as_posix().encode() + b"\0" + file.read_bytes())
    return sha.hexdigest()


@dataclass(frozen=True)
class Provenance:
    """The part of the provenance that all units of a run share, taken once at its start."""

    suite: str
    suite_fingerprint: str
    device: str
    code_revision: str = field(default_factory=code_revision)
    library_versions: dict[str, str] = field(default_factory=library_versions)

    def metadata(self, unit_key: str, seeds: dict, model_revision: str) -> dict[str, str]:
        """Parquet metadata of one file; keys are ``schema.PROVENANCE_KEYS``."""
        values = (
            schema.SCHEMA_VERSION,
            self.code_revision,
            self.suite,
            self.suite_fingerprint,
            unit_key,
            json.dumps(seeds, sort_keys=True),
            model_revision,
            json.dumps(self.library_versions, sort_keys=True),
            self.device,
        )
        return dict(zip(schema.PROVENANCE_KEYS, values, strict=True))
