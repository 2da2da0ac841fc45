"""The manifest of a folder of suites."""

import hashlib
import json
import subprocess
import sys
from pathlib import Path

import pytest

import schema
from compute.base.errors import InputError
from compute.commands.publish.collection import write_collection
from compute.work.store import SuiteStore
from tests.conftest import ROOT


def a_suite(data: Path, name: str) -> Path:
    (data / name / "models").mkdir(parents=True)
    (data / name / "models/m.parquet").write_bytes(name.encode())
    SuiteStore(data, name).write_manifest()
    return data / name


def index(folder: Path) -> subprocess.CompletedProcess:
    command = [sys.executable, "-m", "compute", "index", str(folder)]
    return subprocess.run(command, cwd=ROOT, capture_output=True, text=True)


def test_the_command_lists_every_suite_by_the_hash_of_its_manifest(tmp_path):
    digests = {}
    for name in ("b", "a"):
        manifest = a_suite(tmp_path, name) / "manifest.json"
        digests[name] = hashlib.sha256(manifest.read_bytes()).hexdigest()
    (tmp_path / "no suite").mkdir()
    result = index(tmp_path)
    assert result.returncode == 0, result.stderr
    assert result.stdout == f"{digests['a'][:12]}  a\n{digests['b'][:12]}  b\n"
    content = (tmp_path / "manifest.json").read_bytes()
    assert json.loads(content) == {
        "schema_version": schema.SCHEMA_VERSION,
        "suites": {name: {"sha256": digests[name]} for name in ("a", "b")},
    }
    assert write_collection(tmp_path) == digests
    assert (tmp_path / "manifest.json").read_bytes() == content, "the same suites, the same bytes"
    assert sorted(path.name for path in tmp_path.iterdir()) == [
        "a",
        "b",
        "manifest.json",
        "no suite",
    ]


def test_what_cannot_be_listed_is_one_sentence_and_nothing_is_written(tmp_path):
    result = index(tmp_path)
    assert result.returncode == 2
    assert result.stderr.startswith(f"error: There is no suite in {tmp_path}; name a folder like")
    folder = a_suite(tmp_path, "a suite")
    with pytest.raises(InputError, match=r"rename the folder with letters, digits"):
        write_collection(tmp_path)
    folder = folder.rename(tmp_path / "suite")
    (folder / "manifest.json").unlink()
    with pytest.raises(InputError, match=r"has no manifest\.json; the command that measured it"):
        write_collection(tmp_path)
    assert not (tmp_path / "manifest.json").exists()
