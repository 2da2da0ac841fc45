"""Manifests of suites and of folders of suites, for tests that must not import the batch stage.

``tests/compute/commands/test_collection.py`` compares them with those that it writes.
"""

import contextlib
import hashlib
import json
from pathlib import Path

import pyarrow as pa
import pyarrow.parquet as pq

import schema


def write_manifest(suite: Path) -> None:
    """List the files in the folder of a suite."""
    files = {path: path.read_bytes() for path in sorted(suite.glob("*/*.parquet"))}
    listed = {
        path.relative_to(suite).as_posix(): {
            "bytes": len(content),
            "sha256": hashlib.sha256(content).hexdigest(),
        }
        for path, content in files.items()
    }
    manifest = {"schema_version": schema.SCHEMA_VERSION, "suite_fingerprint": _fingerprint(suite)}
    if any(suite.glob("provenance/*.parquet")):
        manifest["published"] = True
    _write(suite, manifest | {"files": listed})


def write_collection(data: Path) -> dict[str, str]:
    """List the suites in a folder; returns suite -> SHA-256 of its manifest."""
    suites = sorted({path.parent.parent for path in data.glob("*/models/*.parquet")})
    found = {
        suite.name: hashlib.sha256((suite / schema.MANIFEST).read_bytes()).hexdigest()
        for suite in suites
    }
    listed = {name: {"sha256": digest} for name, digest in found.items()}
    _write(data, {"schema_version": schema.SCHEMA_VERSION, "suites": listed})
    return found


def _fingerprint(suite: Path) -> str | None:
    for path in sorted(suite.glob("models/*.parquet")):
        with contextlib.suppress(pa.ArrowException):  # bytes that only the fetching is tried with
            return pq.read_metadata(path).metadata[b"boundscape.suite_fingerprint"].decode()
    return None


def _write(folder: Path, manifest: dict) -> None:
    (folder / schema.MANIFEST).write_text(json.dumps(manifest, indent=1) + "\n")
