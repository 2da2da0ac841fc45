"""What an address may be, and how it is understood."""

import pytest

from dashboard.artifacts.errors import ArtifactError
from dashboard.artifacts.remote.address import is_address, parse_address


@pytest.mark.parametrize(
    ("location", "folder", "place", "name"),
    [
        (
            "https://example.org/a/ladder",
            "https://example.org/a/ladder",
            "https://example.org",
            "ladder",
        ),
        (
            " https://example.org/a/ladder/manifest.json ",
            "https://example.org/a/ladder",
            "https://example.org",
            "ladder",
        ),
        (
            "https://example.org:8443/my%20suite/",
            "https://example.org:8443/my%20suite",
            "https://example.org:8443",
            "my-suite",
        ),
        ("https://example.org", "https://example.org", "https://example.org", "example.org"),
        ("http://localhost:80/x", "http://localhost:80/x", "http://localhost:80", "x"),
        ("http://[::1]/x", "http://[::1]/x", "http://[::1]", "x"),
        ("s3://bucket/a/pythia", "s3://bucket/a/pythia", "s3://bucket", "pythia"),
        ("s3://bucket", "s3://bucket", "s3://bucket", "bucket"),
        (
            "hf://datasets/org/name",
            "https://huggingface.co/datasets/org/name/resolve/main",
            "hf://datasets/org/name",
            "name",
        ),
        (
            "hf://datasets/org/name@v1.2/a/pythia",
            "https://huggingface.co/datasets/org/name/resolve/v1.2/a/pythia",
            "hf://datasets/org/name",
            "pythia",
        ),
        (
            "hf://spaces/org/n.ame@refs%2Fpr%2F1",
            "https://huggingface.co/spaces/org/n.ame/resolve/refs%2Fpr%2F1",
            "hf://spaces/org/n.ame",
            "n.ame",
        ),
        (
            "hf://org/model/x",
            "https://huggingface.co/org/model/resolve/main/x",
            "hf://org/model",
            "x",
        ),
    ],
)
def test_an_address_names_a_folder(monkeypatch, location, folder, place, name):
    monkeypatch.delenv("HF_ENDPOINT", raising=False)
    found = parse_address(location)
    assert (found.folder, found.place, found.name) == (folder, place, name)


@pytest.mark.parametrize(
    ("location", "why"),
    [
        ("ftp://example.org/x", "does not begin with"),
        ("file:///etc", "does not begin with"),
        ("gs://bucket/x", "does not begin with"),
        ("memory://x", "does not begin with"),
        ("://x", "does not begin with"),
        ("javascript://x", "does not begin with"),
        ("https://", "is not the address of a folder"),
        ("s3:///x", "is not the address of a folder"),
        ("https://exa mple.org/x", "is not the address of a folder"),
        ("https://example.org/x\u202ey", "is not the address of a folder"),
        ("https://[x/y", "is not an address"),
        ("http://example.org/x", "is not encrypted"),
        ("http://127.0.0.1.example.org/x", "is not encrypted"),
        ("http://localhost.example.org/x", "is not encrypted"),
        ("https://example.org/x?token=1", "ends in a query"),
        ("https://example.org/x#y", "ends in a query"),
        ("s3://bucket/x?versionId=1", "ends in a query"),
        ("https://user:secret@example.org/x", "contains a user or a password"),
        ("s3://key:secret@bucket/x", "contains a user or a password"),
        ("hf://datasets/org", "is not hf://datasets/ORG/NAME"),
        ("hf://org", "is not hf://datasets/ORG/NAME"),
        ("hf://datasets/org/name@a@b/x", "is not hf://datasets/ORG/NAME"),
        ("hf://datasets/org/name@/x", "is not hf://datasets/ORG/NAME"),
        ("hf://datasets/../name/x", "is not hf://datasets/ORG/NAME"),
    ],
)
def test_what_is_none_is_a_sentence_without_secrets(location, why):
    assert is_address(location)
    with pytest.raises(ArtifactError) as refused:
        parse_address(location)
    assert why in str(refused.value)
    assert "BOUNDSCAPE_DATA" in str(refused.value)
    assert "secret" not in str(refused.value)


@pytest.mark.parametrize("location", ["data", "/srv/data", "../x", "C:\\data", "a:b", "s3:x"])
def test_a_path_is_no_address(location):
    assert not is_address(location)
