"""The small token stream as a folder, on a web server, and on a hub."""

from pathlib import Path

import pytest

from compute.suites.text.stream import range_reads
from tests.compute.helpers.shard_server import ShardServer, write_shards
from tests.compute.suites.text.stream.examples import SHARDS, TOKENS


@pytest.fixture(autouse=True)
def short_waits(monkeypatch):
    monkeypatch.setattr(range_reads, "FIRST_WAIT_SECONDS", 0.01)


@pytest.fixture
def shards(tmp_path) -> Path:
    write_shards(tmp_path / "shards", TOKENS, SHARDS)
    return tmp_path / "shards"


@pytest.fixture
def server(shards):
    with ShardServer(shards) as server:
        yield server


@pytest.fixture
def hub(server, monkeypatch):
    """The same server as the hub, which knows a token."""
    template = "huggingface_hub.constants.HUGGINGFACE_CO_URL_TEMPLATE"
    path = "/{repo_id}/resolve/{revision}/{filename}"
    monkeypatch.setattr(template, server.endpoint + path)
    monkeypatch.setenv("HF_TOKEN", "hf_secret")
    return server
