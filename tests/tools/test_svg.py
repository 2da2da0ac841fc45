"""Charts as files."""

import re

import altair as alt
import pandas as pd

from tools.results.figures.svg import svg


def chart(values: list[float]) -> alt.Chart:
    frame = pd.DataFrame({"x": values, "y": values})
    axis = alt.Axis(values=[0.125, 0.25], format=".3f")
    return alt.Chart(frame).mark_line(clip=True).encode(x=alt.X("x", axis=axis), y="y")


def test_what_differs_in_the_last_bits_gives_the_same_file():
    values = [0.1, 0.2, 0.3]
    assert svg(chart(values)) == svg(chart([v * (1 + 1e-15) for v in values]))
    assert svg(chart(values)) != svg(chart([0.1, 0.21, 0.3]))


def test_coordinates_are_short_and_labels_whole():
    text = svg(chart([0.1, 1 / 3, 0.7])).decode()
    paths = re.findall(r' d="([^"]*)"', text)
    assert any("L" in path for path in paths)
    assert not any(re.search(r"\.\d{3}", path) for path in paths)
    assert ">0.125<" in text


def test_names_do_not_depend_on_what_was_drawn_before():
    first = svg(chart([0.1, 0.2]))
    svg(chart([0.5, 0.6]))
    assert svg(chart([0.1, 0.2])) == first
    assert b'id="clip0"' in first
