import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from bounds import UnfittableError, fit_power_law

SIZES = np.array([29152.0, 52944, 132864, 274640, 496704])


@given(c=st.floats(1e-3, 1e3), p=st.floats(-2, 2))
def test_an_exact_law_is_found_exactly(c, p):
    law = fit_power_law(SIZES, c * SIZES**-p)
    assert law.coefficient == pytest.approx(c, rel=1e-8)
    assert law.exponent == pytest.approx(p, abs=1e-9)
    assert law.exponent_interval == pytest.approx((p, p), abs=1e-6)
    np.testing.assert_allclose(law.at(SIZES), c * SIZES**-p, rtol=1e-9)


def test_against_numpy_polyfit():
    rng = np.random.default_rng(0)
    y = 3 * SIZES**-0.3 * np.exp(rng.normal(0, 0.05, SIZES.size))
    law = fit_power_law(SIZES, y)
    slope, intercept = np.polyfit(np.log(SIZES), np.log(y), 1)
    assert law.exponent == pytest.approx(-slope, rel=1e-10)
    assert np.log(law.coefficient) == pytest.approx(intercept, rel=1e-10)


def test_the_interval_covers_the_truth_about_as_often_as_it_claims():
    rng = np.random.default_rng(1)
    sizes = np.geomspace(1e4, 1e7, 24)
    covered = 0
    for seed in range(200):
        y = 2 * sizes**-0.2 * np.exp(rng.normal(0, 0.1, sizes.size))
        low, high = fit_power_law(sizes, y, seed=seed).exponent_interval
        covered += low <= 0.2 <= high
    assert 0.86 <= covered / 200 <= 0.99


def test_the_band_contains_the_fit_and_widens_outside():
    rng = np.random.default_rng(2)
    y = SIZES**-0.3 * np.exp(rng.normal(0, 0.05, SIZES.size))
    law = fit_power_law(SIZES, y)
    points = np.array([SIZES[2], 100 * SIZES[-1]])
    low, high = law.band(points)
    assert np.all(low <= law.at(points))
    assert np.all(law.at(points) <= high)
    assert high[1] / low[1] > high[0] / low[0]
    assert (law.smallest, law.largest) == (SIZES[0], SIZES[-1])


@pytest.mark.parametrize(
    ("n", "y", "reason"),
    [
        (SIZES[:2], [1.0, 2.0], "at least 3 model sizes"),
        ([1e3, 1e3, 1e3], [1.0, 2.0, 3.0], "at least 3 model sizes"),
        (SIZES[:3], [1.0, 0.0, 2.0], "positive values, and it is 0 at N=52944"),
        (SIZES[:3], [1.0, np.nan, 2.0], "positive values, and it is nan"),
    ],
)
def test_what_cannot_be_fitted_is_refused_with_the_reason(n, y, reason):
    with pytest.raises(UnfittableError, match=reason):
        fit_power_law(np.array(n), np.array(y))
