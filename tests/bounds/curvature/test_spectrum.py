"""Traces and densities from quadratures."""

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from bounds.curvature.spectrum import (
    evenness,
    evenness_error,
    from_symmetric_log,
    mean_and_error,
    negative_part,
    positive_root,
    spectral_density,
    symmetric_log,
    trace_of,
)


def test_trace_of_a_spectrum_known_in_full():
    eigenvalues = np.array([-4.0, 0.0, 1.0, 9.0])
    weights = np.full(4, 0.25)
    assert trace_of(lambda x: x, eigenvalues, weights, 4) == pytest.approx(6.0)
    assert trace_of(positive_root, eigenvalues, weights, 4) == pytest.approx(4.0)
    assert trace_of(negative_part, eigenvalues, weights, 4) == pytest.approx(-4.0)


def test_weights_squared_twice_are_refused():
    with pytest.raises(ValueError, match="must sum to 1"):
        trace_of(positive_root, np.ones(4), np.full(4, 0.25) ** 2, 4)


def test_standard_error_is_that_of_the_mean():
    mean, error = mean_and_error(np.array([1.0, 2.0, 3.0, 6.0]))
    assert (mean, error) == (3.0, pytest.approx(np.sqrt(14 / 3 / 4)))
    with pytest.raises(ValueError, match="at least 2"):
        mean_and_error(np.array([1.0]))


@given(st.floats(-1e6, 1e6), st.floats(1e-6, 1.0))
def test_symmetric_log_has_an_inverse_and_is_odd(x, linear_below):
    place = symmetric_log(np.array([x, -x]), linear_below)
    assert place[0] == -place[1]
    back = from_symmetric_log(place[:1], linear_below)[0]
    assert back == pytest.approx(x, rel=1e-9, abs=1e-12)


def test_symmetric_log_counts_decades():
    places = symmetric_log(np.array([1e-3, 1e-2, 1e-1, 1.0]), 1e-4)
    np.testing.assert_allclose(places, [1, 2, 3, 4], atol=0.005)


@given(st.integers(0, 1000), st.floats(0.03, 0.5))
def test_a_density_integrates_to_one(seed, bandwidth):
    rng = np.random.default_rng(seed)
    nodes, weights = (
        rng.normal(size=30) * 10.0 ** rng.uniform(-5, 2, 30),
        rng.dirichlet(np.ones(30)),
    )
    at = np.linspace(-15, 15, 6001)
    density = spectral_density(nodes, weights, at, bandwidth, 1e-4)
    assert density.sum() * (at[1] - at[0]) == pytest.approx(1.0, abs=1e-6)
    assert (density >= 0).all()


def test_a_density_needs_a_bandwidth():
    with pytest.raises(ValueError, match="greater than 0"):
        spectral_density(np.ones(1), np.ones(1), np.zeros(1), 0.0, 1.0)


@given(st.integers(0, 1000), st.integers(1, 50))
def test_evenness_is_at_most_one_and_one_for_equal_eigenvalues(seed, n):
    eigenvalues = np.random.default_rng(seed).exponential(size=n)
    assert evenness(eigenvalues.sum(), positive_root(eigenvalues).sum(), n) <= 1 + 1e-12
    assert evenness(3.0 * n, np.sqrt(3.0) * n, n) == pytest.approx(1.0)


def test_evenness_error_is_that_of_simulated_estimates():
    rng = np.random.default_rng(0)
    traces = 50 + 2.0 * rng.normal(size=20_000)
    roots = 100 + 3.0 * rng.normal(size=20_000)
    spread = np.std(roots**2 / (1000 * traces))
    assert evenness_error((50, 2.0), (100, 3.0), 1000) == pytest.approx(spread, rel=0.05)
