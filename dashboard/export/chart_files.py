"""A chart as files: its rows, its specification, and pictures."""

import io
import json
import re
from typing import Any
from weakref import WeakKeyDictionary

import altair as alt
import pandas as pd

from dashboard.charts import vega
from dashboard.export.pictures import draw
from dashboard.export.record import Chart

#: Width in pixels of the picture of a chart that fills its container.
WIDTH = 680

#: Pixels of a PNG per pixel of the chart.
SCALE = 2.0

#: Quiet axes on white, as on the pages.
_LOOK = {
    "background": "white",
    "font": "Helvetica, Arial, sans-serif",
    "view": {"stroke": "transparent"},
    "axis": {"gridColor": "#E6E9EF", "domainColor": "#9AA3AF", "tickColor": "#9AA3AF"},
    "axisX": {"titleFontWeight": "normal"},
    "axisY": {"titleFontWeight": "normal"},
    "title": {"anchor": "start", "fontSize": 14, "offset": 12, "subtitleColor": "#5B6770"},
}

#: Specifications of charts, for all files of each; gone with the chart.
_complete: WeakKeyDictionary[Chart, dict[str, Any]] = WeakKeyDictionary()


def plain_title(part: Chart) -> str:
    """The title without Markdown or formulas."""
    return _plain(part.title)


def _plain(markdown: str) -> str:
    text = re.sub(r"\\([\\`*_\[\]$<>:#~])", r"\1", re.sub(r"(?<!\\)[*`$]", "", markdown))
    return re.sub(r":[a-z]+-badge\[[^\]]*\]|:material/\w+:", "", text).strip()


def file_name(part: Chart) -> str:
    """The title as the name of a file: letters, digits and hyphens."""
    words = plain_title(part).casefold().replace("√", "root ")
    return re.sub(r"[^\w]+", "-", words).strip("-")[:80] or "chart"


def complete_spec(part: Chart) -> dict[str, Any]:
    """The Vega-Lite specification with its data inside, independent of other files.

    It is kept for the chart's other files, so it must not be changed in place.
    """
    if part not in _complete:
        _complete[part] = _completed(part)
    return _complete[part]


def _completed(part: Chart) -> dict[str, Any]:
    """The specification, with rows in place of frames.

    Altair converts frames by a setting of the whole process, which other code may change
    meanwhile; so frames become rows before Altair sees them.
    """
    chart = vega.with_data(part.chart, lambda frame: alt.InlineData(**alt.to_values(frame)))
    spec = chart.to_dict()
    alone = not any(key in spec for key in vega.INSIDE if key != "layer")
    if alone and spec.get("width", "container") == "container":
        spec["width"] = WIDTH
    return spec


def specification(part: Chart) -> str:
    """The specification as JSON, with title and subtitle."""
    return json.dumps(_titled(part), ensure_ascii=False, indent=1)


def svg(part: Chart) -> bytes:
    """An SVG picture with the title.

    Raises:
        PictureError: it could not be drawn.
    """
    return draw([_dressed(_titled(part))], "svg")[0]


def png(part: Chart) -> bytes:
    """A PNG picture with the title.

    Raises:
        PictureError: it could not be drawn.
    """
    return draw([_dressed(_titled(part))], "png", SCALE)[0]


def untitled_svgs(parts: list[Chart]) -> list[bytes]:
    """Pictures of several charts without their titles, drawn together.

    Raises:
        PictureError: one could not be drawn.
    """
    return draw([_dressed(complete_spec(part)) for part in parts], "svg") if parts else []


def _titled(part: Chart) -> dict[str, Any]:
    """The specification with title and subtitle; a subtitle of its own, such as a law, follows."""
    spec = complete_spec(part)
    own = spec.get("title", {})
    below = own.get("subtitle") or []
    lines = [_plain(part.subtitle), *([below] if isinstance(below, str) else below)]
    title = {"text": own.get("text") or plain_title(part), "subtitle": [x for x in lines if x]}
    return spec | {"title": own | title}


def _dressed(spec: dict[str, Any]) -> dict[str, Any]:
    return spec | {"config": _LOOK | spec.get("config", {})}


def rows_csv(part: Chart) -> str:
    """The rows that the chart draws."""
    return _rows(part).to_csv(index=False)


def rows_parquet(part: Chart) -> bytes:
    """The rows as Parquet; a column whose layers have different types becomes text."""
    rows = _rows(part).convert_dtypes()
    mixed = {name: "string" for name, dtype in rows.dtypes.items() if dtype.kind == "O"}
    file = io.BytesIO()
    rows.astype(mixed).to_parquet(file, index=False)
    return file.getvalue()


def _rows(part: Chart) -> pd.DataFrame:
    """The rows of all layers, one block after another if layers differ.

    The first column then names the mark of the block.
    """
    spec = complete_spec(part)
    marks: dict[str, list[str]] = {}
    _marks_by_data(spec, None, marks)
    blocks = [
        pd.DataFrame(spec["datasets"][name])
        .convert_dtypes()  # otherwise whole numbers become 29152.0
        .assign(drawn_as=" + ".join(dict.fromkeys(kinds)))
        for name, kinds in marks.items()
    ]
    if len(blocks) == 1:
        return blocks[0].drop(columns="drawn_as")
    rows = pd.concat(blocks, ignore_index=True)
    return rows[["drawn_as", *rows.columns.drop("drawn_as")]]


def _marks_by_data(spec: dict[str, Any], data: str | None, found: dict[str, list[str]]) -> None:
    """Kinds of marks by the name of their rows, in the order of the layers."""
    data = spec.get("data", {}).get("name", data)
    if "mark" in spec and data is not None:
        mark = spec["mark"]
        found.setdefault(data, []).append(mark if isinstance(mark, str) else mark["type"])
    for key in vega.INSIDE:
        inside = spec.get(key, [])
        for part in inside if isinstance(inside, list) else [inside]:
            _marks_by_data(part, data, found)
