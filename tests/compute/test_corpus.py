import json

import numpy as np
import pytest
import zstandard

from compute.errors import InputError
from compute.suites.corpus import _standard_library, load_corpus
from compute.suites.windows import DOCUMENT_END, predictions, tile


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


@pytest.mark.parametrize("line", [None, b'{"words": "x"}', b'{"text": null}', b"[1]", b"{"])
def test_a_damaged_shard_is_named(tmp_path, line):
    shard = tmp_path / "train-000.jsonl.zst"
    compress = zstandard.ZstdCompressor().compress
    shard.write_bytes(b"no zstd at all" if line is None else compress(line + b"\n"))
    with pytest.raises(InputError, match=r"train-000\.jsonl\.zst is not zstd-compressed JSON"):
        load_corpus(tmp_path, 100, seed=0)


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


def test_text_shorter_than_a_window_is_refused(tmp_path):
    (tmp_path / "a.txt").write_text("short")
    (tmp_path / "b.txt").write_text("shorter")
    corpus = load_corpus(tmp_path, 1, seed=0)
    with pytest.raises(InputError, match="does not fill one training"):
        tile(corpus, 64, 0, tmp_path / "cache")
