"""Every line of every tooltip has a label and a value of at most four digits."""

import re
from collections.abc import Iterator

import pytest

#: Formats of at most four significant digits; counts of at most seven with separators.
ROUNDED = re.compile(r"\.[1-4]~?g|\.[12]e|\+?\.[0-2]%|,")

#: A number in text: a unit such as 12 in ``12 bits`` has no decimals.
DECIMALS = re.compile(r"\d+\.(\d+)")

SMALL_WHOLE = 10**6


def marks(spec: dict, rows: str | None = None) -> Iterator[tuple[dict, str | None]]:
    """Every encoding of a specification with the name of its rows."""
    rows = spec.get("data", {}).get("name", rows)
    if "encoding" in spec:
        yield spec["encoding"], rows
    for key in ("layer", "concat", "hconcat", "vconcat"):
        for part in spec.get(key, []):
            yield from marks(part, rows)


def tooltips(spec: dict) -> Iterator[tuple[dict, list]]:
    """Every line of a tooltip with the values that it shows."""
    for encoding, rows in marks(spec):
        found = encoding.get("tooltip", [])
        for line in found if isinstance(found, list) else [found]:
            yield line, [row.get(line["field"]) for row in spec["datasets"][rows]]


def check(line: dict, values: list) -> None:
    """One line of a tooltip."""
    assert line.get("title"), line
    assert "_" not in line["title"], line
    if line["type"] == "quantitative":
        assert ROUNDED.fullmatch(line.get("format", "")), line
        if line["format"] == ",":
            assert all(value == round(value) <= SMALL_WHOLE for value in values), line
        return
    shown = [value for value in values if value is not None]
    assert shown or not values, line
    for value in shown:
        if isinstance(value, (int, float)):
            assert value in (True, False) or value == round(value) < 100, line
        elif isinstance(value, str) and "because" not in line["field"]:
            assert all(len(found) <= 3 for found in DECIMALS.findall(value)), (line, value)


def check_tooltips(spec: dict) -> int:
    """The tooltips of one chart are labelled and rounded; how many lines they have."""
    found = list(tooltips(spec))
    for line, values in found:
        check(line, values)
    return len(found)


def check_axes(spec: dict) -> None:
    """No axis writes a billion as giga."""
    for encoding, _ in marks(spec):
        for channel in ("x", "y"):
            axis = encoding.get(channel, {}).get("axis") or {}
            if axis.get("format", "").endswith("s"):
                assert "'G', 'B'" in axis["labelExpr"], axis


def test_what_is_not_rounded_is_found():
    line = {"title": "bound", "type": "quantitative", "field": "x", "format": ".5f"}
    for wrong in (
        line,
        line | {"format": ".3~s"},
        line | {"format": ".3g", "title": "the_field"},
        {key: line[key] for key in ("title", "type", "field")},
    ):
        with pytest.raises(AssertionError):
            check(wrong, [1.0])
    with pytest.raises(AssertionError):
        check(line | {"type": "nominal"}, ["1.23456"])
    check(line | {"format": ".4g"}, [1.0])
