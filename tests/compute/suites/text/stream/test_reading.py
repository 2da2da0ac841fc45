"""Windows are the array's, at the cost of their bytes, through trouble that passes."""

import pickle
import time
from pathlib import Path

import numpy as np
import pytest

from compute.suites.text.stream.shard_layout import ShardLayout
from compute.suites.text.stream.token_stream import TokenStream
from compute.suites.text.windows.draws import uniform_draws
from tests.compute.helpers import shard_server
from tests.compute.helpers.shard_server import COMMIT, ShardServer, first_time, once, write_shards
from tests.compute.suites.text.stream.examples import (
    EXPECTED,
    HUB,
    IDS,
    VOCAB,
    WINDOWS,
    refused,
    straddling,
    stream_of,
)


def test_the_shards_of_pythia_hold_its_whole_run():
    stream = TokenStream("hf://datasets/EleutherAI/pile-deduped-pythia-preshuffled", Path(), VOCAB)
    names = stream._names
    assert (names[0], names[-1]) == ("document-00000-of-00020.bin", "document-00020-of-00020.bin")
    layout = ShardLayout(names, (30_000_000_000,) * 20 + (78_336_000,))
    layout.check(stream.address, 4098)
    assert stream._windows_of(layout) == 143_000 * 1024
    pieces = list(layout.pieces(7_320_644 * 4098, 7_320_645 * 4098))
    assert [piece.name for piece in pieces] == [names[0], names[1]]
    assert sum(piece.stop - piece.start for piece in pieces) == 4098


@pytest.mark.parametrize("kind", ["folder", "http", "hub", "hub at a commit"])
def test_every_window_is_the_arrays(kind, shards, hub, tmp_path):
    address = {"folder": shards, "http": hub.address, "hub": HUB}.get(kind, f"{HUB}@{COMMIT}")
    stream = stream_of(address, tmp_path)
    assert stream.windows() == WINDOWS
    assert stream.commit() == (COMMIT if "hub" in kind else None)
    everything = stream.read(range(WINDOWS))
    assert everything.dtype == np.int32
    np.testing.assert_array_equal(everything, EXPECTED)
    indices = [*straddling(), 5, WINDOWS - 1, 5, 0, 6]
    assert len(straddling()) >= 3
    np.testing.assert_array_equal(stream.read(indices), EXPECTED[indices])
    assert stream.read([]).shape == (0, IDS)


def test_what_is_cached_needs_no_network(shards, tmp_path):
    indices = uniform_draws(WINDOWS, 100, seed=0)
    with ShardServer(shards) as server:
        stream = stream_of(server.address, tmp_path)
        assert stream.missing_bytes(indices) == len(set(indices)) * 2 * IDS
        assert not server.requests
        stream.read(indices)
        assert stream.missing_bytes(indices) == 0
        assert stream.missing_bytes([*indices, *range(WINDOWS)]) == 2 * IDS * (
            WINDOWS - len(set(indices))
        )
    assert stream.windows() == WINDOWS
    np.testing.assert_array_equal(stream.read(indices[::-1]), EXPECTED[indices[::-1]])
    missing = min(set(range(WINDOWS)) - set(indices))
    assert "could not be read in 5 attempts (ConnectError" in refused(stream, [missing])


def test_a_window_costs_its_bytes_and_neighbours_one_read(tmp_path):
    tokens = np.random.default_rng(1).integers(VOCAB, size=2000 * 2049, dtype=np.uint16)
    write_shards(tmp_path / "shards", tokens, 3)
    with ShardServer(tmp_path / "shards") as server:
        stream = TokenStream(server.address, tmp_path / "cache", VOCAB, shards=3)
        assert stream.windows() == 2000
        assert server.sent == 3  # a byte of each shard tells its size
        server.forget()
        draws = uniform_draws(2000, 128, seed=3)
        stream.read(draws)
        assert server.sent == len(set(draws)) * 4098
        server.forget()
        stream.read(range(100, 356))
        known = len({*draws} & {*range(100, 356)})
        assert server.sent == (256 - known) * 4098
        assert len(server.requests) <= known + 2
        server.forget()
        np.testing.assert_array_equal(
            stream.read(range(1200, 1300)), tokens.reshape(-1, 2049)[1200:1300]
        )


def test_progress_adds_up_with_repeats_and_what_was_cached(server, tmp_path):
    stream = stream_of(server.address, tmp_path)
    stream.read(range(10))
    told = []
    stream.read([5, 5, 300, 300, 300, 7, 9], told.append)
    assert sum(told) == 7
    assert told[0] == 4


def test_it_can_be_pickled_after_use(hub, tmp_path):
    stream = stream_of(HUB, tmp_path)
    stream.read([3])
    again = pickle.loads(pickle.dumps(stream))
    assert again == stream
    np.testing.assert_array_equal(again.read([3, 4]), EXPECTED[[3, 4]])


@pytest.mark.parametrize(
    "fault",
    [
        shard_server.status(500),
        shard_server.status(503),
        shard_server.status(429, Retry_After="0"),
        shard_server.drop,
        shard_server.truncate,
    ],
    ids=["500", "503", "429", "drop", "truncate"],
)
@pytest.mark.parametrize("where", ["http", "hub"])
def test_trouble_that_passes_is_waited_for(fault, where, hub, tmp_path):
    stream = stream_of(hub.address if where == "http" else HUB, tmp_path)
    hub.fault = first_time(fault)
    np.testing.assert_array_equal(stream.read(range(0, WINDOWS, 7)), EXPECTED[::7])
    assert len(hub.requests) >= 2 * (WINDOWS // 7)


def test_the_server_says_how_long_to_wait(server, tmp_path):
    stream = stream_of(server.address, tmp_path)
    limit = {"ratelimit": '"resolvers";r=0;t=0'}
    server.fault = once(shard_server.status(429, **limit))
    start = time.perf_counter()
    stream.read([1])
    assert 1.0 <= time.perf_counter() - start < 5.0


@pytest.mark.parametrize(
    "fault", [shard_server.drop, shard_server.truncate, shard_server.status(502)]
)
def test_trouble_that_stays_ends(fault, server, tmp_path):
    stream = stream_of(server.address, tmp_path)
    stream.windows()
    server.forget()
    server.fault = fault
    assert "could not be read in 5 attempts" in refused(stream)
    assert len(server.requests) == 5


@pytest.mark.parametrize("code", [401, 403, 404, 410])
def test_a_refusal_is_not_asked_twice(code, server, tmp_path):
    stream = stream_of(server.address, tmp_path)
    server.fault = shard_server.status(code)
    sentence = refused(stream)
    assert f"{server.address}/document-00000-of-00004.bin" in sentence
    assert len(server.requests) == 1
