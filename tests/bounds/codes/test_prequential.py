import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from scipy.integrate import quad

from bounds import (
    checkpoint_information_nats,
    power_law_information_nats,
    prequential_information_nats,
)


def test_a_step_function_by_hand():
    # 10 tokens at 3 nats and 30 at 2, against 1.5: 10*1.5 + 30*0.5.
    got = prequential_information_nats(np.array([10, 40]), np.array([3.0, 2.0]), 1.5)
    assert got == pytest.approx(30.0)


def test_a_chinchilla_curve_approaches_its_closed_form():
    b, beta, d = 400.0, 0.3, 10**6
    seen = np.arange(100, d + 1, 100)
    mean_loss = np.array(
        [quad(lambda t: 2 + b * t**-beta, s - 100, s)[0] / 100 for s in (100, 200)]
    )
    assert mean_loss[0] > mean_loss[1]
    online = 2 + b * ((seen ** (1 - beta) - (seen - 100) ** (1 - beta)) / (1 - beta)) / 100
    assert online[:2] == pytest.approx(mean_loss, rel=1e-6)
    got = prequential_information_nats(seen, online, 2 + b * d**-beta)
    assert got == pytest.approx(b * beta / (1 - beta) * d ** (1 - beta), rel=1e-9)


@pytest.mark.parametrize(
    ("seen", "loss"), [([10, 10], [1.0, 1.0]), ([0, 10], [1.0, 1.0]), ([10], [1.0, 2.0]), ([], [])]
)
def test_bad_trajectories_are_refused(seen, loss):
    with pytest.raises(ValueError, match="tokens_seen"):
        prequential_information_nats(np.array(seen), np.array(loss), 1.0)


def test_a_chain_that_falls_in_a_straight_line_is_integrated_exactly():
    seen = np.array([0.0, 10, 40])
    k, error = checkpoint_information_nats(seen, 2 * (1 - seen / 100), np.zeros(3), 100)
    assert k == pytest.approx(100)
    # Half the difference of the sums from the left and from the right.
    assert error == pytest.approx((10 * 0.2 + 30 * 0.6 + 60 * 1.2) / 2)


@given(
    excess=st.lists(st.floats(0.01, 5), min_size=1, max_size=8),
    gaps=st.lists(st.floats(1, 1e6), min_size=8, max_size=8),
    shape=st.floats(0.05, 20),
)
def test_whatever_falls_between_the_checkpoints_lies_within_the_error(excess, gaps, shape):
    """Between two checkpoints the excess is u^shape of the way down: early or late."""
    excess = np.sort(excess)[::-1]
    seen = np.append(0.0, np.cumsum(gaps)[: len(excess) - 1])
    end = seen[-1] + gaps[-1]
    widths, falls = np.diff(seen, append=end), np.diff(excess, append=0.0)
    exact = widths @ (excess + falls / (1 + shape))
    k, error = checkpoint_information_nats(seen, excess, np.zeros(len(excess)), end)
    assert abs(k - exact) <= error * (1 + 1e-9)


def test_the_standard_error_of_a_chain_is_that_of_the_sum():
    rng = np.random.default_rng(0)
    seen, errors = np.array([0.0, 5, 20]), np.array([0.1, 0.05, 0.02])
    level = np.array([3.0, 2.0, 1.0])
    sums = [
        checkpoint_information_nats(seen, level + rng.normal(0, errors), np.zeros(3), 50)[0]
        for _ in range(4000)
    ]
    bracket = checkpoint_information_nats(seen, level, np.zeros(3), 50)[1]
    error = checkpoint_information_nats(seen, level, errors, 50)[1] - bracket
    assert error == pytest.approx(2 * np.std(sums), rel=0.06)


@pytest.mark.parametrize(
    ("seen", "excess", "end", "complaint"),
    [
        ([1.0, 2], [1.0, 1], 9, "rise from 0"),
        ([0.0, 2, 2], [1.0, 1, 1], 9, "rise from 0"),
        ([0.0, 9], [1.0, 1], 9, "below train_tokens"),
        ([0.0, 9], [1.0], 9, "equally long"),
        ([], [], 9, "equally long"),
    ],
)
def test_a_chain_that_makes_no_sense_is_refused(seen, excess, end, complaint):
    with pytest.raises(ValueError, match=complaint):
        checkpoint_information_nats(np.array(seen), np.array(excess), np.zeros(len(excess)), end)


@given(b=st.floats(0.1, 1e4), beta=st.floats(0.05, 0.9), d=st.floats(10, 1e12))
def test_the_closed_form_is_the_integral(b, beta, d):
    area, _ = quad(lambda u: (u**-beta - 1) * b * d ** (1 - beta), 0, 1)
    assert power_law_information_nats(b, beta, d) == pytest.approx(area, rel=1e-6)


def test_besiroglus_law_gives_pythia_12b_a_few_bits_per_parameter():
    n = 11_846_072_320
    bits = power_law_information_nats(2085.43, 0.3658, 20 * n) / np.log(2)
    paper = 6e5 * n**0.5
    assert 0.2 < bits / paper < 1
    with pytest.raises(ValueError, match="inside"):
        power_law_information_nats(1.0, 1.0, 10)


@pytest.mark.parametrize("bad", [np.nan, np.inf])
@pytest.mark.parametrize("which", ["excess", "error"])
def test_a_chain_with_a_value_that_is_not_finite_is_refused(which, bad):
    excess, errors = np.array([2.0, 1.0]), np.array([0.1, 0.1])
    (excess if which == "excess" else errors)[1] = bad
    with pytest.raises(ValueError, match=r"^every excess and standard error must be finite$"):
        checkpoint_information_nats(np.array([0.0, 5.0]), excess, errors, 10)
