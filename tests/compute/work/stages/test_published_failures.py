"""What goes wrong with published models: one sentence, nothing half-written, others measured."""

import json
import shutil
from pathlib import Path

import pytest
import torch
from safetensors.torch import load_file, save_file

from compute.base.errors import InputError
from compute.base.terminal import console
from compute.commands.console import show_summary
from compute.models import language_model
from compute.suites import hub
from compute.suites.text.stream import range_reads
from compute.work.machines.perform import perform
from compute.work.same_weights import same_weights
from tests.compute.helpers.published_runs import (
    carried_out,
    checkpoint,
    done_again,
    opened,
    snapshot,
)
from tests.compute.helpers.shard_server import status
from tests.tiny_hub import add_revision, save_model
from tests.tiny_models import CONTEXT, tiny_llama, tiny_neox

SMALLEST = "EleutherAI/pythia-70m"

#: What is measured of each of the three models of the miniature.
UNITS = 11

#: All but the tokens of a model as it is.
BUT_SAMPLES = ("chain", "quantize", "curvature")

#: One that fails, and another.
TWO = ("pythia-70m", "pythia-160m")


@pytest.fixture(autouse=True)
def _no_waiting(monkeypatch):
    """Between attempts."""
    monkeypatch.setattr(range_reads, "FIRST_WAIT_SECONDS", 0.0)


def tables_of(run, model_id: str) -> set[str]:
    """Tables that hold a file of the model; no file is half-written."""
    folder = run.session.workspace.store.folder
    assert not list(folder.rglob("*.writing"))
    found = {file.parent.name for file in folder.glob(f"*/*{model_id}--*")}
    return found - {"units"}


def reference(there, repo: str, revision: str) -> Path:
    return there.hub.cache / f"models--{repo.replace('/', '--')}" / "refs" / revision


def check_the_other_is_there(run) -> None:
    (other,) = TWO[1:]
    assert len(tables_of(run, other)) == 8, tables_of(run, other)
    assert [row["model_id"] for row in run.rows("models")] == [other]


def check_sentences(run, *said: str) -> None:
    for error in run.errors.values():
        assert "\n" not in error
        assert all(part in error for part in said), error


def test_a_revision_that_is_not_there_costs_one_model_and_is_tried_again_on_request(
    own_miniature, tmp_path
):
    ref = reference(own_miniature, SMALLEST, "step16")
    commit = ref.read_text()
    ref.unlink()
    run = done_again(own_miniature, tmp_path, only=TWO)
    assert list(run.errors) == ["fetch pythia-70m"]
    check_sentences(run, "not all of EleutherAI/pythia-70m at step16 is in the cache", "unset it")
    assert tables_of(run, "pythia-70m") == set()
    check_the_other_is_there(run)

    again = opened(own_miniature, tmp_path, only=TWO)
    assert [*again.plan.failed] == ["fetch pythia-70m"]
    assert len(again.plan.blocked) == UNITS - 1
    assert again.plan.todo == []

    ref.write_text(commit)
    repaired = done_again(own_miniature, tmp_path, only=TWO, retry_failed=True)
    assert repaired.errors == {}
    assert len(repaired.session.plan.todo) == UNITS
    assert len(tables_of(repaired, "pythia-70m")) == 8


def test_a_truncated_file_of_weights_is_named_and_what_to_delete(own_miniature, tmp_path):
    weights = snapshot(own_miniature, SMALLEST, "step16") / "model.safetensors"
    blob = weights.resolve()
    content = blob.read_bytes()
    blob.write_bytes(content[:-100])
    wanted = {"only": ("pythia-70m",), "without": BUT_SAMPLES}
    run = done_again(own_miniature, tmp_path, **wanted)
    assert list(run.errors) == ["fetch pythia-70m"]
    check_sentences(run, "model.safetensors is damaged", f"delete {blob} and run again")
    assert tables_of(run, "pythia-70m") == set()
    blob.write_bytes(content)
    assert done_again(own_miniature, tmp_path, retry_failed=True, **wanted).errors == {}


def test_a_damaged_checkpoint_of_the_chain_costs_the_information_alone(own_miniature, tmp_path):
    blob = (snapshot(own_miniature, SMALLEST, "step4") / "model.safetensors").resolve()
    blob.write_bytes(blob.read_bytes()[:-100])
    run = done_again(own_miniature, tmp_path, only=("pythia-70m",))
    assert list(run.errors) == ["chain pythia-70m"]
    check_sentences(run, "is damaged", f"delete {blob}")
    tables = {"models", "quantized", "token_losses", "layers", "coded_tensors"}
    assert tables_of(run, "pythia-70m") == tables


def test_other_counts_than_the_suites_are_refused(own_miniature, tmp_path):
    file = own_miniature.folder / "suites.toml"
    file.write_text(file.read_text().replace("params_total = 16832", "params_total = 16833"))
    run = done_again(own_miniature, tmp_path, only=("pythia-70m",), without=BUT_SAMPLES)
    assert list(run.errors) == ["describe pythia-70m"]
    check_sentences(run, "has 10,240 parameters in embeddings and 6,592 others, not 10,241 and")
    assert "models" not in tables_of(run, "pythia-70m")


def test_a_server_that_is_down_is_needed_for_nothing_that_is_cached(
    own_miniature, tmp_path, pythia_run
):
    """And the artifacts of two runs are the same bytes."""
    cache = pythia_run.session.workspace.cache_dir
    shutil.copytree(cache / "streams", tmp_path / "cache/streams")
    wanted = {"only": ("pythia-70m",), "without": BUT_SAMPLES}
    own_miniature.server.fault = status(503)
    try:
        run = done_again(own_miniature, tmp_path, only=("pythia-70m",))
        assert run.errors == {}
        with pytest.raises(InputError, match="503") as caught:
            done_again(own_miniature, tmp_path / "other", **wanted)
        assert "\n" not in str(caught.value)
        assert not (tmp_path / "other/data").exists()
    finally:
        own_miniature.server.fault = None
    assert done_again(own_miniature, tmp_path / "other", **wanted).errors == {}
    folders = [each.session.workspace.store.folder for each in (pythia_run, run)]
    files = sorted(f for f in folders[1].glob("*/*.parquet") if f.parent.name != "units")
    assert len(files) >= UNITS
    for file in files:
        assert (folders[0] / file.relative_to(folders[1])).read_bytes() == file.read_bytes()


def test_a_server_that_goes_down_fails_what_reads_it_and_nothing_is_lost(own_miniature, tmp_path):
    session = opened(own_miniature, tmp_path, only=("pythia-70m",)).prepared()
    own_miniature.server.fault = status(503)
    try:
        run = carried_out(own_miniature, session)
    finally:
        own_miniature.server.fault = None
    assert {name.split()[0] for name in run.errors} == {"describe", "sample", "quantize", "chain"}
    check_sentences(run, "503", own_miniature.address)
    assert tables_of(run, "pythia-70m") == set()
    again = done_again(own_miniature, tmp_path, only=("pythia-70m",), retry_failed=True)
    assert again.errors == {}
    assert len(tables_of(again, "pythia-70m")) == 8


def test_a_run_that_is_done_has_nothing_to_do(pythia_run, on_miniature):
    base = pythia_run.session.workspace.store.data_dir.parent
    session = opened(on_miniature, base)
    assert session.plan.todo == []
    assert len(session.plan.done) == 3 * UNITS
    assert session.skipped == {}


# Chains of checkpoints


def chain_unit(session):
    return next(u for u in session.plan.units if u.stage == "chain")


def test_an_interrupted_chain_goes_on_with_the_next_checkpoint(
    own_miniature, tmp_path, monkeypatch
):
    session = opened(own_miniature, tmp_path, only=("pythia-160m",)).prepared()
    workspace = session.workspace
    perform(session.plan.todo[0], workspace, lambda tokens: None)
    loaded, load = [], language_model.load

    def counted(folder, device):
        if len(loaded) == 4:  # the model itself, and steps 0, 1 and 2
            raise KeyboardInterrupt
        loaded.append(folder)
        return load(folder, device)

    monkeypatch.setattr(language_model, "load", counted)
    unit = chain_unit(session)
    with pytest.raises(KeyboardInterrupt):
        perform(unit, workspace, lambda tokens: None)
    kept = sorted(file.name for file in workspace.probes(unit).iterdir())
    assert kept == ["step0.json", "step1.json", "step2.json"]
    assert workspace.store.state(unit)[0] == "missing"

    # What was found is kept, not found again: it may be told by a mark.
    first = workspace.probes(unit) / "step0.json"
    marked = json.loads(first.read_text())
    marked["row"]["loss_nats"] = 5.0
    first.write_text(json.dumps(marked))
    loaded.clear()
    monkeypatch.setattr(language_model, "load", lambda f, d: (loaded.append(f), load(f, d))[1])
    tokens = []
    assert perform(unit, workspace, tokens.append).error is None
    assert len(loaded) == 1 + 3 + 1  # the model itself, steps 4, 8 and 16, and the last of all
    assert tokens[-1] == 2 * 3 * 8 * 32  # 8 windows each, by it and by the final model
    rows = workspace.store.read("checkpoint_losses", unit).to_pylist()
    assert [row["train_step"] for row in rows] == [0, 1, 2, 4, 8, 16]
    assert rows[0]["loss_nats"] == 5.0


def test_checkpoints_that_were_there_before_stay_and_fetched_ones_go(
    own_miniature, tmp_path, monkeypatch
):
    """Step 2 and 8 count as not there until they are fetched."""
    fetched = {"step2", "step8"}
    missing_bytes = hub.missing_bytes
    monkeypatch.setattr(
        hub, "missing_bytes", lambda s: 1 if s.revision in fetched else missing_bytes(s)
    )
    folders = {
        step: snapshot(own_miniature, SMALLEST, f"step{step}") for step in (0, 1, 2, 4, 8, 16)
    }
    run = done_again(own_miniature, tmp_path, only=("pythia-70m",), without=("curvature", "sample"))
    assert run.errors == {}
    left = {step for step, folder in folders.items() if (folder / "model.safetensors").exists()}
    assert left == {0, 1, 4, 16}


def test_dropping_a_revision_keeps_the_bytes_that_another_shares(own_miniature, tmp_path):
    """Steps 0 and 1 are the same bytes under two names."""
    hub.forget(hub.Source(SMALLEST, "step1"))
    model = checkpoint(own_miniature, SMALLEST, "step0")
    assert sum(p.numel() for p in model.parameters()) == 16832


def test_revisions_with_the_same_bytes_are_named(pythia_run, on_miniature):
    found = same_weights(pythia_run.session.workspace.store)
    assert found == [
        [f"{name} at step 0", f"{name} at step 1"]
        for name in ("pythia-160m", "pythia-410m", "pythia-70m")
    ]
    with console.capture() as captured:
        show_summary(pythia_run.session, [], {})
    words = " ".join(captured.get().split())
    assert "same weights pythia-70m at step 0, pythia-70m at step 1 are the same bytes" in words


def test_a_final_checkpoint_that_repeats_an_earlier_one_is_named(own_miniature, tmp_path):
    model = checkpoint(own_miniature, SMALLEST, "step8")
    add_revision(own_miniature.hub.cache, SMALLEST, "step16", model, own_miniature.hub.tokenizer)
    session = opened(own_miniature, tmp_path, only=("pythia-70m",))
    assert session.plan.todo == []
    (reason,) = set(session.skipped.values())
    assert reason == (
        "EleutherAI/pythia-70m at step16 holds the weights of step 8: it is not the checkpoint "
        "of its name"
    )


def test_weights_that_left_the_hubs_cache_are_asked_for_again(own_miniature, tmp_path):
    """The pointer is still there; offline it is one sentence, and they are used once back."""
    run = done_again(own_miniature, tmp_path, only=("pythia-70m",), without=("curvature", "chain"))
    assert run.errors == {}
    for file in (tmp_path / "data/pythia/quantized").glob("*gptq-b3*"):
        file.unlink()
    weights = snapshot(own_miniature, SMALLEST, "step16") / "model.safetensors"
    kept = weights.readlink()
    weights.unlink()
    without = ("curvature", "chain")
    again = done_again(own_miniature, tmp_path, only=("pythia-70m",), without=without)
    assert list(again.errors) == ["sample pythia-70m--gptq-b3"]
    check_sentences(again, "EleutherAI/pythia-70m at step16", "has no weights")
    weights.symlink_to(kept)
    last = done_again(
        own_miniature, tmp_path, only=("pythia-70m",), without=without, retry_failed=True
    )
    assert last.errors == {}
    assert [u.name for u in last.session.plan.todo] == ["sample pythia-70m--gptq-b3"]


def test_a_coded_model_of_other_weights_is_never_scored(own_miniature, tmp_path):
    """A revision that was moved after its model had been quantized."""
    session = opened(own_miniature, tmp_path, only=("pythia-70m",)).prepared()
    stages = ("fetch", "quantize")
    for unit in (u for u in session.plan.todo if u.stage in stages):
        assert perform(unit, session.workspace, lambda tokens: None).error is None
    other = tiny_neox(seed=77)
    add_revision(own_miniature.hub.cache, SMALLEST, "step16", other, own_miniature.hub.tokenizer)
    run = carried_out(own_miniature, session.planned_again())
    quantized = {name for name in run.errors if name.startswith("sample")}
    assert len(quantized) == 3
    for name in quantized:
        assert "was made from other weights than the checkpoint's" in run.errors[name]


def test_measurements_of_another_text_are_never_mixed_in(on_miniature, tmp_path):
    first = opened(on_miniature, tmp_path, only=("pythia-70m",), without=BUT_SAMPLES)
    carried_out(on_miniature, first)
    other = opened(on_miniature, tmp_path, stream=str(on_miniature.server.folder))
    assert other.workspace.store.suite.startswith("pythia-")
    with pytest.raises(InputError, match="was measured on another corpus"):
        opened(on_miniature, tmp_path, stream=str(on_miniature.server.folder), suite="pythia")


def test_a_chain_of_models_that_are_no_numbers_fails_alone(own_miniature, tmp_path):
    model = checkpoint(own_miniature, SMALLEST, "step4")
    with torch.no_grad():
        model.get_output_embeddings().weight.fill_(float("nan"))
    add_revision(own_miniature.hub.cache, SMALLEST, "step4", model, own_miniature.hub.tokenizer)
    run = done_again(
        own_miniature, tmp_path, only=("pythia-70m",), without=("quantize", "curvature")
    )
    assert list(run.errors) == ["chain pythia-70m"]
    check_sentences(run, "gave a token the loss nan, which is not finite")


def test_another_checkpoint_of_a_model_never_comes_to_lie_beside_the_first(own_miniature, tmp_path):
    """Losses of one checkpoint under the D of another would make a bound too small."""
    wanted = {"preset": None, "model": "EleutherAI/pythia-410m", "without": BUT_SAMPLES}
    first = done_again(own_miniature, tmp_path, revision="step4", train_tokens=2048, **wanted)
    later = opened(own_miniature, tmp_path, revision="step8", train_tokens=4096, **wanted)
    assert later.workspace.store.folder != first.session.workspace.store.folder


def test_new_weights_in_the_same_folder_are_another_model(own_miniature, tmp_path):
    there = own_miniature.folder / "my-model"
    wanted = {"preset": None, "model": str(there), "train_tokens": 2000}
    wanted |= {"corpus": own_miniature.folder / "my-text"}
    before = opened(own_miniature, tmp_path, **wanted)
    save_model(tiny_llama(seed=8, tied=True), there)
    after = opened(own_miniature, tmp_path, **wanted)
    keys = [{unit.key for unit in session.plan.units} for session in (before, after)]
    assert not keys[0] & keys[1]


def test_weights_that_are_missing_are_not_drawn_at_random(own_miniature, tmp_path):
    there = own_miniature.folder / "my-model"
    weights = load_file(there / "model.safetensors")
    lost = next(name for name in weights if name.endswith("q_proj.weight"))
    del weights[lost]
    save_file(weights, there / "model.safetensors", metadata={"format": "pt"})
    corpus = own_miniature.folder / "my-text"
    run = done_again(
        own_miniature, tmp_path, preset=None, model=str(there), train_tokens=2000, corpus=corpus
    )
    assert f"lacks {lost}" in run.errors["describe my-model"]


def test_text_that_does_not_fill_a_window_counts_for_nothing(own_miniature, tmp_path):
    wanted = {"preset": None, "model": str(own_miniature.folder / "my-model")}
    wanted |= {"corpus": own_miniature.folder / "my-text"}
    (model,) = opened(own_miniature, tmp_path, train_tokens=2000, **wanted).models
    assert model.train_tokens == 2000 // CONTEXT * CONTEXT == 1984
