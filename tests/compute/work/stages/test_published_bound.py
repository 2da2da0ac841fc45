"""The sampled bound of a measured model against all of the windows that it was trained on."""

import math

import numpy as np
import pytest
from scipy.stats import binom

from bounds.forms.sampled import (
    Confidence,
    Summand,
    SummandGrid,
    WindowLosses,
    choose_summand,
    sampled_bound,
)
from tests.compute.helpers.published_runs import checkpoint, plain_losses
from tests.published import BATCH
from tests.tiny_models import CONTEXT, TOKENS_USED

REPO, MODEL, STEP = "EleutherAI/pythia-70m", "pythia-70m", 16
WINDOWS, POSITIONS = STEP * BATCH, 4
DRAWS = 96

pytestmark = pytest.mark.usefixtures("on_miniature")


@pytest.fixture(scope="module")
def population(pythia_run) -> WindowLosses:
    """Every prediction of every training window, computed once."""
    model = checkpoint(pythia_run.there, REPO, f"step{STEP}")
    return WindowLosses(*plain_losses(model, pythia_run.there.ids[:WINDOWS], TOKENS_USED))


def sampled(pythia_run, split: str) -> WindowLosses:
    rows = pythia_run.rows("token_losses", model_id=MODEL, quantizer="none", split=split)
    columns = ("loss_nats", "entropy_nats")
    return WindowLosses(
        *(np.array([row[c] for row in rows]).reshape(-1, POSITIONS) for c in columns)
    )


def shared(pythia_run, confidence: Confidence) -> dict:
    (row,) = pythia_run.rows("quantized", model_id=MODEL, quantizer="gptq_step")
    return {
        "code_bits": row["entropy_coded_bits"],
        "train_tokens": WINDOWS * CONTEXT,
        "vocab_size": TOKENS_USED,
        "confidence": confidence,
    }


def test_the_bound_of_the_measured_sample_holds_above_the_whole_training_text(
    pythia_run, population
):
    """The summand is chosen on the selection windows, as a page of the dashboard does."""
    options = shared(pythia_run, Confidence(bound=0.045, sample=0.005))
    grid = SummandGrid()
    summand = choose_summand(sampled(pythia_run, "selection"), grid, DRAWS, **options)
    got = sampled_bound(
        sampled(pythia_run, "train"),
        summand,
        grid.choice_bits,
        training_loss_nats=population.loss_nats.mean(),
        **options,
    )
    exact = summand.values(population, TOKENS_USED).mean() + got.complexity_nats
    assert got.total_nats >= exact
    assert got.total_nats >= population.loss_nats.mean()
    assert got.sampling_nats > 0
    assert got.total_nats - got.sampling_nats == pytest.approx(exact, rel=0.05)


@pytest.mark.parametrize("method", ["betting", "empirical_bernstein"])
def test_redrawn_samples_cover_the_whole_text_as_often_as_claimed(pythia_run, population, method):
    """300 samples of windows and positions, as the stage draws them, at delta = 0.1."""
    delta = 0.1
    confidence = Confidence(bound=0.05, sample=delta, method=method)
    options = shared(pythia_run, confidence)
    summand = Summand(alpha=0.05, floor=0.5, slope=0.75, s=0.8)
    truth = summand.values(population, TOKENS_USED).mean()
    rng = np.random.default_rng(0)
    missed, excess = 0, []
    for _ in range(300):
        windows = rng.integers(WINDOWS, size=DRAWS)
        rows = np.tile(np.arange(CONTEXT), (DRAWS, 1))
        positions = rng.permuted(rows, axis=1)[:, :POSITIONS]
        drawn = WindowLosses(
            *(
                values[windows[:, None], positions]
                for values in (population.loss_nats, population.entropy_nats)
            )
        )
        got = sampled_bound(drawn, summand, 0.0, training_loss_nats=0.0, **options)
        upper = got.total_nats - got.complexity_nats
        missed += upper < truth
        excess.append(upper - truth)
    assert missed <= binom.ppf(1 - 1e-4, 300, delta)
    assert 0 < np.mean(excess) < math.log(TOKENS_USED)


def test_rounding_the_losses_up_never_lowers_the_bound(pythia_run, population):
    """Rows are multiples of 2^-12 above the exact losses: every summand rises with the loss."""
    options = shared(pythia_run, Confidence(bound=0.045, sample=0.005))
    summand = Summand(alpha=0.05, floor=0.5, slope=0.75, s=0.8)
    measured = sampled(pythia_run, "train")
    rng = np.random.default_rng(np.random.SeedSequence(21, spawn_key=(0,)))
    windows = rng.integers(WINDOWS, size=DRAWS)
    rows = pythia_run.rows("token_losses", model_id=MODEL, quantizer="none", split="train")
    positions = np.array([row["position"] for row in rows]).reshape(-1, POSITIONS)
    exact = WindowLosses(population.loss_nats[windows[:, None], positions], measured.entropy_nats)
    totals = [
        sampled_bound(losses, summand, 0.0, training_loss_nats=0.0, **options).total_nats
        for losses in (exact, measured)
    ]
    assert totals[0] - 2e-5 <= totals[1] <= totals[0] + 2.0**-11
