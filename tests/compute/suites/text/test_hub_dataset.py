import json
import socket
import time

import pytest
from huggingface_hub import constants

from compute.base.errors import InputError
from compute.suites.text.corpora.corpus import load_corpus
from compute.suites.text.corpora.hub_dataset import CONVERTED, fetch_dataset, missing_bytes
from tests.compute.helpers.dataset_hub import NAME, Hub, cache_dataset, commit_of


def lines(*texts):
    return "".join(json.dumps({"content": text}) + "\n" for text in texts).encode()


#: Three training files of 300 bytes, and what is not to be trained on.
SHARDS = {f"data/train-{i:05}.jsonl": lines("x" * 283 + str(i)) for i in range(3)}
FILES = SHARDS | {
    "data/test-00000.jsonl": lines("a test"),
    "data/validation-00000.jsonl": lines("a validation"),
    "README.md": b"# text",
    "extra.jsonl": lines("extra"),
}


@pytest.fixture
def cache(tmp_path, monkeypatch):
    monkeypatch.setattr(constants, "HF_HUB_CACHE", str(tmp_path / "hub"))
    return tmp_path / "hub"


@pytest.fixture
def offline(monkeypatch):
    monkeypatch.setattr(constants, "HF_HUB_OFFLINE", True)


def ask_at(address, monkeypatch):
    """``huggingface_hub`` reads its environment when it is imported: its constants are set."""
    template = "/{repo_id}/resolve/{revision}/{filename}"
    monkeypatch.setattr(constants, "ENDPOINT", address)
    monkeypatch.setattr(constants, "HUGGINGFACE_CO_URL_TEMPLATE", address + template)
    monkeypatch.setattr(constants, "HF_HUB_OFFLINE", False)


@pytest.fixture
def no_server(monkeypatch):
    """An address without a server, and no waiting."""
    monkeypatch.setattr(time, "sleep", lambda seconds: None)
    with socket.socket() as bound:
        bound.bind(("127.0.0.1", 0))
        yield f"http://127.0.0.1:{bound.getsockname()[1]}"


@pytest.fixture
def serve(cache, monkeypatch):
    """Let a hub answer under the address that the client asks."""
    servers = []

    def start(hub: Hub) -> Hub:
        server, address = hub.serve()
        servers.append(server)
        ask_at(address, monkeypatch)
        return hub

    yield start
    for server in servers:
        server.shutdown()
        server.server_close()


def names(fetched):
    return [file.relative_to(fetched.folder).as_posix() for file in fetched.files]


def test_files_come_in_order_and_only_until_they_are_enough(serve):
    hub = serve(Hub({"main": FILES}))
    assert {len(content) for content in SHARDS.values()} == {300}
    assert missing_bytes(NAME, enough_bytes=400) == 600
    assert hub.downloads == []
    fetched = fetch_dataset(NAME, enough_bytes=400)
    assert names(fetched) == sorted(SHARDS)[:2] == sorted(hub.downloads)
    assert fetched.commit == commit_of(FILES)
    assert [file.read_bytes() for file in fetched.files] == [SHARDS[n] for n in names(fetched)]
    assert missing_bytes(NAME, enough_bytes=400) == 0
    assert missing_bytes(NAME) == 300
    assert names(fetch_dataset(NAME)) == sorted(SHARDS)
    assert len(hub.downloads) == 3  # nothing twice


def test_without_the_hub_the_same_files_come_from_the_cache(serve, monkeypatch):
    hub = serve(Hub({"main": FILES}))
    everything = fetch_dataset(NAME)
    little = fetch_dataset(NAME, enough_bytes=1)
    requests = hub.requests
    monkeypatch.setattr(constants, "HF_HUB_OFFLINE", True)
    assert fetch_dataset(NAME) == everything
    assert fetch_dataset(NAME, enough_bytes=1) == little
    assert names(little) == sorted(SHARDS)[:1]  # though the cache holds more
    assert hub.requests == requests
    with pytest.raises(InputError, match=r"not completely\), and HF_HUB_OFFLINE"):
        fetch_dataset(NAME, patterns=["extra*"])
    everything.files[1].unlink()
    with pytest.raises(InputError, match="not completely"):  # not fewer files than before
        fetch_dataset(NAME)
    assert missing_bytes(NAME) == 300


def test_a_hub_that_is_down_does_not_stop_what_is_cached(serve, no_server, monkeypatch):
    hub = serve(Hub({"main": FILES}))
    everything = fetch_dataset(NAME)
    hub.broken = True
    assert fetch_dataset(NAME) == everything
    ask_at(no_server, monkeypatch)
    assert fetch_dataset(NAME) == everything
    assert fetch_dataset(NAME, everything.commit) == everything


def test_a_cache_of_an_older_client_will_do(cache, offline):
    commit = cache_dataset(cache, FILES)
    fetched = fetch_dataset(NAME)
    assert (names(fetched), fetched.commit) == (sorted(SHARDS), commit)
    assert fetched == fetch_dataset(NAME, commit)
    assert names(fetch_dataset(NAME, enough_bytes=301)) == sorted(SHARDS)[:2]
    assert missing_bytes(NAME) == 0
    assert len(load_corpus(fetched.folder, 1, 0, field="content").training) > 2  # all of it
    corpus = load_corpus(fetched.folder, 1, 0, field="content", files=fetched.files, name="tiny")
    assert {*corpus.training, *corpus.heldout} == {b"x" * 283 + b"%d" % i for i in range(3)}
    assert corpus.name == "tiny"


def test_patterns_choose_other_files(cache, offline):
    cache_dataset(cache, FILES)
    assert names(fetch_dataset(NAME, patterns=["extra*", "data/test-*"])) == [
        "data/test-00000.jsonl",
        "extra.jsonl",
    ]
    with pytest.raises(InputError, match=r"has no file that matches nothing\*; name some"):
        fetch_dataset(NAME, patterns=["nothing*"])


def test_brackets_in_a_path_are_no_pattern(serve):
    serve(Hub({"main": {"train[1].jsonl": lines("a"), "README.md": b""}}))
    assert names(fetch_dataset(NAME)) == ["train[1].jsonl"]


def test_files_that_are_not_called_training_are_taken_if_none_is(cache, offline):
    cache_dataset(cache, {"en/b.jsonl.zst": b"b", "en/a.parquet": b"a", "dev/c.jsonl": b"c"})
    assert names(fetch_dataset(NAME)) == ["en/a.parquet", "en/b.jsonl.zst"]


def test_converted_files_stand_in_for_unknown_formats(serve):
    converted = {"default/test/0000.parquet": b"test", "default/train/0000.parquet": b"train"}
    serve(Hub({"main": {"data.csv": b"a,b"}, CONVERTED: converted}))
    fetched = fetch_dataset(NAME)
    assert names(fetched) == ["default/train/0000.parquet"]
    assert fetched.commit == commit_of(converted)
    with pytest.raises(InputError, match="no file that matches"):
        fetch_dataset(NAME, commit_of({"data.csv": b"a,b"}))  # they may be of another commit


def test_what_cannot_be_had_is_named(serve):
    hub = serve(Hub({"main": {"data.csv": b"a,b"}, "gated": SHARDS}))
    for what, sentence in {
        (NAME, None): r"tiny/text has no file that matches \*\.jsonl",
        (NAME, "v9"): "The dataset tiny/text has no revision v9",
        ("no/such", None): "There is no dataset no/such on the hub, or it is private",
        ("a b", None): "'a b' is not the name of a dataset",
        ("a/b/c", None): "'a/b/c' is not the name of a dataset",
    }.items():
        for ask in (fetch_dataset, missing_bytes):
            with pytest.raises(InputError, match=sentence):
                ask(*what)
    hub.gated = True
    with pytest.raises(InputError, match="is gated: ask for access at hugging"):
        fetch_dataset(NAME, "gated")


@pytest.mark.parametrize("revision", [None, "a" * 40])
def test_no_network_and_offline_are_told_apart(cache, no_server, monkeypatch, revision):
    ask_at(no_server, monkeypatch)
    for offline, why in ((False, "the hub cannot be reached"), (True, "HF_HUB_OFFLINE is set")):
        monkeypatch.setattr(constants, "HF_HUB_OFFLINE", offline)
        with pytest.raises(
            InputError, match=f"tiny/text is not in the cache .*, and {why}; download"
        ):
            fetch_dataset(NAME, revision)
        assert missing_bytes(NAME, revision) is None
