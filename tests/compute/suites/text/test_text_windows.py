import pickle
from concurrent.futures import ThreadPoolExecutor
from itertools import pairwise

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from tokenizers import Tokenizer, models, pre_tokenizers
from tokenizers.processors import TemplateProcessing
from transformers import ByT5Tokenizer, PreTrainedTokenizerFast

from compute.base.errors import InputError
from compute.suites.text.corpora.corpus import Corpus, load_corpus
from compute.suites.text.tokenizers import tokens
from compute.suites.text.tokenizers.tokens import (
    document_end,
    known_ids,
    text_prefix,
    token_pieces,
    tokenizer_digest,
)
from compute.suites.text.tokenizers.window_begin import window_begin
from compute.suites.text.windows.text_windows import tokenize
from compute.suites.text.windows.tiling import predictions
from tests.compute.helpers.tiny_tokenizer import tokenizer

TOKENIZER = tokenizer()


def corpus_of(training, heldout=("one held-out text", "and another one")):
    encoded = [tuple(text.encode() for text in texts) for texts in (training, heldout)]
    return Corpus("a corpus", *encoded, skipped=0)


def stream_of(documents, of=TOKENIZER):
    """Every document by itself, each ended, one more end before all."""
    end = document_end(of)
    ids = [of(d.decode(), add_special_tokens=False, verbose=False)["input_ids"] for d in documents]
    return [end, *(i for document in ids for i in [*document, end])]


def joined(windows):
    """The stream that unshuffled windows were cut from."""
    for before, after in pairwise(windows):
        assert before[-1] == after[0]
    return [*windows[0, :1], *windows[:, 1:].ravel()]


@settings(max_examples=30)
@given(
    st.lists(st.text(st.characters(codec="utf-8"), max_size=40), min_size=2, max_size=8),
    st.integers(1, 12),
    st.integers(1, 40),
)
def test_every_prediction_of_the_stream_is_in_exactly_one_window(
    tmp_path_factory, texts, context, most
):
    corpus = corpus_of(["some text to fill the first window with", *texts])
    files = tokenize(corpus, TOKENIZER, context, 3, tmp_path_factory.mktemp("cache"), most)
    text = files.open()
    stream = stream_of(corpus.training)
    count = min(most, (len(stream) - 1) // context)
    assert text.training.shape == (count, context + 1)
    expected = [tuple(stream[k * context : (k + 1) * context + 1]) for k in range(count)]
    assert sorted(map(tuple, text.training.tolist())) == sorted(expected)
    heldout = stream_of(corpus.heldout)
    used = predictions(text.heldout)
    assert used == (len(heldout) - 1) // context * context
    assert joined(text.heldout) == heldout[: used + 1]


def test_windows_are_shuffled_by_the_seed_alone(tmp_path, text_folder):
    corpus = load_corpus(text_folder, 8_192, seed=1)
    first, other = (
        tokenize(corpus, TOKENIZER, 16, s, tmp_path, 10**6).open().training for s in (1, 2)
    )
    again = tokenize(corpus, TOKENIZER, 16, 1, tmp_path / "elsewhere", 10**6).open().training
    np.testing.assert_array_equal(first, again)
    assert not np.array_equal(first, other)
    assert sorted(map(bytes, first)) == sorted(map(bytes, other))
    assert first.dtype == np.uint16


def test_each_held_out_token_knows_its_document_and_bytes_are_counted(tmp_path, text_folder):
    corpus = load_corpus(text_folder, 8_192, seed=1)
    text = tokenize(corpus, TOKENIZER, 16, 1, tmp_path, 10**6).open()
    assert text.heldout_documents.shape == (len(text.heldout), 16)
    ends = text.heldout[:, 1:].ravel() == TOKENIZER.eos_token_id
    steps = np.diff(text.heldout_documents.ravel())
    np.testing.assert_array_equal(np.flatnonzero(steps), np.flatnonzero(ends[:-1]))
    size = sum(len(document) + 1 for document in corpus.training)
    count = len(stream_of(corpus.training)) - 1
    assert text.bytes_per_token == pytest.approx(size / count, rel=1e-12)
    assert 1 < text.bytes_per_token < 4


class Listening(PreTrainedTokenizerFast):
    """Remembers how much it was given."""

    characters = 0

    def __call__(self, texts, **options):
        self.characters += sum(map(len, texts))
        return super().__call__(texts, **options)


@pytest.mark.parametrize("texts", [["the quick brown fox\n" * 5] * 100, ["a brown fox\n" * 800]])
def test_tokenizing_stops_when_there_are_windows_enough(tmp_path, monkeypatch, texts):
    """Of many documents only some are looked at, of one long document only its beginning."""
    monkeypatch.setattr(tokens, "BATCH_CHARACTERS", 200)
    of = Listening(tokenizer_object=TOKENIZER.backend_tokenizer, eos_token="<|end|>")
    shares = []
    files = tokenize(corpus_of(texts), of, 10, 0, tmp_path, 10, shares.append)
    assert len(files.open().training) == 10
    assert of.characters < 1500
    assert shares == sorted(shares)
    assert shares[-1] == 1.0


def test_a_long_document_has_the_same_tokens_in_pieces(monkeypatch, text_folder):
    texts = [file.read_bytes() for file in sorted(text_folder.rglob("*.py"))]
    document = b"".join(texts)[:200_000]
    (whole,) = token_pieces((document,), TOKENIZER)
    monkeypatch.setattr(tokens, "BATCH_CHARACTERS", 5000)
    pieces = list(token_pieces((document,), TOKENIZER))
    assert len(pieces) >= 40
    assert [i for piece in pieces for i in piece.ids] == whole.ids
    assert sum(piece.bytes for piece in pieces) == len(document)
    assert [piece.ends for piece in pieces] == [False] * (len(pieces) - 1) + [True]


def test_text_without_lines_is_cut_all_the_same(monkeypatch):
    monkeypatch.setattr(tokens, "BATCH_CHARACTERS", 100)
    for document in (b"x" * 950, b"\n" * 950, b" \n" * 475):
        pieces = list(token_pieces((document,), TOKENIZER))
        assert sum(piece.bytes for piece in pieces) == 950
        assert max(piece.bytes for piece in pieces) <= 100
        assert TOKENIZER.decode([i for p in pieces for i in p.ids]).encode() == document


def test_no_warning_of_long_texts_reaches_the_user(tmp_path, caplog, capfd):
    assert TOKENIZER.model_max_length == 64
    of = tokenizer()
    of("x " * 500)
    long_warning = "longer than the specified maximum"
    assert long_warning in caplog.text + capfd.readouterr().err  # the test can see it
    caplog.clear()
    tokenize(corpus_of(["x " * 5000]), tokenizer(), 8, 0, tmp_path, 100)
    assert long_warning not in caplog.text + capfd.readouterr().err


def test_the_cache_is_found_again_and_tells_runs_apart(tmp_path):
    corpus = corpus_of(["some text to fill windows with"] * 3)
    other = tokenizer()
    other.add_tokens(["fill"])
    runs = [
        (corpus, TOKENIZER, 4, 0, tmp_path, 5),
        (corpus_of(["some text to fill windows with"] * 4), TOKENIZER, 4, 0, tmp_path, 5),
        (corpus, other, 4, 0, tmp_path, 5),
        (corpus, TOKENIZER, 5, 0, tmp_path, 5),
        (corpus, TOKENIZER, 4, 1, tmp_path, 5),
        (corpus, TOKENIZER, 4, 0, tmp_path, 6),
    ]
    folders = [tokenize(*run).folder for run in runs]
    assert len({*folders}) == len(runs)
    assert {folder.parent for folder in folders} == {tmp_path / "windows"}
    before = {file: file.stat().st_mtime_ns for file in tmp_path.rglob("*.npy")}
    assert [tokenize(*run).folder for run in runs] == folders
    assert {file: file.stat().st_mtime_ns for file in tmp_path.rglob("*.npy")} == before
    files = pickle.loads(pickle.dumps(tokenize(*runs[0])))
    assert len(files.open().training) == 5


def test_two_runs_at_once_make_one_folder(tmp_path):
    corpus = corpus_of(["some text to fill windows with"] * 300)
    with ThreadPoolExecutor(4) as pool:
        runs = [pool.submit(tokenize, corpus, tokenizer(), 4, 0, tmp_path, 500) for _ in range(4)]
        windows = [run.result().open().training for run in runs]
    assert len(list((tmp_path / "windows").iterdir())) == 1
    for other in windows[1:]:
        np.testing.assert_array_equal(windows[0], other)


def test_nothing_is_left_where_making_it_fails(tmp_path, monkeypatch):
    corpus = corpus_of(["some text to fill windows with"] * 3)
    monkeypatch.setattr(np, "save", lambda *_: (_ for _ in ()).throw(OSError("disk full")))
    with pytest.raises(OSError, match="disk full"):
        tokenize(corpus, TOKENIZER, 4, 0, tmp_path, 5)
    assert list((tmp_path / "windows").iterdir()) == []


def test_the_digest_is_of_what_determines_tokens():
    one, again = tokenizer(), tokenizer()
    again(["x", "x y z"], padding=False, truncation=True, max_length=2)
    assert tokenizer_digest(one) == tokenizer_digest(again)
    again.add_tokens(["<new>"])
    assert tokenizer_digest(one) != tokenizer_digest(again)
    assert tokenizer_digest(ByT5Tokenizer()) == tokenizer_digest(ByT5Tokenizer())
    assert tokenizer_digest(ByT5Tokenizer()) != tokenizer_digest(ByT5Tokenizer(extra_ids=3))


def test_a_tokenizer_written_in_python(tmp_path):
    of = ByT5Tokenizer()
    corpus = corpus_of(["bytes and bytes and bytes"])
    text = tokenize(corpus, of, 5, 0, tmp_path, 100).open()
    assert len(text.training) == 26 // 5
    assert text.bytes_per_token == 1.0


def test_a_beginning_ends_documents_where_there_is_no_end():
    assert document_end(tokenizer(bos_token="<|end|>")) == 0
    with pytest.raises(InputError, match="neither an end-of-text nor a beginning-of-text token"):
        document_end(tokenizer(pad_token="<|end|>"))


def words_only() -> PreTrainedTokenizerFast:
    """Knows no word, and gives none for those that it does not know."""
    of = Tokenizer(models.BPE())
    of.pre_tokenizer = pre_tokenizers.Whitespace()
    return PreTrainedTokenizerFast(tokenizer_object=of, eos_token="<|end|>")


@pytest.mark.parametrize(
    ("corpus", "of", "context", "sentence"),
    [
        (corpus_of(["short"]), TOKENIZER, 500, r"holds \d tokens for training and \d+ held out"),
        (corpus_of(["x " * 99], ["short", "er"]), TOKENIZER, 50, "too few for one window of 50"),
        (corpus_of(["x " * 99], ["y " * 99, "z"]), TOKENIZER, 150, "all come from one document"),
        (corpus_of(["x " * 99]), words_only(), 1, "gives no tokens for the text"),
    ],
)
def test_text_that_will_not_do_is_refused(tmp_path, corpus, of, context, sentence):
    with pytest.raises(InputError, match=sentence):
        tokenize(corpus, of, context, 0, tmp_path, 100)
    assert not (tmp_path / "windows").exists()


def test_only_a_text_that_holds_a_token_beyond_the_vocabulary_is_refused(tmp_path):
    """A tokenizer may have more tokens than the model predicts, as long as the text has none."""
    of = tokenizer()
    of.add_tokens(["<odd>"])
    known = len(of) - 1
    plain = corpus_of(["the quick brown fox"])
    text = tokenize(plain, of, 4, 0, tmp_path, 100, vocab_size=known).open()
    assert text.training.max() < known
    with pytest.raises(InputError, match=rf"holds '<odd>', the token {known}, and the model predi"):
        tokenize(corpus_of(["a <odd> fox"]), of, 4, 0, tmp_path, 100, vocab_size=known)


def test_documents_are_ended_by_a_token_that_the_model_predicts():
    of = tokenizer(bos_token="<|end|>")
    of.add_special_tokens({"eos_token": "<eos>"})
    assert document_end(of) == of.eos_token_id == 300
    assert document_end(of, 300) == 0
    of = tokenizer()
    of.add_special_tokens({"eos_token": "<eos>"})
    with pytest.raises(InputError, match="ends a document with the token 300, and the model"):
        document_end(of, 300)


@settings(max_examples=10)
@given(st.integers(1, 6), st.integers(1, 40))
def test_a_beginning_takes_the_place_of_the_token_that_is_only_context(
    tmp_path_factory, context, most
):
    """The same predictions in the same windows, none more and none of the beginning."""
    cache = tmp_path_factory.mktemp("cache")
    corpus = corpus_of(["some text to fill the first window with", "and more of it"])
    plain, begun = (
        tokenize(corpus, TOKENIZER, context, 3, cache, most, begin=begin).open()
        for begin in (None, 17)
    )
    for split in ("training", "heldout"):
        before, after = getattr(plain, split), getattr(begun, split)
        assert (after[:, 0] == 17).all()
        assert np.array_equal(after[:, 1:], before[:, 1:])
    assert np.array_equal(plain.heldout_documents, begun.heldout_documents)
    assert plain.bytes_per_token == begun.bytes_per_token


def with_template(of, single: str, **tokens: int) -> PreTrainedTokenizerFast:
    special = [(f"<{name}>", index) for name, index in tokens.items()]
    of.backend_tokenizer.post_processor = TemplateProcessing(single=single, special_tokens=special)
    return of


def test_what_a_tokenizer_puts_before_a_text():
    of = tokenizer()
    assert text_prefix(of) == ()
    assert window_begin(of, 300) == (None, None)
    of.add_tokens(["<s>", "<t>"])
    for template in ("<s> $A", "<s> $A <t>"):
        assert text_prefix(with_template(of, template, s=300, t=301)) == (300,)
        said = "every window begins with <s>, as context only: it is never predicted"
        assert window_begin(of, 302) == (300, said)
    said = "windows do not begin with <s>, which the model does not know"
    assert window_begin(of, 300) == (None, said)
    said = "windows do not begin with <s> <t>, which the tokenizer puts before a text"
    assert window_begin(with_template(of, "<s> <t> $A", s=300, t=301), 302) == (None, said)
    assert window_begin(with_template(of, "$A <t>", t=301), 302) == (None, None)


def test_ids_that_a_tokenizer_gives_may_have_holes():
    assert known_ids(tokenizer()) == 300
    holes = Tokenizer(models.WordLevel({"a": 0, "b": 900}, unk_token="a"))
    assert known_ids(PreTrainedTokenizerFast(tokenizer_object=holes)) == 901


def test_a_large_vocabulary_takes_four_bytes_a_token(tmp_path):
    of = tokenizer()
    of.add_tokens([f"<{i}>" for i in range(66_000)])
    text = tokenize(corpus_of(["<65999> and <3> and more"]), of, 2, 0, tmp_path, 100).open()
    assert text.training.dtype == text.heldout.dtype == np.int32
    assert of.convert_tokens_to_ids("<65999>") in text.training
    assert predictions(text.training) >= 6
