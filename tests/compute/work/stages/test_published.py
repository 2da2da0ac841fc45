"""What a run on published models has measured, computed again by transformers and NumPy alone."""

import shutil
from dataclasses import dataclass, replace

import numpy as np
import pytest
import torch
from transformers import AutoModelForCausalLM, AutoTokenizer

from bounds import checkpoint_information_nats
from compute.models.layout import layout
from compute.quantize import codes
from compute.suites.text.windows.stream_windows import StreamWindows
from compute.work.machines.perform import perform
from compute.work.stages.published.sample import RESOLUTION
from compute.work.store import SuiteStore
from tests.compute.helpers.published_runs import Run, checkpoint, plain_losses, snapshot
from tests.published import BATCH, PYTHIAS, WINDOWS
from tests.tiny_models import CONTEXT, TOKENS_USED

#: Of the miniature's suites: the step that each model is taken at, and the effort.
STEPS = {"pythia-70m": 16, "pythia-160m": 32, "pythia-410m": 32}
DRAWS = {"train": 96, "selection": 48, "heldout": 32}
POSITIONS, CHAIN_WINDOWS = 4, 8

#: Seeds of the windows and of the positions of each split: shipped artifacts depend on them.
SEEDS = {"train": (21, 31), "selection": (22, 32), "heldout": (23, 33)}

#: Logits in float32 differ by so much with the shape of a batch.
FLOAT32 = 2e-5

pytestmark = pytest.mark.usefixtures("on_miniature")
MODELS = pytest.mark.parametrize("repo", PYTHIAS)


def name_of(repo: str) -> str:
    return repo.rpartition("/")[2]


def generator(seed: int, purpose: int) -> np.random.Generator:
    return np.random.default_rng(np.random.SeedSequence(seed, spawn_key=(purpose,)))


def positions_of(seed: int, count: int) -> np.ndarray:
    """Positions of ``count`` windows, by the definition alone."""
    rows = np.tile(np.arange(CONTEXT), (count, 1))
    return np.sort(generator(seed, 1).permuted(rows, axis=1)[:, :POSITIONS], axis=1)


def drawn(split: str, step: int) -> tuple[np.ndarray, np.ndarray]:
    """Indices of the windows of a split, and the positions in them."""
    of_windows, of_positions = SEEDS[split]
    trained = step * BATCH
    first, last = (trained, WINDOWS) if split == "heldout" else (0, trained)
    windows = first + generator(of_windows, 0).integers(last - first, size=DRAWS[split])
    return windows, positions_of(of_positions, DRAWS[split])


@dataclass(frozen=True)
class Measured:
    """Windows, positions, losses and entropies of one split, shape (windows, positions)."""

    positions: np.ndarray
    losses: np.ndarray
    entropies: np.ndarray


def measured(run: Run, model_id: str, quantizer: str, split: str) -> Measured:
    rows = run.rows("token_losses", model_id=model_id, quantizer=quantizer, split=split)
    shape = (DRAWS[split], POSITIONS)
    assert [row["window"] for row in rows] == np.repeat(np.arange(shape[0]), shape[1]).tolist()
    columns = ("position", "loss_nats", "entropy_nats")
    return Measured(*(np.array([row[c] for row in rows]).reshape(shape) for c in columns))


def decoded(run: Run, repo: str, quantizer: str, code: str) -> torch.nn.Module:
    """The quantized model with nothing of the trained one but its configuration."""
    units = [u for u in run.session.plan.units if u.stage == "quantize"]
    unit = next(
        u for u in units if u.model_id == name_of(repo) and u.setting.quantizer == quantizer
    )
    trained = checkpoint(run.there, repo, f"step{STEPS[name_of(repo)]}")
    model = AutoModelForCausalLM.from_config(trained.config, dtype=torch.float32).eval()
    file = (run.session.workspace.coded(unit) / code).read_bytes()
    with torch.no_grad():
        for name, weights in codes.decode(file, layout(model)):
            model.get_parameter(name).copy_(weights)
    return model


def check_rows(run: Run, repo: str, quantizer: str, model: torch.nn.Module) -> None:
    """Every row against all logits of the same windows, and means against exact losses."""
    name = name_of(repo)
    row = run.rows("quantized", model_id=name, quantizer=quantizer)[0]
    for split in DRAWS:
        windows, positions = drawn(split, STEPS[name])
        found = measured(run, name, quantizer, split)
        assert np.array_equal(found.positions, positions)
        losses, entropies = (
            np.take_along_axis(values, positions, axis=1)
            for values in plain_losses(model, run.there.ids[windows], TOKENS_USED)
        )
        assert np.all(found.losses >= losses - FLOAT32)
        assert np.all(found.losses <= losses + RESOLUTION + FLOAT32)
        assert np.all(found.losses % RESOLUTION == 0)
        assert np.allclose(found.entropies, entropies, rtol=0, atol=RESOLUTION / 2 + FLOAT32)
        if split in ("train", "heldout"):
            assert row[f"{split}_loss_nats"] == pytest.approx(losses.mean(), abs=FLOAT32)
            assert row[f"{split}_tokens_evaluated"] == losses.size
        if split == "heldout":  # each draw is one independent unit
            error = losses.mean(axis=1).std(ddof=1) / np.sqrt(len(losses))
            assert row["heldout_loss_se_nats"] == pytest.approx(error, rel=1e-3)


@MODELS
def test_every_loss_is_that_of_a_plain_evaluation(pythia_run, repo):
    model = checkpoint(pythia_run.there, repo, f"step{STEPS[name_of(repo)]}")
    check_rows(pythia_run, repo, "none", model)


@pytest.mark.parametrize("code", codes.CODES)
@pytest.mark.parametrize("quantizer", ["rtn", "gptq", "gptq_step"])
def test_every_loss_of_a_quantized_model_is_that_of_its_decoded_file(pythia_run, quantizer, code):
    repo = "EleutherAI/pythia-160m"
    check_rows(pythia_run, repo, quantizer, decoded(pythia_run, repo, quantizer, code))


@pytest.mark.parametrize("quantizer", ["rtn", "gptq", "gptq_step"])
def test_the_paired_gap_is_the_mean_difference_on_the_same_predictions(pythia_run, quantizer):
    repo = "EleutherAI/pythia-160m"
    windows, positions = drawn("train", STEPS["pythia-160m"])
    after, before = (
        np.take_along_axis(
            plain_losses(model, pythia_run.there.ids[windows], TOKENS_USED)[0], positions, axis=1
        ).mean(axis=1)
        for model in (
            decoded(pythia_run, repo, quantizer, "stored"),
            checkpoint(pythia_run.there, repo, "step32"),
        )
    )
    row = pythia_run.rows("quantized", model_id="pythia-160m", quantizer=quantizer)[0]
    gaps = after - before
    assert row["paired_windows"] == len(gaps) == 96
    assert row["paired_gap_nats"] == pytest.approx(gaps.mean(), abs=FLOAT32)
    error = gaps.std(ddof=1) / np.sqrt(len(gaps))
    assert row["paired_gap_se_nats"] == pytest.approx(error, rel=1e-3, abs=FLOAT32)


@MODELS
def test_code_lengths_are_those_of_the_files(pythia_run, repo):
    for unit in pythia_run.session.plan.units:
        if unit.stage != "quantize" or unit.model_id != name_of(repo):
            continue
        row = pythia_run.rows("quantized", model_id=unit.model_id, **unit.setting.columns)[0]
        for code in codes.CODES:
            file = pythia_run.session.workspace.coded(unit) / code
            assert row[f"{code}_bits"] == 8 * file.stat().st_size
            assert row[f"{code}_bits"] >= 8


@MODELS
def test_the_chain_is_scored_on_the_windows_that_come_next(pythia_run, repo):
    name = name_of(repo)
    rows = {row["train_step"]: row for row in pythia_run.rows("checkpoint_losses", model_id=name)}
    assert list(rows) == [s for s in (0, 1, 2, 4, 8, 16, 32, 64) if s < STEPS[name]]
    final = checkpoint(pythia_run.there, repo, f"step{STEPS[name]}")
    for step, row in rows.items():
        ids = pythia_run.there.ids[step * BATCH : step * BATCH + CHAIN_WINDOWS]
        places = positions_of(34, CHAIN_WINDOWS)
        then, last = (
            np.take_along_axis(plain_losses(model, ids, TOKENS_USED)[0], places, 1).mean(axis=1)
            for model in (checkpoint(pythia_run.there, repo, f"step{step}"), final)
        )
        assert row["tokens_seen"] == step * BATCH * CONTEXT
        assert row["windows"] == CHAIN_WINDOWS
        assert row["loss_nats"] == pytest.approx(then.mean(), abs=FLOAT32)
        assert row["final_loss_nats"] == pytest.approx(last.mean(), abs=FLOAT32)
        error = (then - last).std(ddof=1) / np.sqrt(CHAIN_WINDOWS)
        assert row["excess_se_nats"] == pytest.approx(error, rel=1e-3, abs=FLOAT32)


@MODELS
def test_information_is_the_area_under_the_chain(pythia_run, repo):
    name = name_of(repo)
    rows = pythia_run.rows("checkpoint_losses", model_id=name)
    tokens, losses, finals, errors = (
        np.array([row[column] for row in rows])
        for column in ("tokens_seen", "loss_nats", "final_loss_nats", "excess_se_nats")
    )
    D = STEPS[name] * BATCH * CONTEXT  # noqa: N806 - as in the paper
    (row,) = pythia_run.rows("information", model_id=name)
    expected = checkpoint_information_nats(tokens, losses - finals, errors, D)
    assert (row["k_nats"], row["error_nats"]) == pytest.approx(expected, rel=1e-12)
    ends, excess = np.append(tokens, D), np.append(losses - finals, 0.0)
    assert row["k_nats"] == pytest.approx(np.trapezoid(excess, ends), rel=1e-12)
    unquantized = pythia_run.rows("quantized", model_id=name, quantizer="none")[0]
    assert row["final_loss_nats"] == unquantized["train_loss_nats"]
    assert (row["method"], row["certified"]) == ("checkpoints", False)


@MODELS
def test_a_model_is_described_as_it_is(pythia_run, repo):
    (row,) = pythia_run.rows("models", model_id=name_of(repo))
    step, hidden = STEPS[name_of(repo)], PYTHIAS[repo]
    model = checkpoint(pythia_run.there, repo, f"step{step}")
    assert row["params_total"] == sum(p.numel() for p in model.parameters())
    assert row["params_embedding"] == 2 * 320 * hidden
    assert row["params_nonembedding"] == 2 * (12 * hidden**2 + 13 * hidden) + 2 * hidden
    assert row["train_tokens"] == step * BATCH * CONTEXT
    assert row["vocab_size"] == TOKENS_USED  # not the padded 320
    assert (row["context_length"], row["batch_windows"]) == (CONTEXT, BATCH)
    assert (row["stand_in"], row["arithmetic"]) == (None, "float32")
    commit = snapshot(pythia_run.there, repo, f"step{step}").name
    assert row["revision"] == f"{repo}@step{step} ({commit})"
    place = f"step {step} of 64"
    decayed = f"taken with most of its learning-rate decay ahead ({place})"
    assert row["remark"] == (decayed if step < 32 else None)


def test_bytes_of_a_token_are_those_that_it_spells(pythia_run):
    """By the alphabet of byte-level BPE, in which a character of a token stands for one byte."""
    tokenizer = AutoTokenizer.from_pretrained(pythia_run.there.hub.tokenizer)
    lengths = np.array([len(tokenizer.convert_ids_to_tokens(i)) for i in range(TOKENS_USED)])
    for name, step in STEPS.items():
        chosen = generator(41, 0).integers(step * BATCH, size=256)
        expected = lengths[pythia_run.there.ids[chosen]].mean()
        (row,) = pythia_run.rows("models", model_id=name)
        assert row["bytes_per_token"] == pytest.approx(expected, rel=1e-12)


class Recorder(StreamWindows):
    """Keeps the indices of all windows that are read."""

    def read(self, indices):
        READ.append(np.array(indices))
        return super().read(indices)


READ: list[np.ndarray] = []


@pytest.mark.parametrize("stage", ["describe", "quantize", "sample", "chain"])
def test_only_windows_that_the_model_was_trained_on_are_read_but_for_those_held_out(
    pythia_run, tmp_path, stage
):
    """D ends where the next step would have begun; held-out windows come after it."""
    before = pythia_run.session.workspace
    shutil.copytree(before.store.folder, tmp_path / before.store.suite)
    workspace = replace(
        before,
        store=SuiteStore(tmp_path, before.store.suite),
        windows=Recorder(before.windows.stream),
        cache_dir=tmp_path / "cache",
    )
    for unit in pythia_run.session.plan.units:
        if unit.stage != stage:
            continue
        for what in unit.reads:
            there = workspace.cached(unit, what)
            there.parent.mkdir(parents=True, exist_ok=True)
            if not there.exists():
                there.symlink_to(before.cached(unit, what))
        READ.clear()
        assert perform(unit, workspace, lambda tokens: None).error is None
        trained = STEPS[unit.model_id] * BATCH
        if stage == "sample":
            *train, heldout = READ
            assert [len(indices) for indices in train] == [96, 48]
            assert heldout.min() >= trained
            assert heldout.max() < WINDOWS
        else:
            train = READ
        assert train
        assert all(indices.min() >= 0 and indices.max() < trained for indices in train)
        if stage == "quantize":
            assert len(np.unique(train[0])) == len(train[0]) == 16


def test_units_measure_the_same_windows_at_every_setting(pythia_run):
    for name in STEPS:
        rows = pythia_run.rows("token_losses", model_id=name)
        places = {
            quantizer: [
                (row["split"], row["window"], row["position"])
                for row in rows
                if row["quantizer"] == quantizer
            ]
            for quantizer in ("none", "rtn", "gptq", "gptq_step")
        }
        assert all(found == places["none"] for found in places.values())
        assert len(places["none"]) == POSITIONS * sum(DRAWS.values())
