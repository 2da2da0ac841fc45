"""Revisions that serve the weights of another one, whole or in part."""

import re
import shutil

import pytest
import torch

from compute.base.terminal import console
from compute.commands.console import show_plan
from compute.suites import hub
from compute.suites.published.hub_suite import load_hub_suite
from compute.suites.published.repeated_weights import Repeats, repeated_steps, repeated_weights
from compute.work.machines.perform import perform
from tests.compute.helpers.fake_hub import reached, serving
from tests.compute.helpers.published_runs import checkpoint, done_again, opened, snapshot
from tests.tiny_hub import add_files, add_revision

REPO = "EleutherAI/pythia-70m"
ONLY = {"only": ("pythia-70m",)}


def put(there, revision: str, like: str, part: str | None = None, fmt: str = "safetensors") -> None:
    """Let a revision serve the weights of another one, or only of one block and the embedding."""
    model = checkpoint(there, REPO, like)
    if part is not None:
        whole, model = model, checkpoint(there, REPO, part)
        embedding = whole.get_input_embeddings().weight
        with torch.no_grad():
            model.get_input_embeddings().weight.copy_(embedding)
        model.gpt_neox.layers[0].load_state_dict(whole.gpt_neox.layers[0].state_dict())
    add_revision(there.hub.cache, REPO, revision, model, there.hub.tokenizer, fmt)


def spec_of(there, model_id: str = "pythia-70m"):
    models = load_hub_suite("pythia", there.folder / "suites.toml").models
    return next(model for model in models if model.model_id == model_id)


def test_what_a_chain_holds_of_others():
    parts = {"a": frozenset("ab"), "b": frozenset("cd"), "c": frozenset("be"), "d": frozenset("yz")}
    end = [("main", frozenset("xy"))]
    chain = [(0, parts["a"]), (2, parts["a"]), (4, parts["b"]), (8, parts["c"]), (16, parts["d"])]
    assert repeated_steps(chain, end) == {
        8: "1 of 2 parts of the weights of step 0",
        16: "1 of 2 parts of the weights of main",
    }
    assert repeated_steps([(0, parts["a"]), (4, parts["a"]), (8, None)], []) == {
        4: "the weights of step 0"
    }
    assert repeated_steps([(0, frozenset("xy"))], end) == {0: "the weights of main"}


@pytest.mark.parametrize("name", ["main", "step64"])
def test_a_checkpoint_with_the_final_weights_is_skipped_before_it_is_fetched(
    own_miniature, tmp_path, name
):
    """The other models are still measured."""
    if name == "main":
        put(own_miniature, "main", "step64")
    put(own_miniature, "step16", "step64")
    two = {"only": ("pythia-70m", "pythia-160m"), "without": ("chain", "quantize", "curvature")}
    session = opened(own_miniature, tmp_path, **two)
    assert {unit.model_id for unit in session.plan.units} == {"pythia-160m"}
    assert {name.split()[1].split("--")[0] for name in session.skipped} == {"pythia-70m"}
    said = f"{REPO} at step16 holds the weights of {name}: it is not the checkpoint of its name"
    assert set(session.skipped.values()) == {said}
    with console.capture() as captured:
        show_plan(session, lambda unit: 1.0, 1.0)
    assert said in " ".join(captured.get().split())
    run = done_again(own_miniature, tmp_path, **two)
    assert run.errors == {}
    assert {row["model_id"] for row in run.rows("models")} == {"pythia-160m"}


def test_one_shard_of_the_final_weights_is_enough(own_miniature, tmp_path):
    put(own_miniature, "main", "step64", fmt="sharded")
    put(own_miniature, "step16", "step16", fmt="sharded")
    shutil.copytree(snapshot(own_miniature, REPO, "step16"), tmp_path / "mixed")
    shards = sorted((tmp_path / "mixed").glob("model-*"))
    shutil.copyfile(snapshot(own_miniature, REPO, "main") / shards[0].name, shards[0])
    add_files(own_miniature.hub.cache, REPO, "step16", tmp_path / "mixed")
    session = opened(own_miniature, tmp_path, **ONLY)
    (reason,) = set(session.skipped.values())
    assert f"at step16 holds 1 of {len(shards)} parts of the weights of main" in reason
    assert session.plan.todo == []


def test_weights_that_changed_behind_the_plan_are_never_measured(own_miniature, tmp_path):
    """The plan was made when the hub could not be asked, or the revision has moved since."""
    session = opened(own_miniature, tmp_path, **ONLY)
    assert session.skipped == {}
    put(own_miniature, "step16", "step64")
    (fetch,) = (unit for unit in session.plan.todo if unit.stage == "fetch")
    outcome = perform(fetch, session.workspace, lambda tokens: None)
    assert "at step16 holds the weights of step64: it is not the checkpoint" in outcome.error


@pytest.mark.parametrize("part", [None, "step8"])
def test_a_chain_leaves_out_what_is_the_final_model_whole_or_in_part(own_miniature, tmp_path, part):
    put(own_miniature, "main", "step64")
    put(own_miniature, "step8", "step64", part)
    run = done_again(own_miniature, tmp_path, **ONLY, without=("curvature", "quantize"))
    assert run.errors == {}
    assert [row["train_step"] for row in run.rows("checkpoint_losses")] == [0, 1, 2, 4]
    (left_out,) = run.rows("left_out_checkpoints")
    assert (left_out["train_step"], left_out["model_id"]) == (8, "pythia-70m")
    remark = f"earlier checkpoints left out, each with {left_out['holds']}: step 8"
    if part is None:  # told from the hashes of files, before anything is fetched
        assert left_out["holds"] == "the weights of main"
        assert any(remark in line for line in run.session.about)
    else:  # told from the matrices, once they are there
        assert re.fullmatch(r"\d of \d+ parts of the weights of main", left_out["holds"])
        assert not any("each with" in line for line in run.session.about)
    assert len(run.rows("information")) == 1


def test_a_chain_without_its_beginning_is_no_chain(own_miniature, tmp_path):
    put(own_miniature, "step0", "step64")
    run = done_again(own_miniature, tmp_path, **ONLY, without=("curvature", "quantize"))
    assert list(run.errors) == ["chain pythia-70m"]
    assert "step 0 holds the weights of step64: how the training" in run.errors["chain pythia-70m"]


def test_the_end_of_a_training_may_have_two_names(own_miniature, tmp_path):
    put(own_miniature, "main", "step64")
    for revision in ("main", "step64"):
        wanted = {"preset": None, "model": REPO, "train_tokens": 64 * 16 * 32}
        session = opened(own_miniature, tmp_path / revision, revision=revision, **wanted)
        assert session.skipped == {}
        (model,) = session.models
        assert repeated_weights(model) == Repeats()
        assert len(model.chain) == 7


def test_a_tag_of_the_final_weights_is_remarked(own_miniature, tmp_path):
    """A person named it with the D of what it is; a training step is not believed."""
    wanted = {"preset": None, "model": "tiny/other", "train_tokens": 20_000}
    wanted["corpus"] = own_miniature.folder / "my-text"
    model = checkpoint(own_miniature, REPO, "step64")
    for revision in ("main", "v1.0", "step1000"):
        add_revision(
            own_miniature.hub.cache, "tiny/other", revision, model, own_miniature.hub.tokenizer
        )
    session = opened(own_miniature, tmp_path / "tag", revision="v1.0", **wanted)
    assert session.skipped == {}
    assert any("its revision v1.0 holds the weights of main" in line for line in session.about)
    session = opened(own_miniature, tmp_path / "step", revision="step1000", **wanted)
    assert set(session.skipped.values()) == {
        "tiny/other at step1000 holds the weights of main: it is not the checkpoint of its name"
    }


def test_what_could_not_be_compared_is_said(own_miniature):
    for name in ("main", "step64"):
        hub.forget(hub.Source(REPO, name))
    assert repeated_weights(spec_of(own_miniature)).remarks == (
        "its weights could not be compared with those of the end of its training",
    )


def test_the_hubs_listing_tells_before_anything_is_fetched(own_miniature, tmp_path):
    put(own_miniature, "main", "step64")
    put(own_miniature, "step16", "step64")
    put(own_miniature, "step4", "step64")
    model = spec_of(own_miniature)
    with (
        serving(own_miniature.hub.cache) as served,
        reached(tmp_path, served.address),
    ):
        found = repeated_weights(model)
    assert found == Repeats("the weights of main", ((4, "the weights of main"),))
    assert not [path for _, path, _ in served.requests if "resolve" in path]
    listed = [path for _, path, _ in served.requests if "/tree/" in path]
    assert len(listed) == len(set(listed)) == 3 + 5  # the model, main, step 64, and its chain
