import pytest
from hypothesis import given
from hypothesis import strategies as st

from dashboard.style.glossary import parameter_count
from dashboard.style.numbers import (
    count_label,
    duration,
    error_label,
    parse_count,
    superscript,
)


@pytest.mark.parametrize(
    ("text", "value"),
    [
        ("497k", 497e3),
        (" 3.2M ", 3.2e6),
        ("1.4B", 1.4e9),
        ("2g", 2e9),
        ("10T", 1e13),
        ("1e9", 1e9),
        ("1E+3", 1e3),
        ("29,152", 29152),
        ("29_152", 29152),
        ("7.", 7),
    ],
)
def test_numbers_as_people_write_them(text, value):
    assert parse_count(text) == pytest.approx(value, rel=1e-12)


@pytest.mark.parametrize(
    "text", ["", "many", "-3", "1e", "nan", "inf", "1e999", "3 M B", "0x10", "k", "1;2", "٣"]
)
def test_what_is_no_number_is_none(text):
    assert parse_count(text) is None


@pytest.mark.parametrize(
    ("error", "text"),
    [
        (114.2, "110"),
        (0.00491, "0.0049"),
        (0.0001, "0.0001"),
        (5.16e-6, "5.2·10⁻⁶"),
        (99960.0, "100,000"),
        (3.4e7, "3.4·10⁷"),
        (0.0, "0"),
    ],
)
def test_an_error_has_two_digits_and_no_e(error, text):
    assert error_label(error) == text


@given(value=st.floats(1, 1e15))
def test_labels_are_read_back(value):
    assert parse_count(count_label(value)) == pytest.approx(value, rel=6e-4)


def test_rounding_up_to_the_next_unit():
    assert count_label(999_999.9) == "1M"
    assert parameter_count(999_999.9) == "1M"
    assert parameter_count(29_152) == "29.2k"


def test_durations_are_short():
    assert [duration(s) for s in (42, 750, 12_000)] == ["42 s", "12 min", "3.3 h"]


def test_exponents_are_raised():
    assert superscript(-0.18714) == "⁻⁰·¹⁸⁷"
    assert superscript(1.5) == "¹·⁵⁰⁰"
