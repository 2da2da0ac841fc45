import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from scipy import stats
from scipy.optimize import least_squares

from bounds import UnfittableError, fit_power_law, predict_largest
from bounds.laws.line import fit_line
from bounds.laws.power_law import (
    HUBER_DELTA,
    power_law_alone,
    small_sample_factor,
    with_scatter,
)

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
    residuals = np.log(y) - slope * np.log(SIZES) - intercept
    assert law.log_residual_rms == pytest.approx(np.sqrt((residuals**2).sum() / 5), rel=1e-8)


@pytest.mark.parametrize("floor", [False, True])
def test_the_law_alone_is_that_of_the_whole_fit(floor):
    y = (1.5 + 3 * SIZES**-0.3) * np.exp([0.01, -0.02, 0.0, 0.02, -0.01])
    law = fit_power_law(SIZES, y, floor=floor)
    assert power_law_alone(SIZES, y, floor=floor) == (law.coefficient, law.exponent, law.offset)
    with pytest.raises(UnfittableError, match="at least"):
        power_law_alone(SIZES[:2], y[:2], floor=floor)


@pytest.mark.slow
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


@pytest.mark.slow
@given(a=st.floats(0.05, 2), c=st.floats(0.1, 10), p=st.floats(0.1, 1.5))
def test_an_exact_floor_is_found_exactly(a, c, p):
    y = a + c * (SIZES / SIZES[0]) ** -p
    law = fit_power_law(SIZES, y, floor=True)
    np.testing.assert_allclose(law.at(SIZES), y, rtol=1e-5)
    if c * (1 - (SIZES[-1] / SIZES[0]) ** -p) > 0.1 * a:  # it falls enough to show the floor
        assert law.exponent == pytest.approx(p, rel=0.02, abs=0.01)


@settings(max_examples=15)
@given(noise=st.lists(st.floats(-0.3, 0.3), min_size=5, max_size=5), falls=st.booleans())
def test_a_floor_is_as_good_as_scipys_best_of_many_starts(noise, falls):
    y = (0.4 + (SIZES / SIZES[0]) ** (-0.5 if falls else 0.3)) * np.exp(noise)
    x = np.log(SIZES / SIZES[2])

    def residuals(theta):
        return np.log(y) - np.logaddexp(theta[0] - theta[1] * x, theta[2])

    bounds = ([-np.inf, -4, np.log(1e-5 * y.min())], [np.inf, 4, np.log(y.min()) + 1e-9])
    starts = [(0.0, p, np.log(y.min() * f)) for p in (-1, 0.3) for f in (0.1, 0.9)]
    best = min(
        least_squares(residuals, s, bounds=bounds, loss="huber", f_scale=HUBER_DELTA).cost
        for s in starts
    )
    found = fit_power_law(SIZES, y, floor=True).log_residuals
    inner = np.minimum(np.abs(found), HUBER_DELTA)
    assert (inner * (np.abs(found) - inner / 2)).sum() <= best * (1 + 1e-3) + 1e-9


def test_one_outlier_moves_the_robust_fit_a_third_of_what_it_moves_least_squares():
    y = 3 * SIZES**-0.3
    y[1] *= 4
    squares = -np.polyfit(np.log(SIZES), np.log(y), 1)[0]
    robust = fit_power_law(SIZES, y).exponent
    assert abs(robust - 0.3) < abs(squares - 0.3) / 3


@pytest.mark.slow
@given(scale=st.floats(1e-6, 1e6), floor=st.booleans())
def test_units_do_not_matter(scale, floor):
    y = (0.5 + (SIZES / SIZES[0]) ** -0.7) * np.exp([0.01, -0.02, 0.015, 0.0, -0.01])
    law, scaled = (fit_power_law(SIZES, k * y, floor=floor) for k in (1.0, scale))
    np.testing.assert_allclose(scaled.at(SIZES), scale * law.at(SIZES), rtol=1e-5)
    assert scaled.exponent == pytest.approx(law.exponent, abs=1e-4)


@pytest.mark.parametrize("floor", [False, pytest.param(True, marks=pytest.mark.slow)])
def test_five_sizes_still_cover_what_they_claim(floor):
    """Within the range and a hundred times beyond it; the bare percentiles would not."""
    rng = np.random.default_rng(3)
    true = (0.5 if floor else 0.0) + (np.array([1.0, 1700.0]) ** -0.4)
    covered, bare, runs = np.zeros(2), np.zeros(2), 150
    for _ in range(runs):
        y = ((0.5 if floor else 0.0) + (SIZES / SIZES[0]) ** -0.4) * np.exp(rng.normal(0, 0.02, 5))
        law = fit_power_law(SIZES, y, floor=floor)
        points = SIZES[0] * np.array([1.0, 1700.0])
        low, high = law.band(points)
        covered += (low <= true) & (true <= high)
        spread = (law.draws_at(points) / law.at(points)) ** (1 / law.widening) * law.at(points)
        low, high = np.percentile(spread, [2.5, 97.5], axis=0)
        bare += (low <= true) & (true <= high)
    assert np.all(covered / runs >= 0.88)
    assert np.all(covered > bare)


def test_the_small_sample_factor_is_students_over_the_normal_quantile():
    assert small_sample_factor(5, 2, 0.95) == pytest.approx(3.182446 / 1.959964, rel=1e-5)
    assert small_sample_factor(10_000, 2, 0.95) == pytest.approx(1, abs=1e-3)


def test_the_largest_is_predicted_from_the_others_alone():
    y = 3 * SIZES**-0.3
    y[-1] *= 1.25
    held = predict_largest(SIZES, y)
    assert held.n == SIZES[-1]
    assert held.predicted == pytest.approx(3 * SIZES[-1] ** -0.3, rel=1e-9)
    assert held.relative_error == pytest.approx(1 / 1.25 - 1, rel=1e-9)
    assert held.low <= held.predicted <= held.high < held.measured
    with pytest.raises(UnfittableError, match="at least 3 model sizes, not 2"):
        predict_largest(SIZES[:3], y[:3])


def test_laws_of_the_same_models_share_their_resamples():
    """So that a sum of terms can be drawn: where each is steep, the sum is."""
    y = SIZES**-0.3 * np.exp([0.03, -0.01, 0.02, -0.03, 0.0])
    one, two = fit_power_law(SIZES, y), fit_power_law(SIZES, 2 * y)
    np.testing.assert_allclose(two.draws_at(SIZES), 2 * one.draws_at(SIZES))


def test_a_floor_needs_a_fourth_size():
    with pytest.raises(UnfittableError, match="with a floor needs at least 4 model sizes, not 3"):
        fit_power_law(SIZES[:3], SIZES[:3] ** -0.5, floor=True)


def test_what_does_not_change_has_a_law_but_no_floor():
    assert fit_power_law(SIZES, np.full(5, 4.0)).exponent == pytest.approx(0, abs=1e-12)
    with pytest.raises(UnfittableError, match="the same at every size"):
        fit_power_law(SIZES, np.full(5, 4.0), floor=True)


def test_many_models_of_one_size_count_as_one_size():
    """Eight seeds at the smallest size say much about that size, and nothing about the slope."""
    sizes = np.array([1e4] * 8 + [1e5, 1e6, 1e7])
    rng = np.random.default_rng(4)
    covered, runs = 0, 150
    for _ in range(runs):
        y = sizes**-0.3 * np.exp(rng.normal(0, 0.03, sizes.size))
        law = fit_power_law(sizes, y)
        covered += law.exponent_interval[0] <= 0.3 <= law.exponent_interval[1]
    assert covered / runs >= 0.93
    assert law.widening == small_sample_factor(4, 2, 0.95)


@pytest.mark.parametrize("floor", [False, True])
def test_a_floor_that_the_sizes_do_not_show_is_known_to_be_at_an_edge(floor):
    y = SIZES**-0.3 * np.exp([0.01, -0.01, 0.0, 0.01, -0.01])
    assert (fit_power_law(SIZES, y, floor=floor).at_edge > 0.05) == floor
    shown = 1 + (SIZES / SIZES[0]) ** -2.0
    assert fit_power_law(SIZES, shown, floor=floor).at_edge == 0


def test_values_over_eighty_decades_stay_numbers():
    y = 1e60 * (SIZES / SIZES[0]) ** -65.0
    law = fit_power_law(SIZES, y)
    np.testing.assert_allclose(law.at(SIZES), y, rtol=1e-6)
    for values in (law.at(np.array([1.0, 1e13])), *law.band(np.array([1.0, 1e13]))):
        assert np.all(np.isfinite(values))


def test_sizes_that_hardly_differ_show_no_law():
    with pytest.raises(UnfittableError, match="the sizes lie within 3% of each other"):
        fit_power_law(np.array([1.0e9, 1.01e9, 1.03e9]), np.array([1.1, 1.5, 5.0]))


@pytest.mark.parametrize("bad", [0.0, -1.0, np.inf, np.nan])
def test_a_size_that_is_none_is_an_error(bad):
    with pytest.raises(ValueError, match="every model size must be finite and above 0"):
        fit_power_law(np.array([1e3, bad, 1e5]), np.ones(3))


def test_sizes_and_values_must_pair_up():
    message = r"^n \(5,\) and y \(4,\) must be one-dimensional and equally long$"
    with pytest.raises(ValueError, match=message):
        fit_power_law(SIZES, np.ones(4))
    with pytest.raises(ValueError, match=r"^n \(1, 5\) and y \(1, 5\) must be one-dimensional"):
        fit_power_law(SIZES[None], np.ones((1, 5)))


def test_a_held_out_value_without_a_logarithm_is_refused():
    """The law of the other models does not see the value, which has no logarithm."""
    y = 3 * SIZES**-0.3
    for bad in (0.0, -1.0, np.nan):
        y[-1] = bad
        with pytest.raises(
            UnfittableError, match="positive values, and the largest model's is not"
        ):
            predict_largest(SIZES, y)


def test_a_held_out_model_is_judged_by_the_interval_of_one_more_model():
    """Seven sizes on a true law (section 11): the prediction interval holds the largest as often as
    it claims, that of the law itself by far not."""
    rng = np.random.default_rng(5)
    sizes = np.geomspace(3e4, 2e6, 7)
    inside, inside_law, runs = 0, 0, 300
    for _ in range(runs):
        y = 19 * sizes**-0.19 * np.exp(rng.normal(0, 0.03, 7))
        inside += predict_largest(sizes, y).inside
        low, high = fit_power_law(sizes[:-1], y[:-1]).band(sizes[-1])
        inside_law += low[0] <= y[-1] <= high[0]
    assert 0.91 <= inside / runs <= 0.98
    assert inside_law / runs < 0.90


def test_one_more_model_without_a_floor_has_students_interval():
    y = SIZES**-0.3 * np.exp([0.03, -0.01, 0.02, -0.03, 0.0])
    law, line = fit_power_law(SIZES, y), fit_line(np.log(SIZES), np.log(y))
    low, high = law.predict(np.array([1e6, 1e8]))
    for place, n in enumerate((1e6, 1e8)):
        assert np.log([low[place], high[place]]) == pytest.approx(line.predict(np.log(n)), rel=1e-9)


@pytest.mark.parametrize("floor", [False, True])
def test_one_more_model_scatters_wider_than_the_law(floor):
    offset = 0.5 if floor else 0.0
    y = (offset + (SIZES / SIZES[0]) ** -0.4) * np.exp([0.02, -0.01, 0.015, -0.02, 0.01])
    law = fit_power_law(SIZES, y, floor=floor)
    points = SIZES[1:4]
    (low, high), (inner_low, inner_high) = law.predict(points), law.band(points)
    assert np.all(low < inner_low)
    assert np.all(inner_high < high)


def test_scatter_adds_to_the_laws_interval_as_in_students_formula():
    """A straight line: its own interval in, the interval for one more point out."""
    y = SIZES**-0.3 * np.exp([0.03, -0.01, 0.02, -0.03, 0.0])
    x, line = np.log(SIZES), fit_line(np.log(SIZES), np.log(y))
    at = np.log(np.array([1e5, 1e8]))
    fitted = line.at(at)
    quantile = stats.t.ppf(0.975, 3)
    own = np.sqrt(1 / 5 + (at - x.mean()) ** 2 / ((x - x.mean()) ** 2).sum()) * line.scatter
    residuals = np.log(y) - line.at(x)
    ends = (np.exp(fitted), np.exp(fitted - quantile * own), np.exp(fitted + quantile * own))
    low, high = with_scatter(*ends, residuals, 2, 0.95)
    np.testing.assert_allclose(np.log(high) - fitted, line.half_width(at), rtol=1e-9)
    np.testing.assert_allclose(fitted - np.log(low), line.half_width(at), rtol=1e-9)
