"""Models whose configuration says other than their weights whether their two ends are one."""

import json
import shutil
from pathlib import Path

import pytest
import torch
from safetensors.torch import load_file, save_file
from transformers import AutoModelForCausalLM, GPT2Model

from compute.base.errors import InputError
from compute.commands.transfer import export_model, restore_model
from compute.suites import hub
from tests.compute.helpers.fake_hub import reached, serving
from tests.compute.helpers.published_runs import done_again, opened
from tests.tiny_hub import FORMATS, add_revision, save_model
from tests.tiny_models import tiny_gpt2, tiny_llama, tiny_neox

EMBEDDING, HEAD = "model.embed_tokens.weight", "lm_head.weight"


def says(folder: Path, tied: bool) -> None:
    config = json.loads((folder / "config.json").read_text())
    (folder / "config.json").write_text(json.dumps(config | {"tie_word_embeddings": tied}))


def change(folder: Path, edit) -> None:
    weights = {name: w.clone() for name, w in load_file(folder / "model.safetensors").items()}
    edit(weights)
    save_file(weights, folder / "model.safetensors", metadata={"format": "pt"})


def counts(folder: Path) -> tuple[int, int]:
    """As planned, after making sure that they are those of the model that transformers loads."""
    source = hub.Source(str(folder))
    found = hub.parameter_counts_of(hub.with_true_ends(source, hub.config_of(source)))
    model, loaded = AutoModelForCausalLM.from_pretrained(folder, output_loading_info=True)
    assert sum(found) == sum(p.numel() for p in model.parameters())
    assert not loaded["missing_keys"]
    return found


@pytest.mark.parametrize("fmt", FORMATS)
def test_different_ends_are_counted_apart_whatever_the_configuration_says(tmp_path, fmt):
    save_model(tiny_llama(3), tmp_path, fmt)
    assert counts(tmp_path)[0] == 2 * 320 * 16
    says(tmp_path, tied=True)
    assert counts(tmp_path)[0] == 2 * 320 * 16


@pytest.mark.parametrize("fmt", FORMATS)
@pytest.mark.parametrize("make", [tiny_gpt2, tiny_neox, lambda seed: tiny_llama(seed, tied=True)])
def test_ends_that_are_as_the_configuration_says(tmp_path, make, fmt):
    model = make(3)
    save_model(model, tmp_path, fmt)
    assert counts(tmp_path) == hub.parameter_counts_of(model.config)


def test_equal_ends_are_one_matrix_only_if_the_configuration_says_so(tmp_path):
    save_model(tiny_llama(3), tmp_path)
    change(tmp_path, lambda w: w.update({HEAD: w[EMBEDDING].clone()}))
    assert counts(tmp_path)[0] == 2 * 320 * 16
    says(tmp_path, tied=True)
    assert counts(tmp_path)[0] == 320 * 16


def test_a_tied_model_may_have_either_end_alone(tmp_path):
    save_model(tiny_llama(3, tied=True), tmp_path)
    change(tmp_path, lambda w: w.update({HEAD: w.pop(EMBEDDING)}))
    assert counts(tmp_path)[0] == 320 * 16


def test_a_trunk_alone_has_its_embedding_under_another_name(tmp_path):
    model = tiny_gpt2(3)
    model.config.architectures = ["GPT2LMHeadModel"]
    trunk = GPT2Model(model.config)
    trunk.save_pretrained(tmp_path)
    says(tmp_path, tied=True)
    assert "wte.weight" in load_file(tmp_path / "model.safetensors")
    assert counts(tmp_path) == hub.parameter_counts_of(model.config)


@pytest.mark.parametrize(
    ("tied", "gone", "said"),
    [
        (True, (EMBEDDING, HEAD), rf"lack {EMBEDDING} and {HEAD}, and its .*_embeddings true"),
        (False, (HEAD,), rf"lack {HEAD}, and its configuration says tie_word_embeddings false"),
        (False, (EMBEDDING,), rf"lack {EMBEDDING}, and its configuration says tie_word_emb"),
    ],
)
def test_an_end_that_is_missing_is_named_before_anything_is_measured(
    on_miniature, tmp_path, tied, gone, said
):
    folder = tmp_path / "model"
    save_model(tiny_llama(3), folder)
    shutil.copytree(on_miniature.hub.tokenizer, folder, dirs_exist_ok=True)
    change(folder, lambda w: [w.pop(name) for name in gone])
    says(folder, tied=tied)
    wanted = {"corpus": on_miniature.folder / "my-text", "train_tokens": 20_000}
    with pytest.raises(InputError, match=said) as caught:
        opened(on_miniature, tmp_path, None, model=str(folder), **wanted)
    assert "\n" not in str(caught.value)
    assert not (tmp_path / "data").exists()


def test_a_model_that_says_tied_and_is_not_goes_through_every_stage(on_miniature, tmp_path):
    folder = tmp_path / "model"
    save_model(tiny_llama(3), folder)
    shutil.copytree(on_miniature.hub.tokenizer, folder, dirs_exist_ok=True)
    says(folder, tied=True)
    wanted = {"corpus": on_miniature.folder / "my-text", "train_tokens": 20_000, "without": ()}
    run = done_again(on_miniature, tmp_path, preset=None, model=str(folder), **wanted)
    assert run.errors == {}
    (row,) = run.rows("models")
    assert row["params_embedding"] == 2 * 320 * 16
    export_model(run.session, row["model_id"], "rtn-b4", "stored", tmp_path / "exported")
    restore_model(tmp_path / "exported", tmp_path / "restored")
    restored = AutoModelForCausalLM.from_pretrained(tmp_path / "restored")
    ends = restored.get_input_embeddings().weight, restored.get_output_embeddings().weight
    assert not torch.equal(*ends)


def test_ends_are_told_from_headers_before_the_weights_are_fetched(tiny_hub, tmp_path):
    """And from a sample of their bytes; where there are no headers the configuration holds."""
    cache = tmp_path / "served"
    models = {"one": tiny_llama(3, tied=True), "two": tiny_llama(3)}
    models["two"].config.tie_word_embeddings = True
    answers = {}
    for name, fmt in (("one", "safetensors"), ("two", "safetensors"), ("two", "sharded")):
        add_revision(cache, "tiny/llama", f"{name}-{fmt}", models[name], tiny_hub.tokenizer, fmt)
        answers[f"{name}-{fmt}"] = name == "one"
    add_revision(cache, "tiny/llama", "two-bin", models["two"], tiny_hub.tokenizer, "bin")
    answers["two-bin"] = True
    with serving(cache) as served, reached(tmp_path / "home", served.address):
        found = {}
        for revision in answers:
            source = hub.Source("tiny/llama", revision)
            told = hub.with_true_ends(source, hub.config_of(source))
            found[revision] = told.tie_word_embeddings
    assert found == answers
    assert not list((tmp_path / "home").rglob("*.safetensors"))
    whole = [r for r in served.requests if r[1].endswith(".safetensors") and r[2] is None]
    assert [method for method, *_ in whole if method == "GET"] == []
