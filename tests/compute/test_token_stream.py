import json
import os
import pickle
import signal
import sqlite3
import subprocess
import sys
import time
from pathlib import Path

import numpy as np
import pytest

from compute.errors import InputError
from compute.suites import range_reads
from compute.suites.draws import uniform_draws
from compute.suites.reads_in_flight import THREADS
from compute.suites.shard_layout import ShardLayout
from compute.suites.token_stream import TokenStream
from tests.compute import shard_server
from tests.compute.shard_server import COMMIT, ShardServer, first_time, once, write_shards

ROOT = Path(__file__).resolve().parents[2]
VOCAB, IDS, WINDOWS, SHARDS = 50304, 33, 700, 5
TOKENS = np.random.default_rng(0).integers(VOCAB, size=WINDOWS * IDS + 10, dtype=np.uint16)
EXPECTED = TOKENS[: WINDOWS * IDS].reshape(WINDOWS, IDS)
HUB = "hf://datasets/org/stream"


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


def stream_of(address: object, cache: Path, **options) -> TokenStream:
    options = {"vocab_size": VOCAB, "ids_per_window": IDS, "shards": SHARDS} | options
    return TokenStream(str(address), cache / "cache", **options)


def straddling() -> list[int]:
    """Windows that lie in two shards."""
    shard = -(-TOKENS.size // SHARDS)
    return [shard * i // IDS for i in range(1, SHARDS) if shard * i % IDS]


def refused(stream: TokenStream, indices=(0,)) -> str:
    """The one sentence that a read of the stream is refused with; it names the address."""
    with pytest.raises(InputError) as error:
        stream.read(indices)
    sentence = str(error.value)
    assert sentence.endswith(".")
    assert "\n" not in sentence
    assert stream.address in sentence
    return sentence


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


def test_an_interrupted_read_goes_on_where_it_stopped(server, tmp_path):
    stream = stream_of(server.address, tmp_path)
    stream.windows()
    indices = np.setdiff1d(np.arange(0, WINDOWS, 2), straddling())  # one request for each
    server.forget()
    server.fault = once(shard_server.status(404), after=150)
    refused(stream, indices)
    first = {request.range + request.path for request in server.requests if request.sent}
    kept = len(indices) - stream.missing_bytes(indices) // (2 * IDS)
    assert 130 <= kept < 200
    came = server.sent
    np.testing.assert_array_equal(stream.read(indices), EXPECTED[indices])
    again = {request.range + request.path for request in server.requests if request.sent}
    assert came < server.sent == len(indices) * 2 * IDS  # nothing twice
    assert first < again


CHILD = """
import sys, json
from pathlib import Path
from compute.errors import InputError
from compute.suites.token_stream import TokenStream
address, cache, step, size = sys.argv[1], Path(sys.argv[2]), int(sys.argv[3]), len(sys.argv)
stream = TokenStream(address, cache, 50304, 33, 5)
try:
    windows = stream.read(range(0, stream.windows(), step), lambda n: print(n, flush=True))
    print(json.dumps(int(windows.sum())))
except InputError as error:
    sys.exit(str(error))
"""


def child(address: str, cache: Path, step: int, **environment: str) -> subprocess.Popen:
    return subprocess.Popen(
        [sys.executable, "-c", CHILD, address, str(cache / "cache"), str(step)],
        cwd=ROOT,
        env=os.environ | environment,
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        text=True,
    )


def test_a_killed_process_leaves_whole_windows(server, tmp_path):
    def slow(handler, content):
        time.sleep(0.05)
        return False

    server.fault = slow
    process = child(server.address, tmp_path, 2)
    for _ in range(3):
        assert process.stdout.readline()
    process.send_signal(signal.SIGKILL)
    process.communicate()
    server.fault = None
    stream = stream_of(server.address, tmp_path)
    indices = range(0, WINDOWS, 2)
    assert 0 < stream.missing_bytes(indices) < len(indices) * 2 * IDS
    np.testing.assert_array_equal(stream.read(indices), EXPECTED[::2])


def test_two_processes_share_a_cache(server, tmp_path):
    processes = [child(server.address, tmp_path, step) for step in (2, 3)]
    for step, process in zip((2, 3), processes, strict=True):
        output, error = process.communicate(timeout=60)
        assert not process.returncode, error
        assert json.loads(output.splitlines()[-1]) == EXPECTED[::step].sum(dtype=int)
    stream = stream_of(server.address, tmp_path)
    assert stream.missing_bytes([*range(0, WINDOWS, 2), *range(0, WINDOWS, 3)]) == 0


@pytest.mark.parametrize(
    "damage",
    [
        "UPDATE kept SET content = zeroblob(66) WHERE number = 4",
        "UPDATE kept SET content = substr(content, 1, 20) WHERE number = 4",
        "UPDATE kept SET content = 'text' WHERE number = 4",
        "UPDATE kept SET (content, crc32) ="
        " (SELECT content, crc32 FROM kept WHERE number = 5) WHERE number = 4",
        "DELETE FROM kept WHERE number = 4",
    ],
)
def test_a_damaged_window_is_fetched_again(damage, server, tmp_path):
    stream = stream_of(server.address, tmp_path)
    stream.read(range(10))
    connection = sqlite3.connect(stream._cache_file())
    with connection:
        assert connection.execute(damage).rowcount == 1
    connection.close()
    assert stream.missing_bytes(range(10)) == 2 * IDS
    server.forget()
    np.testing.assert_array_equal(stream.read(range(10)), EXPECTED[:10])
    assert server.sent == 2 * IDS


def test_damaged_facts_are_asked_for_again(server, tmp_path):
    stream = stream_of(server.address, tmp_path)
    stream.read([1])
    connection = sqlite3.connect(stream._cache_file())
    with connection:
        connection.execute("UPDATE kept SET content = replace(content, '9', '8') WHERE number < 0")
    connection.close()
    assert stream.windows() == WINDOWS


def test_a_file_that_is_no_cache_is_named(server, tmp_path):
    stream = stream_of(server.address, tmp_path)
    stream._cache_file().parent.mkdir(parents=True)
    stream._cache_file().write_bytes(b"no database" * 1000)
    for call in (stream.windows, lambda: stream.read([1]), lambda: stream.missing_bytes([1])):
        with pytest.raises(InputError, match=r"The cache of token windows .* cannot be used"):
            call()
    (tmp_path / "file").write_text("")
    with pytest.raises(InputError, match="cannot be used"):
        stream_of(server.address, tmp_path / "file").windows()


# What cannot be read, and the sentence about it.


@pytest.mark.parametrize("kind", ["folder", "http"])
def test_broken_shards_are_named(kind, shards, server, tmp_path):
    address = str(shards) if kind == "folder" else server.address
    middle, last = (shards / f"document-0000{i}-of-00004.bin" for i in (2, 4))
    whole = middle.read_bytes()
    for content, told in (
        (whole[:-1], "has 9,242 bytes, an odd number|has 9,243 bytes, an odd number"),
        (whole[:-2], "only the last shard may be smaller"),
        (whole + b"ab", "only the last shard may be smaller"),
        (b"", "is empty"),
    ):
        middle.write_bytes(content)
        with pytest.raises(InputError, match=rf"document-00002-of-00004\.bin of .*({told})"):
            stream_of(address, tmp_path).windows()
    middle.unlink()
    with pytest.raises(InputError, match=r"document-00002-of-00004\.bin.* is missing"):
        stream_of(address, tmp_path).windows()
    middle.write_bytes(whole)
    last.write_bytes(whole + whole)
    assert "00004-of-00004.bin" in refused(stream_of(address, tmp_path))
    last.write_bytes(b"")
    assert "00004-of-00004.bin" in refused(stream_of(address, tmp_path))
    last.write_bytes(whole)
    assert stream_of(address, tmp_path).windows() == 5 * len(whole) // (2 * IDS)  # not kept before
    assert "less than one window" in refused(stream_of(address, tmp_path, ids_per_window=10**6))


def test_a_shard_that_changes_is_noticed(server, shards, tmp_path):
    stream = stream_of(server.address, tmp_path)
    stream.read([0])
    first = shards / "document-00000-of-00004.bin"
    first.write_bytes(first.read_bytes() + bytes(4))
    assert "no longer the same stream" in refused(stream, [1])
    first.write_bytes(first.read_bytes()[:100])
    assert "no longer the same stream" in refused(stream, [1])
    assert "no longer the same stream" in refused(stream, [20])
    np.testing.assert_array_equal(stream.read([0]), EXPECTED[:1])


def test_indices_out_of_range_are_refused(shards, server, tmp_path):
    for address in (shards, server.address):
        stream = stream_of(address, tmp_path)
        assert f"it has windows 0 to {WINDOWS - 1}" in refused(stream, [3, WINDOWS])
        with pytest.raises(InputError, match="Window -1 does not exist"):
            stream.read([3, -1])
        for odd in ([0.5], [[1, 2]], ["1"]):
            with pytest.raises(InputError, match="not a list of whole numbers"):
                stream.read(odd)
    with pytest.raises(InputError, match=f"Window {WINDOWS} of"):
        stream.missing_bytes([WINDOWS])


def test_an_id_outside_the_vocabulary_is_named_and_costs_nothing_twice(server, tmp_path):
    window = int(EXPECTED.max(axis=1).argmax())
    largest = EXPECTED.max()
    told = f"Window {window} of {server.address} holds the id {largest}"
    narrow = stream_of(server.address, tmp_path, vocab_size=int(largest))
    assert told in refused(narrow, [window])
    assert told in refused(narrow, [window])  # also out of the cache
    server.forget()
    stream_of(server.address, tmp_path).read([window])
    assert not server.requests


def test_a_server_that_ignores_ranges_is_left(server, tmp_path):
    server.fault = shard_server.ignore_range
    assert "ignores range requests" in refused(stream_of(server.address, tmp_path))
    assert len(server.requests) == 1
    time.sleep(0.5)
    assert server.sent < 20_000_000  # what sockets hold, not 30 GB


def test_a_server_that_sends_another_range_is_left(server, tmp_path):
    server.fault = shard_server.status(206, Content_Range="bytes 5-9/1000")
    assert "was asked for bytes 0-0 and answered bytes 5-9/1000" in refused(
        stream_of(server.address, tmp_path)
    )
    server.fault = shard_server.status(206)
    assert "answered without a range" in refused(stream_of(server.address, tmp_path))


def test_redirects_are_followed_and_circles_left(server, tmp_path):
    server.fault = shard_server.redirect_to("elsewhere")
    stream = stream_of(server.address, tmp_path)
    np.testing.assert_array_equal(stream.read([9]), EXPECTED[[9]])

    def circle(handler, content):
        handler.reply(302, {"Location": handler.path})
        return True

    server.fault = circle
    assert "TooManyRedirects" in refused(stream, [10])


def test_addresses_that_are_none_are_refused(tmp_path):
    for address in ("hf://org/stream", "hf://datasets/stream", "hf://buckets/a/b", "s3://a/b"):
        sentence = refused(stream_of(address, tmp_path))
        assert "hf://datasets/ORG/NAME" in sentence
    assert "is missing" in refused(stream_of(tmp_path / "nowhere", tmp_path))
    refused(stream_of("http://", tmp_path))
    refused(stream_of("http://127.0.0.1:99999", tmp_path))


# The hub.


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

    def expire(handler, content):
        hub.signature = "second"
        handler.reply(403)
        return True

    hub.fault = shard_server.stored(once(expire, after=20))
    np.testing.assert_array_equal(stream.read(range(0, WINDOWS, 2)), EXPECTED[::2])
    assert {request.path.partition("?")[2] for request in hub.requests} == {"", "first", "second"}


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
