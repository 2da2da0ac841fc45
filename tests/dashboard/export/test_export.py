"""A view as one file: its numbers, its provenance, and nothing that is fetched or run."""

import base64
import re
from html.parser import HTMLParser

import altair as alt
import pandas as pd
import pyarrow as pa
import pyarrow.compute as pc
import pyarrow.parquet as pq
import pytest

from dashboard.export import pictures, view_file
from dashboard.export.pictures import PictureError
from dashboard.export.record import Chart, Record, Table, Words
from tests.dashboard.helpers.views import link_of, record_of

HOSTILE = "<img src=//evil.example/x onerror=alert(1)>![x](http://evil.example/y.png)$\\frac{`"

#: Elements without an end.
VOID = {"meta", "img", "br", "hr"}


class Reader(HTMLParser):
    """Tables, pictures, texts and everything that a browser would fetch or run."""

    def __init__(self, document: str) -> None:
        super().__init__()
        self.tags, self.fetched, self.links, self.pictures = [], [], [], []
        self.tables, self.text, self._open = [], [], []
        self._numbers: list[str | None] = []
        self.feed(document)
        assert not self._open, "every element is closed"

    def handle_starttag(self, tag, attrs):
        values = dict(attrs)
        self.tags.append(tag)
        assert not any(name.startswith("on") for name in values), "no handlers"
        for name in ("src", "srcset", "href", "data", "action", "poster", "xlink:href"):
            if name in values:
                (self.links if tag == "a" else self.fetched).append(values[name])
        if tag == "img":
            kind, _, data = values["src"].partition(",")
            assert kind == "data:image/svg+xml;base64"
            self.pictures.append(base64.b64decode(data).decode())
        if tag == "table" and values.get("class") == "rows":
            self.tables.append([])
        if tag == "tr" and self.tables:
            self.tables[-1].append([])
        if tag == "data":
            self.tables[-1][-1].append(float(values["value"]))
        if tag not in VOID:
            self._open.append(tag)

    def handle_startendtag(self, tag, attrs):
        assert tag in VOID
        self.handle_starttag(tag, attrs)

    def handle_endtag(self, tag):
        assert self._open.pop() == tag

    def handle_data(self, data):
        self.text.append(data)

    @property
    def words(self) -> str:
        return " ".join(" ".join(self.text).split())


def assert_closed(read: Reader, link: str) -> None:
    """Nothing is run, and nothing fetched but what the file holds."""
    assert not {"script", "iframe", "object", "embed", "link", "base", "form"} & set(read.tags)
    assert all(url.startswith("data:image/svg+xml;base64,") for url in read.fetched)
    assert read.links == [link]
    for picture in read.pictures:
        assert "<script" not in picture
        outside = re.sub(r'xmlns(:\w+)?="[^"]*"', "", picture)
        assert not re.search(r"<image|href=|url\((?!#)|@import", outside)


def numbers(frame: pd.DataFrame) -> list[list[float]]:
    """The numbers of a table, row by row, in their order."""
    kept = frame.select_dtypes("number")
    return [[float(value) for value in row if pd.notna(value)] for row in kept.to_numpy()]


def check_document(app, document: str) -> None:
    """The file has the numbers of the page and its provenance."""
    shown, link = record_of(app), link_of(app)
    read = Reader(document)
    assert_closed(read, link)
    assert "default-src 'none'" in document
    assert len(read.pictures) == len(app.get("vega_lite_chart")) == len(shown.charts())
    kept = [part.frame for part in shown.parts if isinstance(part, Table)]
    assert kept
    assert [table[1:] for table in read.tables] == [numbers(frame) for frame in kept]
    on_page = [frame.value.to_csv(index=False) for frame in app.dataframe]
    assert {frame.to_csv(index=False) for frame in kept} <= set(on_page)
    for metric in app.metric:
        assert metric.label in read.words
        assert metric.value in read.words
    for control in shown.controls.values():
        assert control.label in read.words
    (suite,) = shown.suites
    for known in (suite.version.digest, suite.provenance("code_revision")[0], "torch"):
        assert known in read.words
    assert suite.measured_between()[1] in read.words
    # Every formula was drawn: none was left as LaTeX, and no badge or icon as Markdown.
    assert not re.search(r"\\[a-z]+|-badge\[|:material/|\*\*", read.words)


def test_marks_and_words_of_certificates_are_there(seen_page, no_pictures):
    for code, mark in (("stored", "certified"), ("nominal", "not certified")):
        app = seen_page("bound_explorer", code=code)
        document = view_file.document(record_of(app), "")
        colour = "green" if mark == "certified" else "orange"
        assert f'<span class="badge {colour}">{mark}</span>' in document
        assert "<math" in document.partition("Form: geometric")[2]


def test_the_charts_are_drawn(seen_page):
    app = seen_page("bound_explorer")
    read = Reader(view_file.document(record_of(app), ""))
    assert_closed(read, "")
    assert len(read.pictures) == 3
    assert "Uniform guess, ln V" in read.pictures[0]
    assert "Loss variation" in read.pictures[0]


def renamed(table: pa.Table) -> pa.Table:
    """The table with a name for one model that would do harm if it could."""
    if "model_id" not in table.column_names:
        return table
    place = table.column_names.index("model_id")
    names = pc.replace_substring(table["model_id"], "ladder-12k", HOSTILE)
    return table.set_column(place, table.schema.field(place), names)


@pytest.mark.parametrize("page", ["bound_explorer", "quantization", "information", "what_if"])
def test_a_hostile_name_is_text(open_page, no_pictures, data_copy, page):
    for file in data_copy.glob("micro/*/*.parquet"):
        pq.write_table(renamed(pq.read_table(file)), file)
    app = open_page(page, data_copy)
    assert not app.exception
    shown = record_of(app)
    document = view_file.document(shown, link_of(app))
    read = Reader(document)
    assert_closed(read, link_of(app))
    assert "<img src=//evil" not in document
    assert "<img src=//evil.example/x onerror=alert(1)>" in read.words
    assert HOSTILE in [
        cell
        for part in shown.parts
        if isinstance(part, Table)
        for cell in part.frame.get("model_id", [])
    ]


def test_hostile_markdown_is_text_too():
    parts = [Words("text", HOSTILE), Words("heading", HOSTILE), Table(HOSTILE, pd.DataFrame())]
    read = Reader(view_file.document(Record(HOSTILE, parts=parts), "javascript:alert(1)//"))
    assert set(read.tags) & {"img", "script"} == set()


def test_whole_numbers_and_gaps_are_as_they_were():
    frame = pd.DataFrame({"n": [1234567, 2], "x": [0.1 + 0.2, float("nan")], "t": [None, "a"]})
    document = view_file.document(Record("p", parts=[Table("rows", frame)]), "")
    assert '<data value="1234567">1,234,567</data>' in document
    assert '<data value="0.30000000000000004">0.3</data>' in document
    assert "nan" not in document.casefold().replace("nance", "")
    assert "None" not in document


def test_a_chart_that_cannot_be_drawn_is_a_sentence(monkeypatch):
    monkeypatch.setattr(pictures, "TIMEOUT", 0.01)
    rows = pd.DataFrame({"a": [1]})
    chart = alt.Chart(rows).mark_point().encode(x="a:Q")
    with pytest.raises(PictureError, match="could not be drawn"):
        view_file.document(Record("p", parts=[Chart("t", chart)]), "")
