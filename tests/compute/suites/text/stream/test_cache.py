"""What came is kept: through failures, kills, other processes and damage."""

import json
import signal
import sqlite3
import time

import numpy as np
import pytest

from compute.base.errors import InputError
from tests.compute.helpers import shard_server
from tests.compute.helpers.shard_server import once
from tests.compute.suites.text.stream.examples import (
    EXPECTED,
    IDS,
    WINDOWS,
    child,
    refused,
    straddling,
    stream_of,
)


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
