"""A chart as files: rows, specification, pictures."""

import io
import json
import struct

import altair as alt
import pandas as pd
import pytest

from dashboard.export import chart_files
from dashboard.export.pictures import PictureError
from dashboard.export.record import Chart


def check_file_names(charts: list[Chart]) -> None:
    names = [chart_files.file_name(part) for part in charts]
    assert len(set(names)) == len(names), "no two files of a page have one name"


def check_files(part: Chart, altairs: dict, found: dict) -> None:
    """A chart can be taken away, as rows and as a specification.

    Args:
        part: the chart.
        altairs: Altair's own specification of it.
        found: the complete one.
    """
    # Frames become rows in our own way, and Altair makes the same of them.
    if altairs.get("width", "container") == "container":
        altairs, found = ({**spec, "width": None} for spec in (altairs, found))
    assert found == altairs
    spec = json.loads(chart_files.specification(part))
    assert spec["title"] == chart_files.plain_title(part) or isinstance(spec["title"], dict)
    rows = pd.read_csv(io.StringIO(chart_files.rows_csv(part)))
    kept = [row for name in dict.fromkeys(used(found)) for row in found["datasets"][name]]
    assert len(rows) == len(kept)
    assert set(rows.columns) - {"drawn_as"} == {key for row in kept for key in row}
    packed = pd.read_parquet(io.BytesIO(chart_files.rows_parquet(part)))
    assert list(packed) == list(rows)
    for name in rows.select_dtypes("number"):
        assert packed[name].astype(float).equals(rows[name].astype(float)), name


def used(spec, above=None):
    """Names of the rows that the marks of a chart draw."""
    name = spec.get("data", {}).get("name", above)
    if "mark" in spec:
        yield name
    for key in ("layer", "hconcat", "vconcat", "concat"):
        for part in spec.get(key, []):
            yield from used(part, name)


@pytest.fixture
def part():
    bars = pd.DataFrame({"n": [10, 20], "value": [0.5, None]})
    line = pd.DataFrame({"guess": [1.25]})
    chart = alt.layer(
        alt.Chart(bars).mark_bar().encode(x="n:Q", y="value:Q"),
        alt.Chart(bars).mark_point().encode(x="n:Q", y="value:Q"),
        alt.Chart(line).mark_rule().encode(y="guess:Q"),
    )
    return Chart("Gap of *ladder\\_5k*, $N$ :orange-badge[:material/merge: mixed]", chart)


def test_rows_of_layers_say_as_what_they_are_drawn(part):
    lines = chart_files.rows_csv(part).splitlines()
    assert lines == [
        "drawn_as,n,value,guess",
        "bar + point,10,0.5,",
        "bar + point,20,,",
        "rule,,,1.25",
    ]


def test_a_column_of_words_and_numbers_holds_words_in_parquet():
    layers = [alt.Chart(pd.DataFrame({"x": [x]})).mark_point().encode(x="x:Q") for x in (1.5, "a")]
    found = chart_files.rows_parquet(Chart("t", alt.layer(*layers)))
    assert list(pd.read_parquet(io.BytesIO(found))["x"]) == ["1.5", "a"]


def test_rows_of_one_layer_are_just_the_rows():
    chart = alt.Chart(pd.DataFrame({"n": [10], "v": [0.1]})).mark_bar().encode(x="n:Q", y="v:Q")
    assert chart_files.rows_csv(Chart("t", chart)) == "n,v\n10,0.1\n"


def test_a_title_becomes_plain_words_and_a_name(part):
    assert chart_files.plain_title(part) == "Gap of ladder_5k, N"
    assert chart_files.file_name(part) == "gap-of-ladder_5k-n"
    assert chart_files.file_name(Chart("../../etc/*", part.chart)) == "etc"
    assert chart_files.file_name(Chart("???", part.chart)) == "chart"


def test_the_chart_itself_stays_as_it_is(part):
    before = part.chart.to_dict()
    chart_files.complete_spec(part)
    assert part.chart.to_dict() == before
    assert isinstance(part.chart.layer[0].data, pd.DataFrame) or isinstance(
        part.chart.data, pd.DataFrame
    )


def test_pictures_are_of_the_chart_with_its_title(part):
    svg = chart_files.svg(part).decode()
    assert svg.startswith("<svg")
    assert "Gap of ladder_5k, N" in svg
    png = chart_files.png(part)
    assert png.startswith(b"\x89PNG")
    width, height = struct.unpack(">II", png[16:24])
    assert width > 2 * 600
    assert height > 2 * 200


def test_pictures_fetch_nothing():
    chart = alt.Chart("https://example.org/rows.csv").mark_point().encode(x="a:Q")
    with pytest.raises(PictureError):
        chart_files.svg(Chart("t", chart))
