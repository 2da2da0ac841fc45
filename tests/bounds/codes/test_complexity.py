import math

import pytest

from bounds import nominal_bits, shortest_code_bits, smoothing_cost_nats, smoothing_weight
from bounds.codes.complexity import complexity
from bounds.losses.smoothing import exact_smoothing_cost_nats

# At b bits and 20 tokens per parameter: b, C, C*ln 50304, C*ln 256, sqrt(2C), exact cost, alpha.
TABLE = [
    (2, 0.069315, 0.75039, 0.38436, 0.37233, 0.25667, 0.06482),
    (3, 0.103972, 1.12559, 0.57654, 0.45601, 0.34455, 0.09418),
    (4, 0.138629, 1.50078, 0.76872, 0.52655, 0.42175, 0.12175),
    (8, 0.277259, 3.00156, 1.53745, 0.74466, 0.66823, 0.21707),
]


@pytest.mark.parametrize(("bits", "c", "pile", "byte", "root", "exact", "alpha"), TABLE)
def test_table_of_the_theory(bits, c, pile, byte, root, exact, alpha):
    params = 10**15  # so large that ln(|K|/delta)/D vanishes
    got = complexity(nominal_bits(bits, params), 20 * params, 0.05).total_nats
    assert got == pytest.approx(c, abs=5e-7)
    assert got * math.log(50304) == pytest.approx(pile, abs=5e-6)
    assert got * math.log(256) == pytest.approx(byte, abs=5e-6)
    assert smoothing_cost_nats(got) == pytest.approx(root, abs=5e-6)
    assert exact_smoothing_cost_nats(got) == pytest.approx(exact, abs=5e-6)
    assert smoothing_weight(got) == pytest.approx(alpha, abs=5e-6)


def test_shares_of_code_and_confidence():
    got = complexity(code_bits=1000, train_tokens=500, failure_probability=0.1, grid_size=20)
    assert got.code_nats == pytest.approx(2 * math.log(2))
    assert got.confidence_nats == pytest.approx(math.log(200) / 500)
    assert got.total_nats == got.code_nats + got.confidence_nats


def test_a_tiny_failure_probability_does_not_overflow():
    assert complexity(8.0, 10, 1e-300).confidence_nats == pytest.approx(
        (math.log(1000) + 300 * math.log(10)) / 10
    )


@pytest.mark.parametrize("delta", [0.0, 1.0, -0.1, math.nan, 2])
def test_delta_outside_the_unit_interval_is_named(delta):
    with pytest.raises(ValueError, match=r"failure_probability=.* strictly between 0 and 1"):
        complexity(100.0, 10, delta)


@pytest.mark.parametrize(
    ("name", "arguments"),
    [
        ("code_bits", (0.0, 10, 0.05)),
        ("code_bits", (math.inf, 10, 0.05)),
        ("train_tokens", (100.0, 0, 0.05)),
        ("train_tokens", (100.0, 1.5, 0.05)),
    ],
)
def test_bad_lengths_are_named(name, arguments):
    with pytest.raises(ValueError, match=name):
        complexity(*arguments)


def test_the_choice_among_codes_costs_the_bits_that_name_one():
    assert shortest_code_bits(700.0) == 700.0
    assert shortest_code_bits(900.0, 700.0, 800.0, 701.0) == 702.0
    with pytest.raises(ValueError, match=r"^code_bits is empty: give the length of at least one"):
        shortest_code_bits()
