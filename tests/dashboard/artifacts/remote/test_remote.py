"""Artifacts from an address: found, fetched, verified, kept; and every way in which that fails."""

import errno
import hashlib
import json
import shutil
import sys
import threading
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import fsspec
import pytest

from dashboard.artifacts.errors import ArtifactError
from dashboard.artifacts.remote import cache as caches
from dashboard.artifacts.remote import fetching, source, transport
from dashboard.artifacts.remote.address import Address
from dashboard.artifacts.remote.cache import Cache
from dashboard.artifacts.remote.source import RemoteSource
from tests.dashboard.artifacts.remote.remote_suites import FILES, Visitor, a_suite, contents
from tests.dashboard.helpers import artifact_server as web
from tests.data.manifests import write_collection, write_manifest

pytestmark = pytest.mark.slow


@pytest.fixture
def data(tmp_path) -> Path:
    """Two suites in a folder with its manifest."""
    for name in ("small", "other"):
        a_suite(tmp_path / "public/data", name)
    write_collection(tmp_path / "public/data")
    return tmp_path / "public/data"


@pytest.fixture
def server(data):
    with web.serving(data.parent.parent) as found:
        yield found


@pytest.fixture
def visit(server, tmp_path):
    """A new process of the app that reads the suite ``small``, or another folder."""

    def start(folder: str = "public/data/small", cache: str = "cache") -> Visitor:
        return Visitor.of(f"{server.address}/{folder}", tmp_path / cache)

    return start


@pytest.fixture(autouse=True)
def impatient(monkeypatch):
    """No waiting, no credentials and no proxy in a test."""
    monkeypatch.setattr(fetching, "_PAUSE_SECONDS", 0.01)
    monkeypatch.setattr(transport, "READ_SECONDS", 1)
    for name in ("AWS_ACCESS_KEY_ID", "AWS_SECRET_ACCESS_KEY", "AWS_PROFILE", "HF_TOKEN"):
        monkeypatch.delenv(name, raising=False)
    for name in ("AWS_CONFIG_FILE", "AWS_SHARED_CREDENTIALS_FILE"):
        monkeypatch.setenv(name, "/nowhere")
    monkeypatch.setenv("AWS_EC2_METADATA_DISABLED", "true")
    monkeypatch.setenv("NO_PROXY", "*")


def digest_of(file: Path) -> str:
    return hashlib.sha256(file.read_bytes()).hexdigest()


def refusal(do) -> str:
    with pytest.raises(ArtifactError) as refused:
        do()
    sentence = str(refused.value)
    assert "/tmp" not in sentence
    assert "Traceback" not in sentence
    return sentence


# Where artifacts are.


def test_one_suite_is_fetched_from_a_web_server(visit, server, data):
    visitor = visit()
    assert visitor.names() == ["small"]
    assert visitor.version("small") == digest_of(data / "small/manifest.json")
    assert contents(visitor.folder("small")) == contents(data / "small")
    assert not visitor.note()
    assert len(server.requests) == 1 + len(FILES)


def test_of_a_folder_of_suites_only_the_chosen_one_is_fetched(visit, server, data):
    visitor = visit("public/data")
    assert visitor.names() == ["other", "small"]
    assert server.gets() == ["/public/data/manifest.json"]
    assert contents(visitor.folder("small")) == contents(data / "small")
    assert visitor.version("small") == digest_of(data / "small/manifest.json")
    assert not any(path.startswith("/public/data/other") for path in server.gets())


@pytest.mark.parametrize("key", [None, "AKEY"])
def test_from_s3_with_and_without_credentials(server, data, tmp_path, monkeypatch, key):
    monkeypatch.setenv("AWS_ENDPOINT_URL", server.address)
    if key:
        monkeypatch.setenv("AWS_ACCESS_KEY_ID", key)
        monkeypatch.setenv("AWS_SECRET_ACCESS_KEY", "secret")
    visitor = Visitor.of("s3://public/data", tmp_path / "cache")
    assert visitor.names() == ["other", "small"]
    assert contents(visitor.folder("small")) == contents(data / "small")
    if key:
        assert all(f"Credential={key}/" in found for found in server.authorized)
    else:
        assert server.authorized == {None}


@pytest.mark.parametrize("token", [None, "hf_secret"])
def test_from_the_hub_whose_token_goes_no_further(server, data, tmp_path, monkeypatch, token):
    monkeypatch.setenv("HF_ENDPOINT", server.address)
    if token:
        monkeypatch.setenv("HF_TOKEN", token)
    with web.serving(data) as elsewhere:  # where the hub keeps large files
        for i in range(2):
            server.faults[f"/small/models/m{i}"] = lambda handler, _: handler.send(
                302,
                b"",
                Location=elsewhere.address.replace("127.0.0.1", "localhost")
                + handler.path.partition("/resolve/v1/data")[2],
            )
        link = data.parent.parent / "data"
        link.symlink_to(data)
        visitor = Visitor.of("hf://datasets/org/name@v1/data", tmp_path / "cache")
        assert contents(visitor.folder("small")) == contents(data / "small")
    assert all(path.startswith("/datasets/org/name/resolve/v1/data/") for path in server.gets())
    assert server.authorized == {f"Bearer {token}" if token else None}
    assert elsewhere.gets()
    assert elsewhere.authorized == {None}


def test_from_anything_that_fsspec_reads(data, tmp_path):
    memory = fsspec.filesystem("memory")
    memory.put(str(data / "small"), "/kept/small", recursive=True)
    address = Address("memory://kept/small", "memory://kept/small", "memory", "memory", "small")
    visitor = Visitor(RemoteSource(address, Cache(tmp_path / "cache")), tmp_path / "cache")
    assert contents(visitor.folder("small")) == contents(data / "small")
    memory.rm("/kept", recursive=True)


def test_a_web_server_may_redirect(visit, server, data):
    shutil.copytree(data, data.parent.parent / "elsewhere/data")
    server.faults["^/public/"] = web.redirected
    assert contents(visit().folder("small")) == contents(data / "small")


def test_a_web_server_may_not_redirect_to_where_others_listen(visit, server):
    server.faults["^/public/"] = web.redirected_to("http://192.0.2.2:9")
    sentence = refusal(lambda: visit().folder("small"))
    assert "redirects to an address that is not encrypted" in sentence


# What already meets the target.


def test_nothing_is_fetched_twice(visit, server):
    visit().folder("small")
    server.requests.clear()
    visit().folder("small")
    assert server.gets() == ["/public/data/small/manifest.json"]


def test_of_a_new_version_only_what_is_new_is_fetched(visit, server, data):
    first = visit().folder("small")
    before = contents(first)
    file = data / "small/models/m2.parquet"
    file.write_bytes(b"new")
    (data / "small/models/m3.parquet").unlink()
    write_manifest(data / "small")
    server.requests.clear()
    second = visit().folder("small")
    assert contents(second) == contents(data / "small")
    assert contents(first) == before, "those who have the old version open go on with it"
    assert server.gets()[1:] == ["/public/data/small/models/m2.parquet"]


def test_an_interrupted_fetch_goes_on_where_it_stopped(visit, server, data):
    server.faults["quantized/m3"] = web.status(503)
    assert "it answers with status 503" in refusal(lambda: visit().folder("small"))
    server.faults.clear()
    server.requests.clear()
    visitor = visit()
    assert contents(visitor.folder("small")) == contents(data / "small")
    assert "/public/data/small/quantized/m3.parquet" in server.gets()
    assert len(server.gets()) < 1 + len(FILES)
    assert not [path for path in visitor.cache.rglob("*") if path.name.endswith(".writing")]


def test_a_file_that_was_damaged_in_the_cache_is_fetched_again(visit, server, data):
    visitor = visit()
    visitor.folder("small")
    large = max((visitor.cache / "files").iterdir(), key=lambda path: path.stat().st_size)
    content = large.read_bytes()
    large.unlink()
    large.write_bytes(content[:-1] + b"?")
    server.requests.clear()
    assert contents(visit().folder("small")) == contents(data / "small")
    assert len(server.gets()) == 2


def test_of_a_cache_that_is_emptied_meanwhile_everything_is_fetched_again(visit, server, data):
    visitor = visit()
    before = contents(visitor.folder("small"))
    shutil.rmtree(visitor.cache)
    assert contents(visitor.folder("small")) == before
    server.requests.clear()
    assert contents(visitor.folder("small")) == before
    assert not server.gets()


def test_a_link_that_was_put_into_the_cache_is_not_followed(visit, data, tmp_path):
    visitor = visit()
    folder = visitor.folder("small")
    file = min((visitor.cache / "files").iterdir())
    (tmp_path / "outside").write_bytes(file.read_bytes())
    file.unlink()
    file.symlink_to(tmp_path / "outside")
    added = folder / "models/added.parquet"
    added.symlink_to(tmp_path / "outside")
    again = visit().folder("small")
    assert contents(again) == contents(data / "small")
    assert not file.is_symlink()


def test_fetched_files_cannot_be_written_to_and_others_cannot_look(visit):
    visitor = visit()
    for path in visitor.folder("small").rglob("*.parquet"):
        assert path.stat().st_mode & 0o222 == 0
    assert visitor.cache.stat().st_mode & 0o077 == 0


def test_a_cache_that_is_for_reading_only_is_enough(visit, server, monkeypatch):
    visit().folder("small")

    def refused(*_, **__):
        raise PermissionError(errno.EACCES, "no", "/tmp/x")

    monkeypatch.setattr(caches.Path, "mkdir", refused)
    monkeypatch.setattr(caches.Path, "replace", refused)
    monkeypatch.setattr(caches.os, "link", refused)
    assert visit().folder("small")


# What goes wrong.

SOME_FILE = "models/m3"


@pytest.mark.parametrize(
    ("where", "fault", "sentence"),
    [
        ("manifest", web.status(404), "There is no file `manifest.json` at http://127.0.0.1:"),
        ("manifest", web.status(401), "refuses the file `manifest.json`: it needs credentials"),
        ("manifest", web.status(403), "refuses the file `manifest.json`"),
        ("manifest", web.status(500), "cannot be reached: it answers with status 500"),
        ("manifest", web.status(429), "cannot be reached: it answers with status 429"),
        ("manifest", web.silent, "cannot be reached: it does not answer in time"),
        ("manifest", web.cut, "there is no connection, or it broke"),
        ("manifest", web.shortened, "cannot be used: it is not JSON"),
        ("manifest", web.endless, "is longer than 8 MiB, so it is not read"),
        (SOME_FILE, web.status(404), "There is no file `models/m3.parquet` at"),
        (SOME_FILE, web.status(503), "it answers with status 503"),
        (SOME_FILE, web.silent, "it does not answer in time"),
        (SOME_FILE, web.cut, "there is no connection, or it broke"),
        (SOME_FILE, web.shortened, "is shorter than its size in the manifest, so this suite"),
        (SOME_FILE, web.padded, "is longer than its size in the manifest"),
        (SOME_FILE, web.endless, "is longer than its size in the manifest"),
        (SOME_FILE, web.altered, "is different from the file in the manifest (SHA-256)"),
    ],
)
def test_a_failure_is_one_sentence_and_leaves_nothing_half_written(
    visit, server, where, fault, sentence
):
    server.faults[where] = fault
    visitor = visit()
    assert sentence in refusal(lambda: visitor.folder("small"))
    kept = [path for path in visitor.cache.rglob("*") if path.is_file()]
    assert not [path for path in kept if path.name.endswith(".writing")]
    assert not list((visitor.cache / "suites").rglob("*.parquet"))
    for path in kept:
        if path.parent.name in ("files", "manifests"):
            assert digest_of(path) == path.name


@pytest.mark.parametrize("fault", [web.cut, web.status(503)])
@pytest.mark.parametrize("where", ["manifest", SOME_FILE])
def test_what_fails_once_is_asked_again(visit, server, data, where, fault):
    server.faults[where] = web.Once(fault)
    assert contents(visit().folder("small")) == contents(data / "small")


def test_a_trickle_is_not_waited_for(visit, server, monkeypatch):
    monkeypatch.setattr(transport, "FILE_SECONDS", 0.3)
    monkeypatch.setattr(transport, "SLOWEST_BYTES_PER_SECOND", 1e9)
    server.faults[SOME_FILE] = web.trickling
    assert "it does not answer in time" in refusal(lambda: visit().folder("small"))


def test_nobody_there_is_one_sentence(tmp_path, monkeypatch):
    monkeypatch.setenv("AWS_ENDPOINT_URL", "http://127.0.0.1:9")
    monkeypatch.setenv("HF_ENDPOINT", "http://127.0.0.1:9")
    for address in ("http://127.0.0.1:9/x", "s3://bucket/x", "hf://datasets/org/name"):
        sentence = refusal(Visitor.of(address, tmp_path).names)
        assert "cannot be reached: there is no connection" in sentence
        assert "Reload this page in a minute" in sentence


@pytest.mark.parametrize(
    ("how", "sentence"),
    [
        (
            lambda data: (data / "small/manifest.json").write_text("{}"),
            "different from the one in the",
        ),
        (lambda data: (data / "small/manifest.json").unlink(), "There is no file `small/manif"),
        (
            lambda data: shutil.copy(data / "manifest.json", data / "small/manifest.json"),
            "different from the one in the manifest of the folder",
        ),
    ],
)
def test_a_suite_that_is_not_what_the_folder_says_is_a_sentence(visit, data, how, sentence):
    how(data)
    visitor = visit("public/data")
    assert sentence in refusal(lambda: visitor.folder("small"))
    assert visitor.folder("other"), "another suite can still be chosen"


def test_folders_do_not_nest(visit, data):
    shutil.copy(data / "manifest.json", data / "small/manifest.json")
    write_collection(data)
    assert "is the manifest of a folder and not of a suite" in refusal(
        lambda: visit("public/data").folder("small")
    )


def test_a_suite_that_is_not_there_is_a_sentence(visit):
    assert "There is no suite `../x` at" in refusal(lambda: visit("public/data").folder("../x"))


def test_a_manifest_that_asks_for_more_fetches_nothing(visit, server, data):
    found = json.loads((data / "small/manifest.json").read_text())
    found["files"]["../../etc/x.parquet"] = {"bytes": 1, "sha256": "0" * 64}
    (data / "small/manifest.json").write_text(json.dumps(found))
    assert "is not TABLE/NAME.parquet" in refusal(lambda: visit().folder("small"))
    assert len(server.gets()) == 1


def test_a_full_disk_and_a_folder_that_cannot_be_written_to_are_sentences(
    visit, server, tmp_path, monkeypatch
):
    (tmp_path / "cache").write_text("a file")
    assert "cannot be written to" in refusal(lambda: visit().folder("small"))
    usage = shutil.disk_usage(tmp_path)
    monkeypatch.setattr(caches.shutil, "disk_usage", lambda _: usage._replace(free=100))
    server.requests.clear()
    assert "has no room" in refusal(lambda: visit(cache="new").folder("small"))
    assert len(server.gets()) == 1, "found out before anything is fetched"


def test_a_disk_that_fills_up_meanwhile_is_a_sentence(visit, monkeypatch):
    visitor = visit()
    visitor.names()

    def full(*_):
        raise OSError(errno.ENOSPC, "full", "/tmp/x")

    monkeypatch.setattr(caches.Path, "replace", full)
    assert "has no room" in refusal(lambda: visitor.folder("small"))


@pytest.mark.parametrize(
    ("address", "library"),
    [("s3://bucket/x", "botocore.session"), ("https://example.org/x", "aiohttp")],
)
def test_a_library_that_is_not_installed_is_a_sentence(tmp_path, monkeypatch, address, library):
    monkeypatch.setitem(sys.modules, library, None)
    sentence = refusal(Visitor.of(address, tmp_path).names)
    assert f"begin with {address.partition(':')[0]}:// need packages that are not" in sentence
    assert "pip install -r requirements.txt" in sentence


# An address that was there before.


def test_without_a_connection_what_was_fetched_is_shown_and_said_to_be(visit, server, data):
    first = visit("public/data")
    first.folder("small")
    version = first.version("small")
    server.faults["."] = web.status(503)
    later = visit("public/data")
    assert later.names() == ["other", "small"]
    assert later.version("small") == version
    assert contents(later.folder("small")) == contents(data / "small")
    assert "cannot be reached now. Shown is what was fetched from it before" in later.note()
    assert "UTC" in later.note()
    assert "it answers with status 503" in refusal(lambda: later.folder("other"))


def test_a_kept_copy_is_used_only_while_it_is_whole(visit, server):
    visitor = visit()
    visitor.folder("small")
    server.faults["."] = web.status(503)
    min((visitor.cache / "files").iterdir()).unlink()
    assert "status 503" in refusal(lambda: visit().folder("small"))
    kept = min((visitor.cache / "manifests").iterdir())
    kept.unlink()
    kept.write_text("{}")
    assert "status 503" in refusal(visit().names)


def test_a_kept_copy_is_of_its_own_address_only(visit, server):
    visit().folder("small")
    server.faults["."] = web.status(503)
    assert "status 503" in refusal(visit("public/data/other").names)
    assert "status 503" in refusal(visit(cache="another").names)


@pytest.mark.parametrize("answer", [web.status(404), web.status(403), web.shortened])
def test_an_address_that_answers_otherwise_is_believed(visit, server, answer):
    visit().folder("small")
    server.faults["manifest"] = answer
    assert refusal(visit().names)


@pytest.mark.parametrize("found", ['{"manifest": "../../x", "seen": "2026-01-01"}', "[]", "{", ""])
def test_a_damaged_note_of_what_was_there_is_none(visit, server, found):
    visitor = visit()
    visitor.folder("small")
    note = min((visitor.cache / "addresses").iterdir())
    note.unlink()
    note.write_text(found)
    server.faults["."] = web.status(503)
    assert "status 503" in refusal(visit().names)


# Many visitors of one process.


def test_visitors_who_come_together_fetch_once(visit, server, data):
    visitor, together = visit("public/data"), threading.Barrier(12)

    def come(_):
        together.wait()
        return contents(visitor.folder("small"))

    with ThreadPoolExecutor(12) as pool:
        assert all(found == contents(data / "small") for found in pool.map(come, range(12)))
    assert len(server.gets()) == len(set(server.gets())) == 2 + len(FILES)


def test_the_address_is_looked_up_again_without_keeping_anyone(visit, server, data, monkeypatch):
    visitor = visit()
    before = visitor.version("small")
    assert visitor.version("small") == before
    assert len(server.gets()) == 1
    (data / "small/models/m2.parquet").write_bytes(b"new")
    write_manifest(data / "small")
    monkeypatch.setattr(source, "_LOOKED_UP_FOR", 0)
    visitor.source._look_again = 0.0
    after = visitor.version("small")
    assert after == before, "who comes now goes on with what is known"
    visitor.source._jobs["catalogue"].wait(10)
    assert visitor.version("small") == digest_of(data / "small/manifest.json") != before
    assert contents(visitor.folder("small")) == contents(data / "small")


def test_an_address_that_goes_away_meanwhile_is_said_to_be(visit, server, monkeypatch):
    visitor = visit()
    visitor.folder("small")
    for fault, sentence in ((web.status(503), "cannot be reached now"), (None, "")):
        server.faults = {".": fault} if fault else {}
        for known in ("as before", "looked up again"):
            visitor.source._look_again = 0.0
            assert visitor.names() == ["small"], known
            if job := visitor.source._jobs.get("catalogue"):
                job.wait(10)
        assert sentence in visitor.note()
    assert visitor.note() == ""
    server.faults = {".": web.status(404)}
    visitor.source._look_again = 0.0
    visitor.names()
    visitor.source._jobs["catalogue"].wait(10)
    assert "There is no file" in refusal(visitor.names), "it was taken away"


def test_what_failed_is_tried_again_but_not_at_once(visit, server, monkeypatch):
    server.faults["."] = web.status(404)
    visitor = visit()
    for _ in range(5):
        assert "There is no file" in refusal(visitor.names)
    assert len(server.gets()) == 1
    server.faults.clear()
    monkeypatch.setattr(source, "_FAILED_FOR", 0)
    assert visitor.names() == ["small"]


def test_progress_counts_files_and_bytes(visit, server):
    visitor = visit()
    visitor.folder("small")
    (job,) = [job for key, job in visitor.source._jobs.items() if key.endswith(" small")]
    assert job.progress.share == 1.0
    assert job.progress.words.startswith("8 of 8 files, 0.0 of 0.0 MB")
