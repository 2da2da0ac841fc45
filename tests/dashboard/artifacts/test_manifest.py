"""Untrusted manifests: what is refused, and with which sentence."""

import json
import random

import pytest

import schema
from dashboard.artifacts import manifest
from dashboard.artifacts.errors import ArtifactError
from dashboard.artifacts.manifest import SHIPPED, Collection, Manifest, read_manifest, sha256

GOOD = {"bytes": 4, "sha256": "0" * 64}


def of_files(files, **more):
    return json.dumps({"schema_version": schema.SCHEMA_VERSION, "files": files} | more).encode()


def of_suites(suites, **more):
    return json.dumps({"schema_version": schema.SCHEMA_VERSION, "suites": suites} | more).encode()


def test_a_manifest_of_a_suite_is_read():
    content = of_files({"models/a--b.parquet": GOOD}, published=True, suite_fingerprint="x")
    found = read_manifest(content)
    assert isinstance(found, Manifest)
    assert found.version == sha256(content)
    assert [file.path for file in found.files] == ["models/a--b.parquet"]
    assert found.bytes == 4


def test_a_manifest_of_a_folder_of_suites_is_read_with_the_ladder_first():
    found = read_manifest(of_suites(dict.fromkeys(("big", SHIPPED, "own-2.1_ü"), GOOD)))
    assert isinstance(found, Collection)
    assert list(found.suites) == [SHIPPED, "big", "own-2.1_ü"]


PATHS = [
    "../../etc/passwd",
    "../models/x.parquet",
    "models/../../x.parquet",
    "/models/x.parquet",
    "//models/x.parquet",
    "C:\\models\\x.parquet",
    "models\\x.parquet",
    "models/x.parquet/",
    "models/sub/x.parquet",
    "models/.x.parquet",
    "models/-x.parquet",
    ".git/x.parquet",
    "~/x.parquet",
    "models/x.csv",
    "models/x.parquet\n",
    "models/x\0.parquet",
    "models/x y.parquet",
    "models/x;rm.parquet",
    "models/$(x).parquet",
    "models/%2e%2e.parquet",
    "models/x?y.parquet",
    "models/x#y.parquet",
    "models/\u202ex.parquet",
    "MODELS/x.parquet",
    "models//x.parquet",
    "models/x.parquet\u2028",
    "x.parquet",
    "",
    ".",
    "..",
    "models/" + "x" * 300 + ".parquet",
    "m" * 300 + "/x.parquet",
]


@pytest.mark.parametrize("path", PATHS)
def test_a_file_can_only_lie_in_a_table_of_the_suite(path):
    with pytest.raises(ArtifactError, match=r"which is not TABLE/NAME\.parquet"):
        read_manifest(of_files({"models/good.parquet": GOOD, path: GOOD}))


@pytest.mark.parametrize(
    "name", ["", ".", "..", "../x", "/x", "a/b", ".hidden", "-x", "a b", "x\n", "<b>", "x" * 101]
)
def test_a_suite_is_one_part_of_a_path(name):
    with pytest.raises(ArtifactError, match="cannot be the name of a suite"):
        read_manifest(of_suites({"good": GOOD, name: GOOD}))


def a_version(version):
    return json.dumps({"schema_version": version, "files": {"models/a.parquet": GOOD}}).encode()


@pytest.mark.parametrize(
    ("content", "sentence"),
    [
        (b"", "it is not JSON"),
        (b"\xff\xfe\x00", "it is not JSON"),
        (b"<html>not found</html>", "it is not JSON"),
        (b"[" * 100_000, "it is nested too deeply"),
        (b'{"a":' * 100_000, "it is nested too deeply"),
        (b"[]", "it is not a JSON object"),
        (b"null", "it is not a JSON object"),
        (b"1" * 5000, "it is not JSON"),
        (b"{}", "it carries no Boundscape schema version"),
        (a_version(None), "it carries no Boundscape schema version"),
        (a_version(1.5), "it carries no Boundscape schema version"),
        (a_version("2.0"), "it has schema version `2.0` and this code reads 1.x"),
        (a_version("<script>"), "it has schema version `<script>` and this code"),
        (a_version("[x](//e.co)"), "it has schema version `[x](//e.co)` and this code"),
        (json.dumps({"schema_version": "1.0"}).encode(), "it lists neither files nor suites"),
        (of_files({}, suites={}), "it lists neither files nor suites"),
        (of_files([]), "it lists neither files nor suites"),
        (of_files("x"), "it lists neither files nor suites"),
        (of_files({}), "it lists 0 files"),
        (of_suites({}), "it lists 0 suites"),
        (of_files({"models/a.parquet": None}), "it gives no size for `models/a.parquet`"),
        (of_files({"models/a.parquet": []}), "it gives no size"),
        (of_files({"models/a.parquet": {**GOOD, "bytes": -1}}), "it gives no size"),
        (of_files({"models/a.parquet": {**GOOD, "bytes": "4"}}), "it gives no size"),
        (of_files({"models/a.parquet": {**GOOD, "bytes": 4.0}}), "it gives no size"),
        (of_files({"models/a.parquet": {**GOOD, "bytes": True}}), "it gives no size"),
        (of_files({"models/a.parquet": {**GOOD, "bytes": float("nan")}}), "it gives no size"),
        (of_files({"models/a.parquet": {**GOOD, "bytes": 10**4000}}), "more than 2 GiB"),
        (of_files({"models/a.parquet": {**GOOD, "bytes": 2**31 + 1}}), "more than 2 GiB"),
        (of_files({"models/a.parquet": {"bytes": 4}}), "it gives no SHA-256"),
        (of_files({"models/a.parquet": {**GOOD, "sha256": "0" * 63}}), "it gives no SHA-256"),
        (of_files({"models/a.parquet": {**GOOD, "sha256": "../" * 21 + "a"}}), "no SHA-256"),
        (of_files({"models/a.parquet": {**GOOD, "sha256": "A" * 64}}), "it gives no SHA-256"),
        (of_files({"models/a.parquet": {**GOOD, "sha256": 1}}), "it gives no SHA-256"),
        (of_suites({"a": {}}), "it gives no SHA-256 for `a`"),
        (of_suites({"a": "0" * 64}), "it gives no SHA-256 for `a`"),
        (
            of_files({"models/a.parquet": GOOD, "models/A.parquet": GOOD}),
            "the same name on some disks",
        ),
        (of_suites({"\u1112\u1161\u11ab": GOOD, "\ud55c": GOOD}), "the same name on some disks"),
        (
            b'{"schema_version": "1.0", "files": {"models/a.parquet": 1, "models/a.parquet": 2}}',
            "it names `models/a.parquet` twice",
        ),
        (b'{"schema_version": "1.0", "schema_version": "1.1"}', "it names `schema_version` twice"),
    ],
)
def test_a_bad_manifest_is_one_sentence(content, sentence):
    with pytest.raises(ArtifactError) as refused:
        read_manifest(content)
    assert str(refused.value).startswith("The manifest of these artifacts cannot be used: ")
    assert sentence in str(refused.value)
    assert "Traceback" not in str(refused.value)
    assert len(str(refused.value)) < 500


def test_there_are_limits_to_numbers_of_files_and_suites(monkeypatch):
    monkeypatch.setattr(manifest, "MOST_FILES", 3)
    monkeypatch.setattr(manifest, "MOST_SUITES", 2)
    files = {f"models/{i}.parquet": GOOD for i in range(4)}
    with pytest.raises(ArtifactError, match="lists 4 files instead of 1 to 3"):
        read_manifest(of_files(files))
    with pytest.raises(ArtifactError, match="lists 3 suites instead of 1 to 2"):
        read_manifest(of_suites({str(i): GOOD for i in range(3)}))


def test_whatever_bytes_come_they_are_a_manifest_or_a_sentence():
    """A good manifest with bytes changed, cut out and put in."""
    chance = random.Random(0)
    good = of_files({f"models/{name}.parquet": GOOD for name in "abc"})
    whole = 0
    for _ in range(3000):
        content = bytearray(good)
        for _ in range(chance.randint(1, 4)):
            at = chance.randrange(len(content))
            content[at : at + chance.randint(0, 3)] = chance.randbytes(chance.randint(0, 3))
        try:
            found = read_manifest(bytes(content))
        except ArtifactError:
            continue
        whole += 1
        assert all(schema.ARTIFACT_PATH.fullmatch(file.path) for file in found.files)
    assert whole < 2000
