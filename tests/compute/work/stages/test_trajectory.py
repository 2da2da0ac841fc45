"""Checkpoints on the way: where they are kept, what their losses say, and K(h) from them alone."""

import numpy as np
import pandas as pd
import pytest
import torch

from compute.models import language_model
from compute.models.evaluation import evaluate
from compute.suites.checkpoints import kept_steps, pythia_steps, step_at
from compute.work.stages.ladder import trajectory
from tests.compute.helpers.sessions import session_of


@pytest.fixture(scope="module")
def session(micro_run, micro_ladder, text_folder):
    return session_of(micro_run, micro_ladder, text_folder)


def test_pythias_spacing():
    powers = [1, 2, 4, 8, 16, 32, 64, 128, 256, 512]
    assert pythia_steps(143_001) == [0, *powers, *range(1000, 143_001, 1000)]
    assert pythia_steps(1000) == [0, *powers]
    assert pythia_steps(100) == [0, 1, 2, 4, 8, 16, 32, 64]


def test_curvatures_shares_are_kept_too():
    kept = kept_steps(1139)
    assert {36, 71, 142, 285, 570} <= {*kept}
    assert {*pythia_steps(1139)} <= {*kept}
    assert step_at(1 / 32, 10) == 1


def test_every_step_is_in_the_cache(session):
    for unit in session.plan.units:
        if unit.stage == "train":
            found = {path.name for path in session.workspace.trajectory(unit).iterdir()}
            assert found == {f"step{step}" for step in kept_steps(unit.model.steps)}


def chain_of(session, model_id):
    unit = next(u for u in session.plan.units if u.name == f"trajectory {model_id}")
    return unit, session.workspace.store.read("checkpoint_losses", unit).to_pandas()


def test_losses_are_those_of_the_windows_that_come_next(session):
    unit, chain = chain_of(session, "ladder-12k")
    spec, steps = unit.model, unit.steps
    assert list(chain["train_step"]) == steps
    row = chain[chain["train_step"] == 64].iloc[0]
    first = 64 * spec.batch_windows
    windows = session.workspace.windows.open().training[first : first + trajectory.WINDOWS]
    cpu = torch.device("cpu")
    model = language_model.load(session.workspace.trajectory(unit) / "step64", cpu)
    then = evaluate(model, windows, cpu, lambda tokens: None).window_losses
    final = language_model.load(session.workspace.checkpoint(unit), cpu)
    after = evaluate(final, windows, cpu, lambda tokens: None).window_losses
    assert row["tokens_seen"] == first * spec.context_length
    assert row["loss_nats"] == pytest.approx(then.mean(), rel=1e-12)
    assert row["excess_se_nats"] == pytest.approx(
        np.std(then - after, ddof=1) / np.sqrt(len(then)), rel=1e-9
    )


def test_a_checkpoints_loss_is_the_online_loss_at_its_step(session):
    """The batch that follows a step was scored by the very model that is kept there."""
    unit, _ = chain_of(session, "ladder-6k")
    spec, steps = unit.model, unit.steps
    store, cpu = session.workspace.store, torch.device("cpu")
    train = next(u for u in session.plan.units if u.name == "train ladder-6k")
    online = store.read("online_losses", train).to_pandas()["loss_nats"]
    training = session.workspace.windows.open().training
    for step in (0, 1, 256):
        model = language_model.load(session.workspace.trajectory(unit) / f"step{step}", cpu)
        batch = training[step * spec.batch_windows : (step + 1) * spec.batch_windows]
        scored = evaluate(model, batch, cpu, lambda tokens: None).mean_loss_nats
        assert scored == pytest.approx(online[step], rel=1e-5)
    assert step in steps


def test_checkpoints_alone_give_the_exact_area_within_their_error(session):
    for name in ("ladder-5k", "ladder-6k", "ladder-12k"):
        unit = next(u for u in session.plan.units if u.name == f"information {name}")
        rows = session.workspace.store.read("information", unit).to_pandas().set_index("method")
        exact, estimate = rows.loc["online_losses"], rows.loc["checkpoints"]
        assert exact["error_nats"] == 0
        assert 0 < estimate["error_nats"] < estimate["k_nats"]
        assert abs(estimate["k_nats"] - exact["k_nats"]) < estimate["error_nats"]
        assert estimate["k_nats"] != exact["k_nats"]
        assert not pd.Series(rows["certified"]).any()
