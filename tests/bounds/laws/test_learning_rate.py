import numpy as np
import pytest
from hypothesis import assume, given
from hypothesis import strategies as st

from bounds import UnfittableError
from bounds.laws.learning_rate import (
    HIGHEST,
    LOWEST,
    NEXT_DIVERGED,
    NO_VERTEX,
    best_rate,
    fit_rate_rule,
)

RATES = np.array([0.0025, 0.005, 0.01, 0.02, 0.04])


@given(
    vertex=st.floats(np.log(0.0025), np.log(0.04)),
    floor=st.floats(0.5, 5),
    curvature=st.floats(0.01, 10),
)
def test_the_vertex_of_a_parabola_is_found_exactly(vertex, floor, curvature):
    losses = floor + curvature * (np.log(RATES) - vertex) ** 2
    assume(0 < np.argmin(losses) < RATES.size - 1)
    found = best_rate(RATES, losses)
    assert found.bracketed
    assert np.log(found.rate) == pytest.approx(vertex, abs=1e-9)
    assert found.loss_nats == pytest.approx(floor, abs=1e-9)
    assert found.lower < found.rate < found.upper


@given(st.lists(st.floats(1.0, 3.0), min_size=3, max_size=8), st.randoms(use_true_random=False))
def test_it_never_leaves_what_was_tried_whatever_the_order(losses, order):
    rates = 0.001 * 1.9 ** np.arange(len(losses))
    places = list(range(len(losses)))
    order.shuffle(places)
    found = best_rate(rates[places], np.array(losses)[places])
    assert rates[0] <= found.rate <= rates[-1]
    assert np.isfinite(found.loss_nats)
    if not found.bracketed:
        assert found.loss_nats == min(losses)


@given(st.lists(st.floats(1.0, 3.0), min_size=4, max_size=8))
def test_no_parabola_in_the_logarithm_is_nearer_to_the_losses(losses):
    """Against the normal equations, solved by themselves."""
    rates = 0.001 * 1.9 ** np.arange(len(losses))
    found = best_rate(rates, losses)
    assume(found.bracketed)
    x = np.vander(np.log(rates), 3)
    a, b, c = np.linalg.solve(x.T @ x, x.T @ losses)
    assume(a > 1e-3)
    assert np.log(found.rate) == pytest.approx(-b / (2 * a), abs=1e-6)
    assert found.loss_nats == pytest.approx(c - b**2 / (4 * a), abs=1e-6)


@pytest.mark.parametrize(
    ("losses", "rate", "edge"),
    [
        ([1.0, 1.1, 1.2, 1.3, 1.4], 0.0025, LOWEST),
        ([1.4, 1.3, 1.2, 1.1, 1.0], 0.04, HIGHEST),
        ([1.4, 1.3, 1.2, 1.1, np.nan], 0.02, NEXT_DIVERGED),
        ([1.4, np.nan, 1.2, 1.3, np.nan], 0.01, NEXT_DIVERGED),
        ([np.nan, np.nan, np.nan, np.nan, 2.0], 0.04, HIGHEST),
    ],
)
def test_a_minimum_at_an_end_is_reported_as_such_and_not_extrapolated(losses, rate, edge):
    found = best_rate(RATES, losses)
    assert (found.rate, found.edge, found.bracketed) == (rate, edge, False)
    assert found.loss_nats == np.nanmin(losses)


@pytest.mark.parametrize(
    ("rates", "losses", "reason"),
    [
        (RATES[:2], [1.0, 2.0], "at least 3 rates, not 2"),
        (RATES[:3], [np.nan] * 3, "diverged at every rate from 0.0025"),
    ],
)
def test_what_shows_no_minimum_is_refused_with_the_reason(rates, losses, reason):
    with pytest.raises(UnfittableError, match=reason):
        best_rate(rates, losses)


def test_of_losses_alike_the_lowest_rate_counts():
    assert best_rate(RATES[:3], [1.0, 1.0, 1.0]).edge == LOWEST


def test_losses_that_bend_down_on_the_whole_have_no_vertex():
    found = best_rate(RATES, [1.0, 1.5, 1.4, 1.5, 0.9999])
    assert found.edge == HIGHEST
    found = best_rate(RATES, [1.0, 1.5, 0.99, 1.5, 1.0])
    assert (found.edge, found.rate, found.loss_nats) == (NO_VERTEX, 0.01, 0.99)


@pytest.mark.parametrize(
    ("rates", "losses", "reason"),
    [
        ([0.1, 0.1, 0.2], [1.0, 1.0, 1.0], "may come once"),
        ([0.1, -0.1, 0.2], [1.0, 1.0, 1.0], "above 0"),
        ([0.1, 0.2, 0.3], [1.0, np.inf, 1.0], "NaN where training diverged"),
        ([0.1, 0.2], [1.0, 1.0, 1.0], "equally long"),
    ],
)
def test_what_is_no_sweep_is_refused(rates, losses, reason):
    with pytest.raises(ValueError, match=reason):
        best_rate(rates, losses)


@given(a=st.floats(-8, 2), p=st.floats(-1, 2))
def test_an_exact_rule_is_found_exactly(a, p):
    n = np.array([29152.0, 52944, 132864, 274640])
    rule = fit_rate_rule(n, np.exp(a) * n**-p)
    assert rule.exponent == pytest.approx(p, abs=1e-9)
    assert rule.exponent_interval == pytest.approx((p, p), abs=1e-6)
    assert rule.at(1e6) == pytest.approx(np.exp(a) * 1e6**-p, rel=1e-7)
    assert rule.predict(1e6) == pytest.approx([rule.at(1e6)] * 2, rel=1e-4)


def test_a_rule_needs_three_sizes():
    with pytest.raises(UnfittableError, match="at least 3 places"):
        fit_rate_rule([1e4, 1e5], [0.02, 0.01])


@pytest.mark.parametrize("bad", [0.0, -1.0, np.inf, np.nan])
@pytest.mark.parametrize("which", ["sizes", "rates"])
def test_a_rule_needs_sizes_and_rates_that_have_logarithms(which, bad):
    sizes, rates = np.array([1e4, 1e5, 1e6]), np.array([0.04, 0.02, 0.01])
    (sizes if which == "sizes" else rates)[1] = bad
    with pytest.raises(ValueError, match="sizes and rates must be finite and above 0") as error:
        fit_rate_rule(sizes, rates)
    assert str(error.value).endswith(f": {sizes}, {rates}")
