"""Predictions that are right up to one factor."""

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from bounds.curvature.prediction import agreement


def test_a_prediction_right_up_to_a_factor_explains_everything():
    predicted = np.array([1.0, 4.0, 16.0])
    found = agreement(predicted, 0.3 * predicted, np.zeros(3))
    assert found.constant == pytest.approx(0.3)
    assert found.r_squared == pytest.approx(1.0)
    assert found.log_residual_rms == pytest.approx(0.0, abs=1e-12)


@given(st.integers(0, 1000), st.floats(1e-6, 1e6))
def test_agreement_is_that_of_regression_with_slope_one(seed, unit):
    rng = np.random.default_rng(seed)
    predicted, measured = np.exp(rng.normal(size=(2, 12)))
    found = agreement(unit * predicted, measured, rng.integers(0, 3, 12))
    log = np.log(measured)
    best = min(
        np.sum((log - np.log(unit * predicted) - shift) ** 2)
        for shift in np.log(found.constant) + np.linspace(-0.01, 0.01, 21)
    )
    residual = np.sum((log - np.log(found.constant * unit * predicted)) ** 2)
    assert residual == pytest.approx(best)
    assert found.r_squared == pytest.approx(1 - residual / np.sum((log - log.mean()) ** 2))
    assert found.r_squared <= 1


def test_a_prediction_of_the_wrong_power_can_be_worse_than_none():
    measured = np.array([1.0, 2.0, 4.0])
    assert agreement(1 / measured, measured, np.zeros(3)).r_squared < 0


@pytest.mark.parametrize(
    ("predicted", "measured", "complaint"),
    [
        ([1, 2], [1, 2], "at least 3"),
        ([1, 2, 0], [1, 2, 3], "positive"),
        ([1, 2, 3], [1, 2, np.nan], "positive"),
        ([1, 2, 3], [2, 2, 2], "all equal"),
    ],
)
def test_bad_input_is_refused(predicted, measured, complaint):
    with pytest.raises(ValueError, match=complaint):
        agreement(np.array(predicted, float), np.array(measured, float), np.zeros(3))


def test_what_only_knows_the_group_explains_nothing_inside_it():
    bits = np.repeat([3, 4, 5], 4)
    model = np.tile([1.0, 2.0, 3.0, 5.0], 3)
    measured = model * 4.0**-bits
    alone = agreement(4.0**-bits, measured, bits)
    assert alone.r_squared > 0.7
    assert alone.within_r_squared == pytest.approx(0.0)
    assert agreement(measured**1.0 * 7, measured, bits).within_r_squared == pytest.approx(1.0)
    assert np.isnan(agreement(measured, 4.0**-bits, bits).within_r_squared)
