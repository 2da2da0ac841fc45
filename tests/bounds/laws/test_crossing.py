import numpy as np
import pytest
from hypothesis import assume, given
from hypothesis import strategies as st

from bounds.laws.crossing import crossing
from bounds.laws.power_law import fit_power_law

SIZES = np.array([1e5, 3e5, 1e6, 3e6, 1e7])


@given(n=st.floats(1e2, 1e14), p=st.floats(0.05, 1), q=st.floats(-1, -0.05))
def test_exact_laws_meet_where_they_must(n, p, q):
    assume(abs(np.log(n / SIZES[-1])) > 1e-3 and abs(np.log(n / SIZES[0])) > 1e-3)
    falling, rising = (fit_power_law(SIZES, 3 * (SIZES / n) ** -e) for e in (p, q))
    met, turned = crossing(falling, rising), crossing(rising, falling)
    if n > SIZES[-1]:
        assert met.n == turned.n == pytest.approx(n, rel=1e-6)
        assert (met.low, met.high) == pytest.approx((n, n), rel=1e-4)
        assert met.share_ahead == 1
        assert met.from_above
        assert not turned.from_above
        assert met.behind is None
    else:
        assert met.n == met.low == met.high == np.inf
        assert met.share_ahead == 0
        assert not met.from_above
        assert met.behind == (pytest.approx(n, rel=1e-6) if n >= SIZES[0] else None)


def test_the_papers_laws_cross_at_23_billion():
    """6e5 N^0.5 bits against 4 bits a parameter (section 9)."""
    sizes = np.geomspace(7e7, 1.2e10, 8)
    met = crossing(fit_power_law(sizes, 6e5 * sizes**0.5), fit_power_law(sizes, 4 * sizes))
    assert met.n == pytest.approx(2.25e10, rel=1e-6)
    assert met.from_above


@pytest.mark.parametrize(("slope", "never"), [(0.4, False), (0.03, True)])
def test_the_interval_holds_the_truth_and_never_where_the_slopes_may_be_one(slope, never):
    """Laws that hardly differ in slope may not meet at all, and the interval must say so."""
    rng = np.random.default_rng(0)
    held, open_ended = 0, 0
    for _ in range(60):
        noise = np.exp(rng.normal(0, 0.02, (2, 5)))
        one = fit_power_law(SIZES, (SIZES / 1e8) ** -slope * noise[0])
        met = crossing(one, fit_power_law(SIZES, noise[1]))
        assert met.low > SIZES[-1]
        assert met.low <= met.n <= met.high
        held += met.low <= 1e8 <= met.high
        open_ended += met.high == np.inf
    assert held >= 52
    assert (open_ended >= 30) == never


def test_laws_that_never_meet():
    one = fit_power_law(SIZES, 2 * SIZES**-0.5)
    met = crossing(one, fit_power_law(SIZES, 3 * SIZES**-0.5))
    assert met.n > 1e100
    with pytest.raises(ValueError, match="floor"):
        crossing(one, fit_power_law(SIZES, 1 + SIZES**-0.5, floor=True))
    with pytest.raises(ValueError, match="same models"):
        crossing(one, fit_power_law(SIZES[:4], SIZES[:4]))
    with pytest.raises(ValueError, match="same models"):
        crossing(one, fit_power_law(2 * SIZES, SIZES))
