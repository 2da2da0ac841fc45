"""Runs far off the law of the others: those that were spoiled are found, others seldom."""

from dataclasses import astuple

import numpy as np
import pytest

from bounds import LossLaw, fit_loss_law
from bounds.laws.loss.far_off import MOST_REFITS, far_off, residuals_without_each
from bounds.laws.loss.least_huber import descend
from bounds.laws.loss.objective import LossObjective
from tests.bounds.laws.loss.runs import BESIROGLU, drawn, isoflop, noisy_losses, scattered

pytestmark = pytest.mark.slow


def optimum_of(n, d, loss):
    """The objective and its optimum, by a descent from the truth."""
    objective = LossObjective.of_runs(n, d, loss)
    e, a, b = np.log(astuple(BESIROGLU)[:3])
    truth = objective.centred([[a, b, e, BESIROGLU.model_exponent, BESIROGLU.data_exponent]])
    return objective, descend(objective, truth)[0][0]


@pytest.mark.parametrize("factor", [0.8, 1.2])
def test_spoiled_runs_are_named_whatever_the_order(factor):
    n, d, loss = drawn(1, runs=60)
    largest = int(np.argmax(n * d))  # a corner, which draws the law towards itself
    for row in (largest, 17, 40):
        loss[row] *= factor
    fit = fit_loss_law(n, d, loss, resamples=100)
    assert [run.row for run in fit.far_off] == sorted((largest, 17, 40))
    for run in fit.far_off:
        assert run.log_residual == pytest.approx(np.log(factor), abs=0.05)
        assert run.expected_nats == pytest.approx(BESIROGLU.at(n, d)[run.row], rel=0.05)
        assert loss[run.row] == pytest.approx(run.expected_nats * np.exp(run.log_residual))


def test_clean_runs_are_seldom_named():
    named = []
    for seed in range(20):
        n, d, _ = drawn(seed, runs=40, design=(isoflop, scattered)[seed % 2])
        loss = noisy_losses(np.random.default_rng(seed), BESIROGLU, n, d, 0.007)
        named += [far_off(*optimum_of(n, d, loss), np.arange(40))]
    assert sum(map(len, named)) <= 0.02 * 20 * 40


def test_rounded_losses_are_not_far_off():
    n, d, _ = drawn(3, runs=40)
    assert far_off(*optimum_of(n, d, BESIROGLU.at(n, d).round(2)), np.arange(40)) == []


def test_residuals_are_those_of_fits_without_the_run():
    n, d, loss = drawn(5, runs=20)
    loss[4] *= 1.1
    objective, theta = optimum_of(n, d, loss)
    residuals = residuals_without_each(objective, theta)
    for row in (4, 11):
        keep = np.arange(20) != row
        law = fit_loss_law(n[keep], d[keep], loss[keep], resamples=100).law
        expected = np.log(loss[row] / law.at(n[row], d[row]))
        assert residuals[row] == pytest.approx(expected, abs=1e-6)


def test_of_more_than_a_thousand_runs_the_law_of_all_is_used():
    n, d, loss = drawn(6, runs=MOST_REFITS + 1)
    loss[700] *= 1.2
    objective, theta = optimum_of(n, d, loss)
    a, b, e, alpha, beta = objective.uncentred(theta[None])[0]
    law = LossLaw(np.exp(e), np.exp(a), np.exp(b), alpha, beta)
    residuals = residuals_without_each(objective, theta)
    np.testing.assert_allclose(residuals, np.log(loss / law.at(n, d)), atol=1e-9)
    spoiled = [run for run in far_off(objective, theta, np.arange(n.size)) if run.row == 700]
    assert spoiled[0].log_residual == pytest.approx(np.log(1.2), abs=0.03)
    assert spoiled[0].expected_nats == pytest.approx(law.at(n[700], d[700]), rel=1e-9)
