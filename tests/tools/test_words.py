"""What is said follows from the interval, and from nothing else."""

import numpy as np
import pytest

from bounds import fit_power_law
from dashboard.analysis.laws.fits import Unfitted
from dashboard.views.overview.trends import Trend, trend, trend_of
from tools.results import words
from tools.results.words import Verdict, expected, trend_words

SIZES = np.geomspace(3e4, 2e6, 7)


def law(exponent: float, noise: float = 0.01):
    y = 2.0 * SIZES**-exponent * np.exp(noise * np.array([1, -1, 0.5, -0.5, 1, -1, 0.3]))
    return fit_power_law(SIZES, y)


@pytest.mark.parametrize(
    ("found", "direction", "beginning"),
    [
        (law(0.3), Trend.FALLS, "falls with size, as $N^{-0.30}$ (95 % interval −0."),
        (law(-0.2), Trend.RISES, "rises with size, as $N^{0.20}$ (95 % interval 0."),
        (law(0.01, noise=0.2), Trend.FLAT, "shows no clear trend: $N^{"),
        (Unfitted("it needs 3 sizes"), Trend.UNKNOWN, "has no law (it needs 3 sizes)"),
    ],
)
def test_a_trend_is_what_the_whole_interval_says(found, direction, beginning):
    assert trend(found) is direction
    assert trend_words(found).startswith(beginning)


def test_an_interval_that_only_just_crosses_zero_is_no_trend():
    assert trend_of((1e-9, 1.0)) is Trend.FALLS
    assert trend_of((0.0, 1.0)) is Trend.FLAT
    assert trend_of((-1.0, -1e-9)) is Trend.RISES


@pytest.mark.parametrize(
    ("exponent", "noise", "verdict"),
    [
        (0.3, 0.01, Verdict.AGREES),
        (-0.3, 0.01, Verdict.DIFFERS),
        (0.0, 0.3, Verdict.OPEN),
    ],
)
def test_a_statement_of_the_paper_agrees_only_where_the_interval_does(exponent, noise, verdict):
    found = expected(Trend.FALLS, law(exponent, noise), "In the paper it falls.", "the thing")
    assert found.verdict is verdict
    assert bool(found.short) is (verdict is not Verdict.AGREES)
    assert found.text.startswith("In the paper it falls. Here the thing ")


def test_differences_are_named_from_two_standard_errors_on():
    assert words.compared(2.1, 1.0) == "higher"
    assert words.compared(-2.1, 1.0) == "lower"
    assert words.compared(1.9, 1.0) == "not distinguished by two standard errors"
    with pytest.raises(ValueError, match="at least 0, not nan"):
        words.compared(1.0, float("nan"))


def test_numbers():
    assert words.number(-0.0004) == "0.000"
    assert words.number(-1.5, 1) == "−1.5"
    assert words.number(float("nan")) == "–"
    assert words.percent(0.1234, sign=True) == "+12.3 %"
    assert words.percent(-0.1234, sign=True) == "−12.3 %"
    assert words.spread([2.0]) == "2.000"
    assert words.spread([1.0, 2.0, 3.0], 1) == "2.0 (1.0–3.0)"
    assert words.listed(["a", "b", "c"]) == "a, b and c"
    assert [words.counted(n, "run") for n in (0, 1, 1200)] == ["no run", "one run", "1,200 runs"]
