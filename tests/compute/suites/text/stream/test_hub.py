"""The hub: redirects to its storage, its token, gates, revisions, offline mode."""

import json

import numpy as np
import pytest

from compute.suites.text.stream.reads_in_flight import THREADS
from tests.compute.helpers import shard_server
from tests.compute.helpers.shard_server import COMMIT
from tests.compute.suites.text.stream.examples import (
    EXPECTED,
    HUB,
    IDS,
    SHARDS,
    WINDOWS,
    child,
    refused,
    stream_of,
)


def test_the_hub_is_not_asked_for_every_window_and_the_token_stays_there(hub, tmp_path):
    stream_of(HUB, tmp_path).windows()
    hub.forget()
    stream_of(HUB, tmp_path).read(range(0, WINDOWS, 2))
    resolved = [r for r in hub.requests if r.path.startswith("/datasets/")]
    assert all(f"/resolve/{COMMIT}/" in request.path for request in resolved)
    assert all(request.token == "Bearer hf_secret" for request in resolved)
    assert SHARDS <= len(resolved) <= SHARDS * THREADS  # at worst all before the first one knew
    served = [r for r in hub.requests if r.path.startswith("/stored/")]
    assert len(served) >= WINDOWS // 2
    assert not any(request.token for request in served)


def test_a_signature_that_expires_is_renewed(hub, tmp_path):
    stream = stream_of(HUB, tmp_path)
    stream.windows()

    hub.fault = shard_server.expire
    np.testing.assert_array_equal(stream.read(range(0, WINDOWS, 2)), EXPECTED[::2])
    assert len(hub.expired) > 1  # how often depends on what is under way at once
    assert hub.sent == SHARDS + WINDOWS // 2 * 2 * IDS  # nothing twice


def test_gated_missing_and_revisions_of_the_hub(hub, tmp_path):
    hub.fault = shard_server.status(403, X_Error_Code="GatedRepo")
    sentence = refused(stream_of(HUB, tmp_path))
    assert "`hf auth login` or set HF_TOKEN" in sentence
    assert f"{hub.endpoint}/datasets/org/stream/resolve/main/document-00000" in sentence
    hub.fault = None
    assert "has no such revision" in refused(stream_of(f"{HUB}@nowhere", tmp_path))
    assert "has no dataset" in refused(stream_of("hf://datasets/org/other", tmp_path))
    assert "the number of shards" in refused(stream_of(HUB, tmp_path, shards=4))
    assert len(hub.requests) == 4


def test_offline_the_hub_is_not_contacted(hub, tmp_path, monkeypatch):
    stream = stream_of(HUB, tmp_path)
    stream.read([1, 2])
    hub.forget()
    monkeypatch.setattr("huggingface_hub.constants.HF_HUB_OFFLINE", True)
    np.testing.assert_array_equal(stream.read([2, 1]), EXPECTED[[2, 1]])
    assert stream.windows() == WINDOWS
    assert "HF_HUB_OFFLINE is set" in refused(stream, [3])
    assert "HF_HUB_OFFLINE is set" in refused(stream_of(f"{HUB}@{COMMIT}", tmp_path))
    assert not hub.requests
    plain = stream_of(hub.address, tmp_path)
    np.testing.assert_array_equal(plain.read([3]), EXPECTED[[3]])


@pytest.mark.parametrize("offline", ["0", "1"])
def test_the_environment_of_the_hub_is_honoured(offline, server, tmp_path):
    process = child(HUB, tmp_path, 7, HF_ENDPOINT=server.endpoint, HF_HUB_OFFLINE=offline)
    output, error = process.communicate(timeout=60)
    if offline == "1":
        assert process.returncode == 1
        assert "HF_HUB_OFFLINE is set" in error
        assert not server.requests
    else:
        assert json.loads(output.splitlines()[-1]) == EXPECTED[::7].sum(dtype=int), error
