"""What is printed of a bound is never below it."""

import math
from decimal import Decimal

import pytest
from hypothesis import given
from hypothesis import strategies as st

from bounds.printed import parts_text, rounded_up, upper_text

values = st.floats(-1e6, 1e6)


@pytest.mark.parametrize(
    ("value", "digits", "text"),
    [
        (2.0994, 3, "2.100"),
        (2.0990000001, 3, "2.100"),
        (1.272, 3, "1.272"),  # as a float a little above, and no other number of its own
        (0.1 + 0.2, 1, "0.4"),  # 0.30000000000000004
        (-0.0004, 3, "0.000"),
        (-1.2345, 3, "-1.234"),
        (5.0, 2, "5.00"),
        (0.0, 3, "0.000"),
    ],
)
def test_it_rounds_up_and_keeps_what_has_no_more_digits(value, digits, text):
    assert upper_text(value, digits) == text


@given(value=values, digits=st.integers(0, 6))
def test_the_printed_number_is_the_least_that_is_not_below(value, digits):
    printed = Decimal(upper_text(value, digits))
    shortest = Decimal(repr(value))
    assert printed >= shortest
    assert printed - Decimal(1).scaleb(-digits) < shortest
    assert rounded_up(value, digits) == float(printed)


@pytest.mark.parametrize("value", [math.inf, -math.inf, math.nan])
def test_what_is_not_finite_stays(value):
    assert repr(rounded_up(value)) == repr(value)


@given(parts=st.lists(st.floats(-10, 10), min_size=1, max_size=7), digits=st.integers(1, 5))
def test_printed_parts_add_up_to_the_printed_bound(parts, digits):
    total = math.fsum(parts)
    texts = parts_text(parts, total, digits)
    assert sum(map(Decimal, texts)) == Decimal(upper_text(total, digits))
    for part, text in zip(parts, texts, strict=True):
        assert abs(Decimal(text) - Decimal(repr(part))) <= Decimal(1).scaleb(-digits)


def test_the_worked_example_of_a_sum():
    """To nearest they would print as 1.27 + 0.50 + 0.33 = 2.10 under a bound of 2.10416."""
    assert parts_text([1.27005, 0.50406, 0.33005], 2.10416, 2) == ["1.27", "0.51", "0.33"]
    assert upper_text(2.10416, 2) == "2.11"
