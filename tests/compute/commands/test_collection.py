"""The manifest of a folder of suites."""

import hashlib
import json
import shutil
import subprocess
import sys
from pathlib import Path

import pytest

import schema
from compute.base.errors import InputError
from compute.commands.publish.collection import write_collection
from compute.work.store import SuiteStore
from tests.compute.helpers.processes import run_here
from tests.data import manifests
from tests.data.micro_suite import PUBLISHED


def a_suite(data: Path, name: str) -> Path:
    (data / name / "models").mkdir(parents=True)
    (data / name / "models/m.parquet").write_bytes(name.encode())
    SuiteStore(data, name).write_manifest()
    return data / name


def index(folder: Path) -> subprocess.CompletedProcess:
    command = [sys.executable, "-m", "compute", "index", str(folder)]
    return run_here(command)


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
    with pytest.raises(
        InputError, match=r"has no manifest\.json; run the command that measured it"
    ):
        write_collection(tmp_path)
    assert not (tmp_path / "manifest.json").exists()


def test_the_manifests_that_the_tests_of_the_app_write_are_the_same(micro_suite, tmp_path):
    for name in ("measured", "published"):
        source = micro_suite / "data/micro" if name == "measured" else PUBLISHED
        shutil.copytree(source, tmp_path / name)
        SuiteStore(tmp_path, name).write_manifest()
    a_suite(tmp_path, "of bytes").rename(tmp_path / "of-bytes")
    write_collection(tmp_path)
    ours = {path: path.read_bytes() for path in tmp_path.rglob("manifest.json")}
    assert len(ours) == 4
    for path in ours:
        path.unlink()
    for name in ("measured", "published", "of-bytes"):
        manifests.write_manifest(tmp_path / name)
    manifests.write_collection(tmp_path)
    assert {path: path.read_bytes() for path in tmp_path.rglob("manifest.json")} == ours
