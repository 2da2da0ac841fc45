"""What cannot be read, and the one sentence about it."""

import time

import numpy as np
import pytest

from compute.base.errors import InputError
from tests.compute.helpers import shard_server
from tests.compute.suites.text.stream.examples import (
    EXPECTED,
    IDS,
    WINDOWS,
    refused,
    stream_of,
)


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
