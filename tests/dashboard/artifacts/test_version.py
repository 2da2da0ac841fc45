"""The version of artifacts: the hash of their manifest, or a plain word that it is not."""

import hashlib
import json

import pytest

from dashboard.artifacts.manifest import SHIPPED
from dashboard.artifacts.suite import Suite
from dashboard.artifacts.version import local_version
from tests.conftest import ROOT


def digest_of(folder):
    return hashlib.sha256((folder / "manifest.json").read_bytes()).hexdigest()


def a_file(folder):
    return min(folder.glob("quantized/*.parquet"))


def test_the_version_of_a_suite_is_the_hash_of_its_manifest(micro_suite, suite):
    assert suite.version.digest == digest_of(micro_suite / "data/micro")
    assert suite.version.short == suite.version.digest[:12]
    assert not suite.version.note


def test_the_shipped_suite_is_what_its_manifest_says():
    version = local_version(ROOT / "data" / SHIPPED)
    assert version.digest == digest_of(ROOT / "data" / SHIPPED)
    assert not version.note


def change(folder):
    path = a_file(folder)
    path.write_bytes(path.read_bytes() + b"x")


def exchange(folder):
    """As many other bytes, at the same time of day."""
    path = a_file(folder)
    content = bytearray(path.read_bytes())
    content[len(content) // 2] ^= 1
    path.write_bytes(bytes(content))


def add(folder):
    a_file(folder).with_name("new.parquet").write_bytes(b"x")


def remove(folder):
    a_file(folder).unlink()


def all_of_these(folder):
    path = a_file(folder)
    for how in (add, remove):
        how(folder)
    assert a_file(folder) != path
    change(folder)


def without_manifest(folder):
    (folder / "manifest.json").unlink()


def not_a_manifest(folder):
    (folder / "manifest.json").write_text("{")


def manifest_of_suites(folder):
    found = {"schema_version": "1.0", "suites": {"micro": {"sha256": "0" * 64}}}
    (folder / "manifest.json").write_text(json.dumps(found))


@pytest.mark.parametrize(
    ("how", "why"),
    [
        (change, "differ from their manifest (1 changed): a run is in progress"),
        (exchange, "differ from their manifest (1 changed): a run is in progress"),
        (add, "differ from their manifest (1 new)"),
        (remove, "differ from their manifest (1 missing)"),
        (all_of_these, "differ from their manifest (1 changed, 1 new, 1 missing)"),
        (without_manifest, "have no manifest"),
        (not_a_manifest, "The manifest of these files is damaged"),
        (manifest_of_suites, "differ from their manifest"),
    ],
)
def test_files_and_manifest_that_disagree_are_a_sentence(data_copy, how, why):
    folder = data_copy / "micro"
    before = local_version(folder)
    how(folder)
    after = local_version(folder)
    assert why in after.note
    assert after.note.endswith("so the version is a digest of the files.")
    assert after.digest not in (before.digest, digest_of(folder) if before.note else "")
    again = local_version(folder)
    assert again == after


def test_the_same_files_have_one_version_without_a_manifest_too(data_copy, tmp_path):
    folder = data_copy / "micro"
    without_manifest(folder)
    first = local_version(folder)
    a_file(folder).rename(tmp_path / "away")
    second = local_version(folder)
    (tmp_path / "away").rename(folder / "quantized/back.parquet")
    third = local_version(folder)
    assert len({first.digest, second.digest, third.digest}) == 3


def captions(app):
    return [caption.value for caption in app.sidebar.caption]


def test_the_app_says_which_version_it_shows_and_when_files_differ(open_app, data_copy):
    folder = data_copy / "micro"
    app = open_app(data_copy)
    assert any(f"Artifacts {digest_of(folder)[:12]}" in text for text in captions(app))
    assert not any("manifest" in text for text in captions(app))
    remove(folder)
    app = open_app(data_copy)
    assert not app.exception
    found = local_version(folder)
    assert any(f"Artifacts {found.short}" in text for text in captions(app))
    assert any("differ from their manifest (1 missing)" in text for text in captions(app))


def test_a_manifest_that_is_written_when_a_run_ends_is_seen(open_app, data_copy):
    manifest = data_copy / "micro/manifest.json"
    content = manifest.read_bytes()
    manifest.write_text("{}")
    app = open_app(data_copy)
    assert any("is damaged" in text for text in captions(app))
    manifest.write_bytes(content)
    app = open_app(data_copy)
    assert not any("is damaged" in text for text in captions(app))
    assert Suite(data_copy, "micro").version.short in " ".join(captions(app))
