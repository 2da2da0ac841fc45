import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from scipy import stats

from bounds import UnfittableError
from bounds.laws.line import fit_line


@given(slope=st.floats(-3, 3), intercept=st.floats(-5, 5))
def test_an_exact_line_is_found_exactly_and_without_doubt(slope, intercept):
    x = np.array([1.0, 2.0, 4.0, 7.0])
    line = fit_line(x, intercept + slope * x)
    assert line.slope == pytest.approx(slope, abs=1e-12)
    assert line.intercept == pytest.approx(intercept, abs=1e-11)
    assert line.slope_interval == pytest.approx((slope, slope), abs=1e-10)
    assert line.predict(10.0) == pytest.approx([intercept + 10 * slope] * 2, abs=1e-9)


def test_against_scipys_regression():
    rng = np.random.default_rng(0)
    x = rng.uniform(0, 10, 8)
    y = 2 - 0.3 * x + rng.normal(0, 0.4, 8)
    line, other = fit_line(x, y), stats.linregress(x, y)
    assert (line.slope, line.intercept) == pytest.approx((other.slope, other.intercept))
    half = stats.t.ppf(0.975, 6) * other.stderr
    assert line.slope_interval == pytest.approx((other.slope - half, other.slope + half))


@pytest.mark.parametrize("points", [3, 4, 7])
def test_intervals_cover_the_slope_and_a_new_point_as_often_as_they_claim(points):
    rng = np.random.default_rng(points)
    x = np.linspace(0, 1, points)
    slopes = predictions = 0
    for _ in range(600):
        line = fit_line(x, 1 + 2 * x + rng.normal(0, 0.3, points))
        slopes += line.slope_interval[0] <= 2 <= line.slope_interval[1]
        low, high = line.predict(1.5)
        predictions += low <= 1 + 2 * 1.5 + rng.normal(0, 0.3) <= high
    assert 0.92 <= slopes / 600 <= 0.98
    assert 0.92 <= predictions / 600 <= 0.98


def test_two_places_leave_nothing_to_estimate_the_scatter_from():
    with pytest.raises(UnfittableError, match="at least 3 places, not 2"):
        fit_line([1.0, 1.0, 2.0], [1.0, 1.1, 2.0])


@pytest.mark.parametrize(("x", "y"), [([1.0, 2.0], [1.0]), ([1.0, 2.0, np.nan], [1.0, 2.0, 3.0])])
def test_what_is_no_set_of_points_is_refused(x, y):
    with pytest.raises(ValueError, match="must be"):
        fit_line(x, y)
