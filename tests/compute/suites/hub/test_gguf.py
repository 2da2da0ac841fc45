"""Models that come as GGUF files, against what the ``gguf`` package decodes them to."""

import shutil
from pathlib import Path

import pytest
import torch
from transformers import AutoTokenizer

from compute.base.errors import InputError
from compute.base.setting import Setting
from compute.suites import hub
from compute.suites.measurements import settings_of
from tests.compute.helpers.published_runs import done_again, opened
from tests.compute.helpers.tiny_gguf import wide_llama, write_gguf
from tests.tiny_models import TOKENS_USED, texts


@pytest.fixture
def made(on_miniature, tmp_path):
    """A folder with a file, and the model that it decodes to."""
    folder = tmp_path / "gguf"
    folder.mkdir()
    tokenizer = AutoTokenizer.from_pretrained(on_miniature.hub.tokenizer)
    return folder, write_gguf(wide_llama(3, TOKENS_USED), tokenizer, folder / "tiny.Q4_1.gguf")


def asked(there, folder: Path, **more) -> dict:
    wanted = {"preset": None, "model": str(folder), "gguf": "tiny.Q4_1.gguf", "without": ()}
    return wanted | {"corpus": there.folder / "my-text", "train_tokens": 20_000} | more


@pytest.mark.parametrize("kind", ["F32", "F16", "BF16", "Q8_0", "Q4_0", "Q4_1", "Q5_0"])
def test_every_weight_is_decoded_exactly(on_miniature, tmp_path, kind):
    tokenizer = AutoTokenizer.from_pretrained(on_miniature.hub.tokenizer)
    file = tmp_path / "m.gguf"
    wanted = write_gguf(wide_llama(3, TOKENS_USED), tokenizer, file, kind)
    found = dict(hub.decoded_model(file).named_parameters())
    assert found.keys() == dict(wanted.named_parameters()).keys()
    for name, parameter in wanted.named_parameters():
        assert found[name].dtype == torch.float32
        assert torch.equal(found[name], parameter), name
    said = hub.declared(file)
    assert said.file_bits == 8 * file.stat().st_size
    assert said.weights == sum(p.numel() for p in wanted.parameters())
    matrices = sum(p.numel() for p in wanted.parameters() if p.dim() > 1)
    assert dict(said.types)[kind] == (matrices if kind != "F32" else said.weights)
    per_block = {"F32": 128, "F16": 64, "BF16": 64, "Q8_0": 34, "Q4_0": 18, "Q4_1": 20, "Q5_0": 22}
    tensors = 8 * per_block[kind] * matrices // 32 + 32 * (said.weights - matrices)
    assert said.tensor_bits == tensors < said.file_bits


def test_the_file_is_a_row_beside_ours(on_miniature, made, tmp_path):
    """The size of the file is the code length of exactly the measured model."""
    folder, model = made
    run = done_again(on_miniature, tmp_path, **asked(on_miniature, folder))
    assert run.errors == {}
    (row,) = run.rows("models")
    assert row["model_id"] == "tiny.q4_1"
    assert row["vocab_size"] == TOKENS_USED
    assert row["params_total"] == sum(p.numel() for p in model.parameters())
    assert "decoded from a GGUF file of 5.15 bits per weight (Q4_1 99%, F32 1%)" in row["remark"]
    assert row["revision"].startswith(f"{folder}/tiny.Q4_1.gguf (")
    (own,) = run.rows("quantized", quantizer="gguf")
    (plain,) = run.rows("quantized", quantizer="none")
    size = (folder / "tiny.Q4_1.gguf").stat().st_size
    # The choice among settings, and where the file ends, are paid for by a few bytes before it.
    assert 8 * size < own["stored_bits"] == own["entropy_coded_bits"] <= 8 * (size + 8)
    assert own["nominal_bits"] < own["stored_bits"]
    assert own["bits"] == 4
    assert own["paired_gap_nats"] == 0.0
    assert own["train_loss_nats"] == plain["train_loss_nats"]
    assert own["heldout_loss_nats"] == plain["heldout_loss_nats"]
    quantizers = {r["quantizer"] for r in run.rows("quantized")}
    assert quantizers == {"gguf", "none", "rtn", "gptq", "gptq_step"}


def test_its_tokenizer_is_the_one_that_it_was_made_with(on_miniature, made):
    folder, _ = made
    found = hub.tokenizer_of(hub.Source(str(folder), gguf="tiny.Q4_1.gguf"))
    wanted = AutoTokenizer.from_pretrained(on_miniature.hub.tokenizer)
    for text in texts()[:3]:
        plain = (of(text, add_special_tokens=False, verbose=False) for of in (found, wanted))
        assert len({tuple(ids["input_ids"]) for ids in plain}) == 1


REFUSALS = {
    "the file itself": (
        {"model": "FOLDER/tiny.Q4_1.gguf", "gguf": None},
        "is a GGUF file; name its folder and the file: --model FOLDER --gguf tiny.Q4_1.gguf.",
    ),
    "its folder": (
        {"gguf": None},
        "holds a model as GGUF; name its file with --gguf tiny.Q4_1.gguf.",
    ),
    "another file": ({"gguf": "other.gguf"}, "holds no file 'other.gguf'; --gguf names one"),
    "a repository": ({"model": "tiny/gpt2"}, "is read from a folder, and 'tiny/gpt2' is not one"),
    "a revision": ({"revision": "v1"}, "is a folder, which has no revision 'v1'"),
}


@pytest.mark.parametrize(("changed", "said"), REFUSALS.values(), ids=REFUSALS)
def test_other_ways_to_name_it_say_what_to_write(on_miniature, made, tmp_path, changed, said):
    folder, _ = made
    wanted = asked(on_miniature, folder, **changed)
    wanted["model"] = wanted["model"].replace("FOLDER", str(folder))
    with pytest.raises(InputError) as caught:
        opened(on_miniature, tmp_path, **wanted)
    assert said.replace("FOLDER", str(folder)) in str(caught.value)
    assert "\n" not in str(caught.value)


@pytest.mark.parametrize("damage", ["short", "text", "empty"])
def test_a_damaged_file_is_refused_before_anything_is_measured(
    on_miniature, made, tmp_path, damage
):
    shutil.copytree(made[0], tmp_path / "model")
    file = tmp_path / "model/tiny.Q4_1.gguf"
    content = file.read_bytes()
    file.write_bytes({"short": content[:-100], "text": b"not GGUF\n" * 99, "empty": b""}[damage])
    with pytest.raises(InputError, match=r"tiny.Q4_1.gguf") as caught:
        opened(on_miniature, tmp_path, **asked(on_miniature, tmp_path / "model"))
    assert "\n" not in str(caught.value)
    assert not (tmp_path / "data").exists()


def test_a_suites_file_cannot_ask_for_it():
    assert list(settings_of({"quantizer": "rtn", "bits": 4})) == [Setting("rtn", bits=4)]
    with pytest.raises(ValueError, match="'gguf' is measured of every GGUF file, and of nothing"):
        list(settings_of({"quantizer": "gguf", "bits": 4}))
