"""The law L(N, D) itself: published values and the compute-optimal point."""

from dataclasses import replace

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from scipy.optimize import minimize_scalar

from bounds import LossLaw
from tests.bounds.laws.loss.runs import BESIROGLU, HOFFMANN
from tests.bounds.laws.loss.strategies import laws


def test_published_laws():
    # Chinchilla itself: 70 billion parameters, 1.4 trillion tokens.
    assert HOFFMANN.at(7e10, 1.4e12) == pytest.approx(1.69 + 0.0835 + 0.1632, abs=2e-4)
    assert HOFFMANN.optimal_params_exponent == pytest.approx(0.4516, abs=1e-4)
    assert BESIROGLU.optimal_params_exponent == pytest.approx(0.5139, abs=1e-4)
    assert BESIROGLU.optimal_tokens_exponent == pytest.approx(1 - 0.5139, abs=1e-4)
    # At Chinchilla's compute this law advises about 20 tokens a parameter, Hoffmann's above 60.
    n, d = BESIROGLU.compute_optimal(5.76e23)
    assert 15 < d / n < 30
    n, d = HOFFMANN.compute_optimal(5.76e23)
    assert d / n > 60


@given(law=laws, log_flops=st.floats(30, 60))
def test_the_compute_optimum_against_a_numerical_one(law, log_flops):
    flops = np.exp(log_flops)
    n, d = law.compute_optimal(flops)
    assert 6 * n * d == pytest.approx(flops, rel=1e-9)
    found = minimize_scalar(
        lambda log_n: float(law.at(np.exp(log_n), flops / 6 / np.exp(log_n))),
        bracket=(np.log(n) - 3, np.log(n) + 2),
        options={"xtol": 1e-10},
    )
    assert np.log(n) == pytest.approx(found.x, abs=1e-4)
    further = law.compute_optimal(flops * np.e)
    assert np.log(further[0] / n) == pytest.approx(law.optimal_params_exponent)
    assert np.log(further[1] / d) == pytest.approx(law.optimal_tokens_exponent)


def test_a_law_of_impossible_values_does_not_exist():
    for field in LossLaw.__dataclass_fields__:
        for value in (0.0, -1.0, np.nan, np.inf):
            with pytest.raises(ValueError, match="positive and finite"):
                replace(BESIROGLU, **{field: value})
