"""What runs cannot identify of L(N, D) is refused with the reason."""

import numpy as np
import pytest

from bounds import UnfittableError, fit_loss_law
from bounds.laws.loss.bootstrap import estimates
from bounds.laws.loss.identified import check_draws, check_optimum
from bounds.laws.loss.objective import LossObjective
from tests.bounds.laws.loss.runs import BESIROGLU, drawn


def one_ratio(scatter):
    n, _, _ = drawn(7)
    return n, 20 * n * np.exp(scatter * np.random.default_rng(0).normal(size=n.size))


def test_one_ratio_of_tokens_to_parameters_is_refused():
    for scatter in (0.0, 0.03):
        n, d = one_ratio(scatter)
        with pytest.raises(UnfittableError, match="nearly one ratio D/N, about 20"):
            fit_loss_law(n, d, BESIROGLU.at(n, d))
    n, _ = one_ratio(0.0)
    d = 1e3 * n**0.75
    with pytest.raises(UnfittableError, match=r"D is nearly a power of N in all runs, N\^0.75"):
        fit_loss_law(n, d, BESIROGLU.at(n, d))
    n, d = one_ratio(0.5)
    assert fit_loss_law(n, d, BESIROGLU.at(n, d), resamples=100).law.model_exponent == (
        pytest.approx(BESIROGLU.model_exponent, rel=1e-6)
    )


def test_too_few_runs_or_sizes_are_refused():
    n, d, loss = drawn(8)
    with pytest.raises(UnfittableError, match="at least 10 runs, not 9"):
        fit_loss_law(n[:9], d[:9], loss[:9])
    two = np.where(np.arange(n.size) % 2, 1e8, 1e9)
    with pytest.raises(UnfittableError, match="3 distinct values of N are needed, not 2"):
        fit_loss_law(two, d, loss)
    with pytest.raises(UnfittableError, match="3 distinct values of D are needed, not 2"):
        fit_loss_law(n, two, loss)


@pytest.mark.slow
def test_parameters_that_the_losses_do_not_show_are_named():
    n, d, _ = drawn(9)
    noise = np.exp(0.007 * np.random.default_rng(1).normal(size=n.size))
    cases = {
        "E, the irreducible loss": 50 * n**-0.3 + 90 * d**-0.3,
        "A, the coefficient of N|alpha, the exponent of N": 1.8 + 2000 * d**-0.36,
        "B, the coefficient of D|beta, the exponent of D": 1.8 + 480 * n**-0.35,
        # Every loss is the same.
        "is not identified|cannot be told apart": np.full(n.size, 2.0),
    }
    for reason, loss in cases.items():
        with pytest.raises(UnfittableError, match=reason):
            fit_loss_law(n, d, loss * noise, resamples=200)


@pytest.mark.parametrize(
    ("place", "value", "reason"),
    [
        (0, -8.0, "A, the coefficient of N, is not identified: its term is below 0.1% of every"),
        (1, -8.0, "B, the coefficient of D, is not identified: its term is below 0.1% of every"),
        (2, -12.0, "E, the irreducible loss, is not identified: its term is below 0.1% of every"),
        (3, 0.005, "alpha, the exponent of N, is not identified: the best fit has 0.005, outside"),
        (4, 3.5, r"beta, the exponent of D, .* the best fit has 3.5, outside \(0.01, 3.0\)"),
    ],
)
def test_an_optimum_at_an_edge_is_refused_with_the_parameter(place, value, reason):
    objective = LossObjective.of_runs(*drawn(9))
    theta = np.log([0.3, 0.3, 1.8, 1.0, 1.0])  # terms of 0.3, 0.3 and 1.8 nats at the middle
    theta[3:] = BESIROGLU.model_exponent, BESIROGLU.data_exponent
    check_optimum(objective, theta)
    theta[place] = value
    with pytest.raises(UnfittableError, match=reason):
        check_optimum(objective, theta)


def test_an_interval_must_end_before_the_edge():
    """The interval of level 95% leaves 2.5% of the resamples beyond each end."""
    edge = np.zeros((1000, 5), dtype=bool)
    edge[:25, 1] = edge[:20, 4] = True
    check_draws(edge, 0.95)
    edge[:30, 4] = True
    reason = "^beta, the exponent of D, is not identified: in 3% of the bootstrap's resamples it"
    with pytest.raises(UnfittableError, match=reason):
        check_draws(edge, 0.95)
    check_draws(edge, 0.9)


def test_a_range_too_narrow_to_bend_is_refused():
    rng = np.random.default_rng(2)
    n, d = 1e9 * np.exp(rng.uniform(-0.2, 0.2, 60)), 2e10 * np.exp(rng.uniform(-2, 2, 60))
    # Exact losses: it is the conditioning that says no, not the noise.
    with pytest.raises(UnfittableError, match=r"cannot be told apart.*condition number"):
        fit_loss_law(n, d, BESIROGLU.at(n, d))
    narrow = 1e9 * (n / 1e9) ** 0.5
    with pytest.raises(UnfittableError, match=r"N hardly varies .scatter 5.*at least 10%"):
        fit_loss_law(narrow, d, BESIROGLU.at(narrow, d))
    with pytest.raises(UnfittableError, match="D hardly varies"):
        fit_loss_law(d, narrow, BESIROGLU.at(d, narrow))


def test_a_standard_error_that_the_data_do_not_determine_is_none():
    """Of perplexities, whose law has another form, A and B are known within decades only."""
    rng = np.random.default_rng(0)
    point = np.array([0.6, 6.3, 7.8, 0.36, 0.37])
    draws = point + rng.normal(size=(1000, 5)) * [0.01, 0.2, 3.0, 0.01, 0.5]
    found = estimates(point, draws, np.zeros(1000, bool), 0.95)
    assert found["model_coefficient"].standard_error == pytest.approx(
        np.exp(draws[:, 1]).std(ddof=1)
    )
    assert found["model_exponent"].standard_error == pytest.approx(0.01, rel=0.1)
    assert found["data_coefficient"].standard_error is None
    assert found["data_exponent"].standard_error is None
    # One draw of a thousand makes the error of E, which is still less than E.
    draws[3, 0] = 2.6
    assert found["irreducible_nats"].standard_error == pytest.approx(0.018, rel=0.1)
    again = estimates(point, draws, np.zeros(1000, bool), 0.95)["irreducible_nats"]
    assert again.standard_error is None
    assert again.high == pytest.approx(found["irreducible_nats"].high, rel=1e-3)
