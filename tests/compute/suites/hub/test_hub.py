"""Models by name and revision from a real local hub cache, and folders, without a network."""

import hashlib
import itertools
import json
import os
import shutil
import subprocess
import sys
from collections import namedtuple
from pathlib import Path

import pytest
import torch
from huggingface_hub import constants
from safetensors.torch import load_file, save_file
from transformers import (
    AutoModelForCausalLM,
    BertConfig,
    GPT2Config,
    LlamaConfig,
    T5Config,
    XLNetConfig,
)

from compute.base.errors import InputError
from compute.models.language_model import weights_sha256
from compute.suites import hub
from compute.suites.hub import Source, UnreachableError, files
from compute.suites.hub.downloads.fetching import _check_room
from tests.conftest import ROOT
from tests.tiny_hub import (
    CHAIN,
    FORMATS,
    WINDOWS_A_STEP,
    add_files,
    add_revision,
    save_model,
    use_offline,
)
from tests.tiny_models import TOKENS_USED, tiny_gpt2, tiny_llama, tiny_neox, token_windows

CHAINED = [Source("tiny/neox-a", f"step{step}") for step in CHAIN]


def load(folder: Path):
    return AutoModelForCausalLM.from_pretrained(folder, local_files_only=True)


def damaged(match: str):
    return pytest.raises(InputError, match=match)


def test_a_chain_of_revisions_is_loaded_and_its_losses_fall(offline_hub):
    trained_on = WINDOWS_A_STEP * CHAIN[-1]
    windows = token_windows(hub.tokenizer_of(CHAINED[0]), trained_on + 64)[trained_on:]
    losses = []
    for source in CHAINED:
        folder = hub.fetch(source)
        hub.verify(folder)
        assert folder.name == hub.commit_of(source)
        with torch.no_grad():
            losses.append(load(folder)(input_ids=windows, labels=windows).loss.item())
    assert losses[0] == losses[1]
    assert all(a - b > 0.1 for a, b in itertools.pairwise(losses[1:])), losses


def test_two_revisions_of_the_same_bytes_are_two_commits_and_one_blob(offline_hub):
    first, second = hub.fetch(CHAINED[0]), hub.fetch(CHAINED[1])
    assert first != second
    assert (first / "model.safetensors").resolve() == (second / "model.safetensors").resolve()
    assert weights_sha256(load(first)) == weights_sha256(load(second))
    assert weights_sha256(load(hub.fetch(CHAINED[2]))) != weights_sha256(load(first))


@pytest.mark.parametrize("fmt", FORMATS)
@pytest.mark.parametrize("make", [tiny_neox, tiny_gpt2, tiny_llama])
def test_every_format_is_fetched_whole_and_loads_to_the_same_weights(own_hub, make, fmt):
    model = make(seed=5)
    add_revision(own_hub.cache, "a/b", "v1", model, own_hub.tokenizer, fmt)
    source = Source("a/b", "v1")
    folder = hub.fetch(source)
    hub.verify(folder)
    assert weights_sha256(load(folder)) == weights_sha256(model)
    sizes = hub.weight_files(source)
    assert sizes == {name: (folder / name).stat().st_size for name in sizes}
    assert (len(sizes) > 2) == fmt.startswith("sharded")
    assert hub.missing_bytes(source) == 0
    assert hub.parameter_counts_of(hub.config_of(source)) == hub.parameter_counts_of(model.config)


def test_safetensors_win_over_pickles_that_lie_beside_them(own_hub, tmp_path):
    for fmt in ("bin", "sharded", "safetensors"):
        save_model(tiny_gpt2(3), tmp_path / "both", fmt)
        add_files(own_hub.cache, "a/both", fmt, tmp_path / "both")
    assert set(hub.weight_files(Source("a/both", "bin"))) == {"pytorch_model.bin"}
    assert all("safetensors" in name for name in hub.weight_files(Source("a/both", "sharded")))
    assert set(hub.weight_files(Source("a/both", "safetensors"))) == {"model.safetensors"}


def test_a_tokenizer_is_shorter_than_the_padded_vocabulary(offline_hub):
    tokenizer = hub.tokenizer_of(Source("tiny/neox-a"))
    text = "def f(x):\n    return 'naïve'\n"
    assert len(tokenizer) == TOKENS_USED < hub.config_of(Source("tiny/neox-a")).vocab_size
    assert tokenizer.decode(tokenizer(text)["input_ids"]) == text
    assert tokenizer.eos_token_id == 0


def test_a_folder_is_a_source_too(offline_hub, tmp_path):
    folder = tmp_path / "mine"
    shutil.copytree(hub.fetch(Source("tiny/gpt2")), folder)
    source = Source(str(folder))
    before = hub.commit_of(source)
    assert hub.fetch(source) == folder
    assert hub.config_of(source).model_type == "gpt2"
    assert len(hub.tokenizer_of(source)) == TOKENS_USED
    assert set(hub.weight_files(source)) == {"model.safetensors"}
    assert hub.missing_bytes(source) == 0
    hub.verify(folder)
    hub.forget(source)
    assert hub.commit_of(source) == before
    (folder / "config.json").write_text((folder / "config.json").read_text() + " ")
    assert hub.commit_of(source) != before
    with pytest.raises(InputError, match=r"is a folder, which has no revision 'step4'"):
        hub.fetch(Source(str(folder), "step4"))


def test_forgetting_a_revision_leaves_the_others(own_hub):
    cache = own_hub.cache / "models--tiny--neox-a"
    shared = (hub.fetch(CHAINED[0]) / "model.safetensors").resolve()
    alone = (hub.fetch(CHAINED[2]) / "model.safetensors").resolve()
    # A revision that was looked up but never fetched must not stop the others from going.
    (cache / "refs" / "step32").write_text("3" * 40)
    hub.forget(CHAINED[0])
    hub.forget(CHAINED[2])
    assert shared.exists()
    assert not alone.exists()
    assert hub.missing_bytes(CHAINED[1]) == 0
    assert hub.missing_bytes(CHAINED[0]) is None
    hub.forget(CHAINED[0])
    hub.forget(Source("tiny/never-seen"))
    hub.forget(Source("tiny/neox-a", hub.commit_of(CHAINED[1])))
    assert not shared.exists()
    hub.verify(hub.fetch(Source("tiny/neox-a")))


def test_a_damaged_cache_is_not_taken_for_room_made(own_hub):
    cache = own_hub.cache / "models--tiny--gpt2"
    (hub.fetch(Source("tiny/gpt2")) / "model.safetensors").resolve().unlink()
    with damaged(rf"cache of tiny/gpt2 is damaged \(Blob missing.*delete the folder {cache}"):
        hub.forget(Source("tiny/gpt2"))


@pytest.mark.parametrize("ask", [hub.config_of, hub.tokenizer_of, hub.commit_of, hub.fetch])
@pytest.mark.parametrize("source", [Source("tiny/none"), Source("tiny/gpt2", "step3")], ids=str)
def test_offline_and_not_in_the_cache(offline_hub, ask, source):
    with pytest.raises(UnreachableError, match=f"HF_HUB_OFFLINE is set and not all of {source} is"):
        ask(source)
    assert hub.weight_files(source) is None
    assert hub.missing_bytes(source) is None


@pytest.mark.parametrize(
    ("source", "said"),
    [
        (Source("./nowhere"), r"'./nowhere' is neither a folder nor a model's name"),
        (Source("/no/such/folder"), "is neither a folder nor"),
        (Source("a b/c"), "is neither a folder nor"),
        (Source("a/b/c"), "is neither a folder nor"),
        (Source(""), "is neither a folder nor|holds no config.json"),
        (Source("tiny/gpt2", ""), "'' is no revision of tiny/gpt2"),
        (Source("tiny/gpt2", "../../refs/main"), "is no revision of tiny/gpt2"),
        (Source("tests"), "The folder 'tests' holds no config.json"),
    ],
)
def test_names_that_are_none(offline_hub, monkeypatch, source, said):
    monkeypatch.chdir(ROOT)
    for ask in (hub.config_of, hub.tokenizer_of, hub.commit_of, hub.fetch, hub.missing_bytes):
        with pytest.raises(InputError, match=said):
            ask(source)


BERT = {"num_hidden_layers": 1, "hidden_size": 8, "num_attention_heads": 1}


@pytest.mark.parametrize(
    ("config", "said"),
    [
        (BertConfig(architectures=["BertForMaskedLM"], **BERT), "positions see later ones"),
        (BertConfig(architectures=["BertLMHeadModel"], **BERT), "positions see later ones"),
        (BertConfig(**BERT), "positions see later ones"),
        (XLNetConfig(architectures=["XLNetLMHeadModel"]), "positions see later ones"),
        (T5Config(architectures=["T5ForConditionalGeneration"]), "type 't5'"),
        (
            GPT2Config(architectures=["GPT2ForSequenceClassification"]),
            "architecture GPT2ForSequenceClassification",
        ),
        ({"model_type": "bart", "architectures": ["BartModel"]}, "it has an encoder"),
        ({"model_type": "own", "auto_map": {"AutoConfig": "x.Y"}}, "by code in its repository"),
        ({"model_type": "own"}, "of type 'own', which this transformers does not know"),
        ({"architectures": ["X"]}, "no configuration of a model with a model_type"),
        ([], "no configuration of a model"),
        ("{", "no configuration of a model"),
        ({"model_type": "gpt2", "n_embd": "wide"}, "is refused"),
    ],
    ids=lambda value: "",
)
def test_what_is_no_causal_language_model_is_refused(tmp_path, config, said):
    if isinstance(config, dict | list):
        (tmp_path / "config.json").write_text(json.dumps(config))
    elif isinstance(config, str):
        (tmp_path / "config.json").write_text(config)
    else:
        config.save_pretrained(tmp_path)
    with pytest.raises(InputError, match=said):
        hub.config_of(Source(str(tmp_path)))


@pytest.mark.parametrize(
    "config",
    [
        GPT2Config(architectures=["GPT2Model"]),
        GPT2Config(architectures=["GPT2LMHeadModel"], auto_map={"AutoConfig": "x.Y"}),
        LlamaConfig(),
        BertConfig(architectures=["BertLMHeadModel"], is_decoder=True, **BERT),
    ],
    ids=["trunk", "own code not needed", "no name", "decoder"],
)
def test_what_is_one_is_not(tmp_path, config):
    config.save_pretrained(tmp_path)
    assert hub.config_of(Source(str(tmp_path))).model_type == config.model_type


@pytest.mark.parametrize("fmt", ["sharded", "sharded-bin"])
def test_a_missing_shard_is_named(own_hub, tmp_path, fmt):
    save_model(tiny_neox(1), tmp_path / "m", fmt)
    shard = next((tmp_path / "m").glob("*00002-of*"))
    shard.unlink()
    add_files(own_hub.cache, "a/part", "main", tmp_path / "m")
    for source in (Source("a/part"), Source(str(tmp_path / "m"))):
        with pytest.raises(InputError, match=f"lacks {shard.name}, one of 2 files of weights"):
            hub.fetch(source)
    assert hub.missing_bytes(Source("a/part")) is None


def test_a_model_without_weights_or_tokenizer_or_with_a_broken_index(own_hub, tmp_path):
    tiny_gpt2(0).config.save_pretrained(tmp_path)
    source = Source(str(tmp_path))
    with damaged("has no weights"):
        hub.fetch(source)
    with damaged("holds no tokenizer"):
        hub.tokenizer_of(source)
    (tmp_path / "tokenizer.json").write_text("{")
    (tmp_path / "tokenizer_config.json").write_text('{"tokenizer_class": "TokenizersBackend"}')
    with damaged("The tokenizer of .* (is damaged|cannot be loaded)"):
        hub.tokenizer_of(source)
    (tmp_path / "model.safetensors.index.json").write_text('{"weight_map": 3}')
    with damaged("index.json is not an index of weights: delete"):
        hub.fetch(source)


def shorten(path: Path) -> None:
    os.truncate(path, path.stat().st_size - 7)


def lengthen(path: Path) -> None:
    with path.open("ab") as file:
        file.write(b"\0" * 8)


def flip(path: Path) -> None:
    """One bit, in the middle of the numbers."""
    content = bytearray(path.read_bytes())
    content[len(content) // 2] ^= 16
    path.write_bytes(content)


def empty(path: Path) -> None:
    path.write_bytes(b"")


@pytest.mark.parametrize("harm", [shorten, lengthen, flip, empty])
@pytest.mark.parametrize("fmt", FORMATS)
def test_a_harmed_file_in_the_cache_is_found(own_hub, fmt, harm):
    add_revision(own_hub.cache, "a/b", "main", tiny_neox(1), own_hub.tokenizer, fmt)
    folder = hub.fetch(Source("a/b"))
    name = [n for n in hub.weight_files(Source("a/b")) if not n.endswith(".json")][-1]
    blob = (folder / name).resolve()
    hub.verify(folder)
    harm(blob)
    with damaged(f"{name} is damaged .*: delete {blob} and run again"):
        hub.verify(folder)


@pytest.mark.parametrize("harm", [shorten, empty])
@pytest.mark.parametrize("fmt", ["safetensors", "bin", "old bin"])
def test_a_harmed_file_in_a_folder_is_found(tmp_path, fmt, harm):
    save_model(tiny_neox(1), tmp_path, fmt.removeprefix("old "))
    path = next(tmp_path.glob("*.bin"), tmp_path / "model.safetensors")
    if fmt == "old bin":
        weights = torch.load(path, weights_only=True)
        torch.save(weights, path, _use_new_zipfile_serialization=False)
    hub.verify(tmp_path)
    harm(path)
    with damaged(f"{path.name} is damaged"):
        hub.verify(tmp_path)


def test_a_flipped_bit_in_an_archive_is_found_without_a_hash(tmp_path):
    save_model(tiny_neox(1), tmp_path, "bin")
    flip(tmp_path / "pytorch_model.bin")
    with damaged("pytorch_model.bin is damaged"):
        hub.verify(tmp_path)


def test_a_name_in_the_store_that_repositories_share_is_no_sha256(own_hub):
    """The names of that store have 64 digits too, of another hash."""
    folder = hub.fetch(Source("tiny/gpt2"))
    blob = (folder / "model.safetensors").resolve()
    store = own_hub.cache / "blobs" / "ab" / ("ab" * 32)
    store.parent.mkdir(parents=True)
    shutil.move(blob, store)
    blob.symlink_to(os.path.relpath(store, blob.parent))
    hub.verify(folder)
    weights = load_file(store)
    save_file({name: w + 1 for name, w in weights.items()}, store, metadata={"format": "pt"})
    digest = hashlib.sha256(store.read_bytes()).hexdigest()
    with damaged(f"its SHA-256 is {digest}, not {blob.name}"):
        hub.verify(folder)


def test_a_full_disk_is_seen_before_the_download(monkeypatch, tmp_path):
    monkeypatch.setattr(constants, "HF_HUB_CACHE", str(tmp_path / "not" / "yet" / "there"))
    usage = namedtuple("usage", "total used free")(10**10, 9 * 10**9, 10**9)
    monkeypatch.setattr(shutil, "disk_usage", lambda folder: usage if folder.exists() else None)
    _check_room(Source("a/b"), 10**9)
    with pytest.raises(InputError, match=r"a/b needs 2 GB more but the disk .* has 1 GB left"):
        _check_room(Source("a/b"), 2 * 10**9)


def test_only_what_is_needed_is_fetched():
    listed = ["README.md", "config.json", "tokenizer.json", "optimizer.pt", "model.py", "a.model"]
    patterns = (*files.CONFIGURATION, *files.TOKENIZER)
    assert files.matching(listed, patterns) == ["a.model", "config.json", "tokenizer.json"]


def test_the_environment_of_a_subprocess_leads_to_what_is_set_in_this_process(
    tiny_hub, monkeypatch
):
    """``huggingface_hub`` reads it once: a process that begins with it has the same constants."""
    names = ("HF_HOME", "HF_HUB_CACHE", "HF_HUB_OFFLINE")
    script = (
        f"from huggingface_hub import constants as c; print({', '.join('c.' + n for n in names)})"
    )
    ran = subprocess.run(
        [sys.executable, "-c", script],
        env=tiny_hub.environment,
        capture_output=True,
        text=True,
    )
    use_offline(monkeypatch, tiny_hub.home)
    assert ran.stdout.split() == [str(getattr(constants, name)) for name in names], ran.stderr
