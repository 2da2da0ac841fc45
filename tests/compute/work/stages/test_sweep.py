"""Learning rates are compared on training windows that come after a model's own."""

import dataclasses

import numpy as np
import pyarrow.parquet as pq
import pytest
import torch

from compute.base.errors import InputError
from compute.commands.publish.publish import publish_suite
from compute.commands.run import run
from compute.models import language_model
from compute.models.evaluation import evaluate
from compute.models.training import training
from compute.models.training.training_state import TrainingState
from compute.session.opening import open_session
from compute.session.request import Request
from compute.suites.ladder.ladder_suite import load_ladder
from compute.suites.ladder.learning_rate import LearningRateRule
from compute.work.stages.ladder import sweep
from tests.compute.helpers.processes import units_here

PUBLISHED = ("data", "published")
KEY = [("model_id", "ascending"), ("learning_rate", "ascending")]

SWEEP = """
[presets.sweep]
suite = "sweep"
context_length = 16
tokens_per_parameter = 1
fewest_steps = 100
heldout_bytes = 8192
corpus_seed = 1
calibration_windows = 8
fresh_windows = 50
[[presets.sweep.models]]
hidden_size = 8
layers = 1
heads = 1
batch_windows = 1
seed = [0, 1]
learning_rate = RATES
"""


def session_of(folder, text, rates):
    file = folder / "sweep.toml"
    file.write_text(SWEEP.replace("RATES", rates))
    request = Request(
        "sweep", text, folder / "data", folder / "cache", ladder_file=file, device="cpu", workers=1
    )
    return open_session(request)


@pytest.fixture(scope="module")
def swept(tmp_path_factory, text_folder):
    folder = tmp_path_factory.mktemp("sweep")
    session = session_of(folder, text_folder, "[0.01, 1e6]")
    with units_here():
        assert run(session) == 0
    return folder


def rows_of(folder, text):
    session = session_of(folder, text, "[0.01, 1e6]")
    tables = [session.workspace.store.read("learning_rates", u) for u in session.plan.units]
    return session, [table.to_pylist()[0] for table in tables]


def test_every_rate_and_seed_has_a_row(swept, text_folder):
    _, rows = rows_of(swept, text_folder)
    assert [(row["model_id"], row["learning_rate"]) for row in rows] == [
        ("ladder-5k", 0.01),
        ("ladder-5k", 1e6),
        ("ladder-5k-seed1", 0.01),
        ("ladder-5k-seed1", 1e6),
    ]


def test_the_loss_is_that_of_the_windows_that_follow(swept, text_folder):
    session, rows = rows_of(swept, text_folder)
    spec, fresh = session.plan.units[0].model, session.plan.units[0].fresh_windows
    windows = session.workspace.windows.open().training
    model, cpu = language_model.build(spec), torch.device("cpu")
    training.train(model, spec, windows[: spec.train_windows], cpu, lambda _: None)
    after = windows[spec.train_windows : spec.train_windows + fresh]
    losses = evaluate(model.eval(), after, cpu, lambda _: None).window_losses
    assert len(losses) == fresh == rows[0]["fresh_windows"]
    assert rows[0]["fresh_loss_nats"] == losses.mean()
    assert rows[0]["fresh_loss_se_nats"] == losses.std(ddof=1) / np.sqrt(fresh)


def test_a_rate_at_which_training_diverges_is_a_row_without_a_loss(swept, text_folder):
    _, rows = rows_of(swept, text_folder)
    assert rows[1]["fresh_loss_nats"] is None
    assert rows[1]["fresh_loss_se_nats"] is None


def test_a_sweep_grows_without_being_run_again(swept, text_folder):
    session = session_of(swept, text_folder, "[0.01, 0.02, 1e6]")
    assert [unit.model.learning_rate for unit in session.plan.todo] == [0.02, 0.02]
    assert len(session.plan.done) == 4


def test_nothing_is_left_of_a_run_that_has_ended(swept, text_folder, monkeypatch):
    session, rows = rows_of(swept, text_folder)
    states = []

    def state_of(folder):
        states.append(TrainingState(folder, interval_seconds=0.05))
        return states[-1]

    monkeypatch.setattr(sweep, "TrainingState", state_of)
    seen = []

    def report(tokens):
        seen.append((states[0].folder / "state.pt").exists())

    found = session.plan.units[0].run(session.workspace, report)["learning_rates"]
    assert any(seen)
    assert not states[0].folder.exists()
    assert found.to_pylist() == rows[:1]


def test_fresh_windows_count_towards_the_text_that_is_needed(tmp_path, text_folder):
    file = tmp_path / "sweep.toml"
    file.write_text(SWEEP.replace("RATES", "[0.01]").replace("= 50", "= 10000000"))
    folders = (tmp_path / "data", tmp_path / "cache")
    request = Request("sweep", text_folder, *folders, ladder_file=file, device="cpu")
    with pytest.raises(InputError, match="distinct tokens and 160,000,000 fresh ones"):
        open_session(request)


def test_the_rule_is_a_power_law_to_two_digits():
    rule = LearningRateRule(rate=0.01, params=10_000, exponent=0.5)
    assert rule.at(10_000) == 0.01
    assert rule.at(1_000_000) == 0.001
    assert rule.at(20_000) == 0.0071
    with pytest.raises(ValueError, match="rate=0 and params=1 must be positive"):
        LearningRateRule(rate=0, params=1, exponent=0.5)


def test_models_without_a_rate_of_their_own_follow_the_rule():
    for model in load_ladder("mixed").models:
        other = dataclasses.replace(model, learning_rate=1.0)
        assert model.learning_rate == pytest.approx(
            0.0066 * (other.params_total / 1e5) ** -0.58, rel=0.05
        )


def test_a_sweep_can_be_published(swept):
    publish_suite(swept / "data", "sweep", swept / "published")
    rows = (pq.read_table(swept / folder / "sweep/learning_rates") for folder in PUBLISHED)
    measured, published = (table.sort_by(KEY).to_pylist() for table in rows)
    assert len(measured) == 4
    assert published == measured
