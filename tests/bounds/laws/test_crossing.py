import numpy as np
import pytest
from hypothesis import assume, given
from hypothesis import strategies as st

from bounds.laws.crossing import crossing
from bounds.laws.power_law import fit_power_law

SIZES = np.array([1e5, 3e5, 1e6, 3e6, 1e7])


@given(n=st.floats(1e2, 1e14), p=st.floats(0.05, 1), q=st.floats(-1, -0.05))
def test_exact_laws_meet_where_they_must(n, p, q):
    assume(abs(np.log(n / SIZES[-1])) > 1e-3)
    falling, rising = (fit_power_law(SIZES, 3 * (SIZES / n) ** -e) for e in (p, q))
    met = crossing(falling, rising)
    assert met.n == pytest.approx(n, rel=1e-6)
    assert met.low == pytest.approx(n, rel=1e-4)
    assert met.high == pytest.approx(n, rel=1e-4)
    assert met.share_beyond == (n > SIZES[-1])
    assert met.closing == (n > SIZES[-1])
    assert crossing(rising, falling).n == pytest.approx(n, rel=1e-6)


def test_the_papers_laws_cross_at_23_billion():
    """6e5 N^0.5 bits against 4 bits a parameter (section 9)."""
    sizes = np.geomspace(7e7, 1.2e10, 8)
    met = crossing(fit_power_law(sizes, 6e5 * sizes**0.5), fit_power_law(sizes, 4 * sizes))
    assert met.n == pytest.approx(2.25e10, rel=1e-6)
    assert met.closing


def test_the_interval_holds_the_truth_and_noise_moves_the_ends():
    rng = np.random.default_rng(0)
    held = 0
    for _ in range(60):
        noise = np.exp(rng.normal(0, 0.02, (2, 5)))
        one = fit_power_law(SIZES, (SIZES / 1e8) ** -0.3 * noise[0])
        two = fit_power_law(SIZES, (SIZES / 1e8) ** 0.1 * noise[1])
        met = crossing(one, two)
        assert met.low < met.n < met.high
        held += met.low <= 1e8 <= met.high
    assert held >= 52


def test_laws_that_never_meet():
    one = fit_power_law(SIZES, 2 * SIZES**-0.5)
    met = crossing(one, fit_power_law(SIZES, 3 * SIZES**-0.5))
    assert met.n == np.inf or met.n > 1e100 or met.n < 1e-100
    with pytest.raises(ValueError, match="floor"):
        crossing(one, fit_power_law(SIZES, 1 + SIZES**-0.5, floor=True))
    with pytest.raises(ValueError, match="same models"):
        crossing(one, fit_power_law(SIZES[:4], SIZES[:4]))
