import gzip
import json
import tracemalloc
from pathlib import Path

import numpy as np
import pyarrow as pa
import pyarrow.parquet as pq
import pytest
import zstandard

from compute.base.errors import InputError
from compute.suites.text.corpora.corpus import _standard_library, load_corpus
from compute.suites.text.windows.tiling import DOCUMENT_END, predictions, tile


def write_shard(path, texts):
    lines = "".join(json.dumps({"text": text, "source": "s"}) + "\n" for text in texts)
    path.write_bytes(zstandard.ZstdCompressor().compress(lines.encode()))


def test_third_party_code_is_left_out(tmp_path, monkeypatch):
    for folder in ("", "json", "site-packages/numpy", "dist-packages"):
        (tmp_path / folder).mkdir(parents=True, exist_ok=True)
        (tmp_path / folder / "module.py").write_text(f"# in {folder or 'the library'}\n")
    monkeypatch.setattr("sysconfig.get_path", lambda name: str(tmp_path))
    files = [file.relative_to(tmp_path).as_posix() for file in _standard_library()]
    assert files == ["json/module.py", "module.py"]


def test_the_standard_library_is_large_enough_for_the_ladder():
    corpus = load_corpus(None, 100_000, seed=1)
    size = sum(map(len, corpus.training))
    assert size > 5_000_000
    assert "standard library" in corpus.name
    assert sum(map(len, corpus.heldout)) >= 90_000


def test_held_out_documents_are_no_training_documents(text_folder):
    corpus = load_corpus(text_folder, 20_000, seed=1)
    assert not set(corpus.training) & set(corpus.heldout)
    assert corpus.training
    assert corpus.heldout


def test_duplicates_count_once_and_binary_files_are_left_out(tmp_path):
    for i in range(4):
        (tmp_path / f"{i}.txt").write_text(f"document {i % 3}")
    (tmp_path / "image.bin").write_bytes(b"\xff\xfe\x00\x01")
    (tmp_path / "nul.txt").write_bytes(b"a\0b")
    corpus = load_corpus(tmp_path, 1, seed=0)
    assert len(corpus.training) + len(corpus.heldout) == 3
    assert corpus.skipped == 2


def test_the_order_depends_on_the_seed_alone(text_folder):
    first, again, other = (load_corpus(text_folder, 20_000, seed=s) for s in (1, 1, 2))
    assert first.fingerprint == again.fingerprint != other.fingerprint


def test_shards_bring_their_own_held_out_documents(tmp_path):
    write_shard(tmp_path / "train-000.jsonl.zst", [f"training {i}" for i in range(20)])
    write_shard(tmp_path / "test.jsonl.zst", ["held out", "training 3", "also held out"])
    write_shard(tmp_path / "validation.jsonl.zst", ["left alone"])
    corpus = load_corpus(tmp_path, 1_000, seed=0)
    assert len(corpus.training) == 20
    assert set(corpus.heldout) == {b"held out", b"also held out"}


def compressed(name, content):
    """In the way that a file's name promises."""
    whole = {".zst": lambda c: zstandard.ZstdCompressor().compress(c), ".gz": gzip.compress}
    return whole.get(Path(name).suffix, bytes)(content)


def write(path, texts, field="text"):
    """A shard in the format that its name says."""
    if path.suffix == ".parquet":
        pq.write_table(pa.table({"id": range(len(texts)), field: texts}), path, row_group_size=7)
    else:
        rows = "".join(json.dumps({"id": 0, field: text}) + "\n" for text in texts)
        path.write_bytes(compressed(path.name, rows.encode()))


FORMATS = ["jsonl", "jsonl.gz", "jsonl.zst", "parquet"]


@pytest.mark.parametrize("single", [False, True])
@pytest.mark.parametrize("suffix", FORMATS)
def test_every_format_gives_the_same_documents(tmp_path, suffix, single):
    texts = [f"document {i} of düne\n" * i for i in range(30)] + ["nul\0 left out"]
    shard = tmp_path / f"part.{suffix}"
    write(shard, texts, "content")
    (tmp_path / "README.md").write_text("no document")
    corpus = load_corpus(shard if single else tmp_path, 100, seed=0, field="content")
    expected = {text.replace("\0", "").encode() for text in texts if text}
    assert {*corpus.training, *corpus.heldout} == expected
    assert len(corpus.training) + len(corpus.heldout) == 30
    write(shard, texts)
    again = load_corpus(tmp_path, 100, seed=0)
    assert (again.training, again.heldout) == (corpus.training, corpus.heldout)


def test_formats_may_be_mixed_and_tests_are_held_out_in_each(tmp_path):
    for suffix in FORMATS:
        write(tmp_path / f"train.{suffix}", [f"training {suffix} {i}" for i in range(3)])
        write(tmp_path / f"test.{suffix}", [f"held out {suffix}"])
        write(tmp_path / f"validation.{suffix}", ["left alone"])
    corpus = load_corpus(tmp_path, 1_000, seed=0)
    assert len(corpus.training) == 12
    assert {*corpus.heldout} == {f"held out {suffix}".encode() for suffix in FORMATS}


def test_frames_of_a_parallel_compressor_are_all_read(tmp_path):
    for i in range(3):
        write_shard(tmp_path / f"{i}.jsonl.zst", [f"text {i}"])
    frames = b"".join((tmp_path / f"{i}.jsonl.zst").read_bytes() for i in range(3))
    (tmp_path / "all").mkdir()
    (tmp_path / "all" / "x.jsonl.zst").write_bytes(frames)
    corpus = load_corpus(tmp_path / "all", 1, seed=0)
    assert len(corpus.training) + len(corpus.heldout) == 3


def test_rows_without_a_value_are_no_documents(tmp_path):
    pq.write_table(pa.table({"text": ["a", None, "b", "", "c"]}), tmp_path / "x.parquet")
    corpus = load_corpus(tmp_path, 1, seed=0)
    assert {*corpus.training, *corpus.heldout} == {b"a", b"b", b"c"}


@pytest.mark.parametrize("suffix", [*FORMATS, "txt"])
def test_reading_stops_when_there_is_text_enough(tmp_path, suffix):
    texts = [f"{i:099}" for i in range(2000)]
    if suffix == "txt":
        for text in texts[:100]:
            (tmp_path / f"{text}.txt").write_text(text)
    else:
        write(tmp_path / f"a.{suffix}", texts)
        (tmp_path / f"b.{suffix}").write_bytes(b"damaged, and never reached")
    corpus = load_corpus(tmp_path, 500, seed=0, most_bytes=2_000)
    assert sum(map(len, corpus.training)) == 21 * 99
    assert sum(map(len, corpus.heldout)) == 5 * 99
    if suffix == "txt":  # a random choice, not the first of the folder
        assert max(corpus.training) > b"%099d" % 50
    else:
        assert {*corpus.training, *corpus.heldout} == {text.encode() for text in texts[:26]}


def test_own_held_out_shards_are_bounded_too(tmp_path):
    write(tmp_path / "train.jsonl", [f"{i:099}" for i in range(100)])
    write(tmp_path / "test.jsonl", [f"{i:098}x" for i in range(100)])
    corpus = load_corpus(tmp_path, 500, seed=0, most_bytes=2_000)
    assert sum(map(len, corpus.training)) == 21 * 99
    assert {*corpus.heldout} <= {b"%098dx" % i for i in range(6)}


def test_memory_does_not_grow_with_the_file(tmp_path):
    shard = tmp_path / "large.jsonl.zst"
    write(shard, ["x" * 99_999 + str(i) for i in range(400)])
    tracemalloc.start()
    corpus = load_corpus(tmp_path, 100_000, seed=0, most_bytes=300_000)
    peak = tracemalloc.get_traced_memory()[1]
    tracemalloc.stop()
    assert len(corpus.training) + len(corpus.heldout) == 4
    assert peak < 4_000_000  # of a file of 40 million


BAD_LINES = [b'{"words": "x"}', b'{"text": null}', b"[1]", b"{", b"\xff", b'{"text": "\\ud800"}']


@pytest.mark.parametrize("line", [None, *BAD_LINES])
@pytest.mark.parametrize(
    ("suffix", "kind"),
    [
        ("jsonl.zst", "zstd-compressed JSON lines"),
        ("jsonl.gz", "gzip-compressed JSON lines"),
        ("jsonl", "JSON lines"),
    ],
)
def test_a_damaged_shard_is_named(tmp_path, line, suffix, kind):
    shard = tmp_path / f"train-000.{suffix}"
    content = b'{"text": "fine"}\n'
    whole = b"no such format" if line is None else compressed(shard.name, content + line + b"\n")
    shard.write_bytes(whole)
    with pytest.raises(InputError, match=rf"train-000\.{suffix} is not {kind} with a 'text' field"):
        load_corpus(tmp_path, 100, seed=0)


def test_a_truncated_gzip_file_is_named(tmp_path):
    write(tmp_path / "a.jsonl.gz", [f"text {i}" for i in range(100)])
    (tmp_path / "a.jsonl.gz").write_bytes((tmp_path / "a.jsonl.gz").read_bytes()[:-20])
    with pytest.raises(InputError, match=r"a\.jsonl\.gz is not gzip-compressed JSON lines"):
        load_corpus(tmp_path, 100, seed=0)


def test_a_parquet_file_that_will_not_do_is_named(tmp_path):
    shard = tmp_path / "a.parquet"
    write(shard, ["x", "y"], "content")
    with pytest.raises(
        InputError, match=r"a\.parquet has no column 'text'; its columns are id, con"
    ):
        load_corpus(tmp_path, 100, seed=0)
    with pytest.raises(InputError, match=r"The column 'id' of the shard .* is int64, not text"):
        load_corpus(tmp_path, 100, seed=0, field="id")
    content = shard.read_bytes()
    footer = 8 + int.from_bytes(content[-8:-4], "little")
    damaged = content[:4] + bytes(len(content) - footer - 4) + content[-footer:]
    for bad in (b"", b"no Parquet at all", content[:-9], damaged):
        shard.write_bytes(bad)
        with pytest.raises(InputError, match=r"a\.parquet is no Parquet file that can be read \("):
            load_corpus(tmp_path, 100, seed=0, field="content")


def test_a_missing_and_an_empty_folder_are_named(tmp_path):
    with pytest.raises(InputError, match="nowhere does not exist"):
        load_corpus(tmp_path / "nowhere", 100, seed=0)
    with pytest.raises(InputError, match="too little text: 0 documents"):
        load_corpus(tmp_path, 100, seed=0)


def test_windows_tile_the_text_once(tmp_path, text_folder):
    corpus = load_corpus(text_folder, 20_000, seed=1)
    windows = tile(corpus, 32, 7, tmp_path).open()
    stream = b"".join(document + bytes([DOCUMENT_END]) for document in corpus.training)
    expected = np.frombuffer(stream, np.uint8)[: len(stream) // 32 * 32].reshape(-1, 32)
    assert windows.training.shape == (len(expected), 33)
    assert predictions(windows.training) == expected.size
    assert not windows.training[:, 0].any()
    as_rows = [w[1:].tobytes() for w in windows.training]
    assert sorted(as_rows) == sorted(w.tobytes() for w in expected)
    assert as_rows != [w.tobytes() for w in expected]  # shuffled
    assert windows.heldout[:, 1:].shape == windows.heldout_documents.shape
    assert not windows.heldout[:, 0].any()
    ends = windows.heldout[:, 1:].ravel() == DOCUMENT_END
    steps = np.diff(windows.heldout_documents.ravel())
    np.testing.assert_array_equal(np.flatnonzero(steps), np.flatnonzero(ends[:-1]))
    again = tile(corpus, 32, 7, tmp_path).open()
    np.testing.assert_array_equal(again.training, windows.training)


def test_held_out_windows_can_be_drawn_from_all_documents(tmp_path, text_folder):
    corpus = load_corpus(text_folder, 100_000, 1)
    whole = tile(corpus, 32, 1, tmp_path).open()
    some = tile(corpus, 32, 1, tmp_path, heldout_windows=200).open()
    np.testing.assert_array_equal(some.training, whole.training)
    assert some.heldout.shape == (200, 33)
    places = [np.flatnonzero((whole.heldout == window).all(1)) for window in some.heldout]
    assert all(len(place) for place in places)
    owners = some.heldout_documents
    assert all(
        (whole.heldout_documents[place] == documents).all(1).any()
        for place, documents in zip(places, owners, strict=True)
    )
    documents = {*whole.heldout_documents.ravel()}
    assert len({*owners.ravel()}) > 0.5 * len(documents)
    more = tile(corpus, 32, 1, tmp_path, heldout_windows=10**6).open()
    np.testing.assert_array_equal(more.heldout, whole.heldout)


def test_text_shorter_than_a_window_is_refused(tmp_path):
    (tmp_path / "a.txt").write_text("short")
    (tmp_path / "b.txt").write_text("shorter")
    corpus = load_corpus(tmp_path, 1, seed=0)
    with pytest.raises(InputError, match="does not fill one training"):
        tile(corpus, 64, 0, tmp_path / "cache")
