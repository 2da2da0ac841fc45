"""A chart as an SVG file: the same bytes every time."""

import re
from typing import Any

import altair as alt

#: Vega-Lite of the altair that is pinned.
VEGA_LITE = alt.SCHEMA_VERSION.removeprefix("v").rpartition(".")[0]

#: Digits of numbers in the data, so that the last bits of a sum move no point.
_DIGITS = 7

_CONFIG = {
    "background": "white",
    "aria": False,  # a label on every mark would be most of the file; the image has its own
    "view": {"continuousWidth": 300, "continuousHeight": 220, "stroke": "#ddd"},
}

#: Attributes that hold coordinates, and the numbers in them.
_COORDINATES = re.compile(r'(?<= )(d|transform|x|y|x1|x2|y1|y2|width|height|viewBox)="([^"]*)"')
_NAMES = re.compile(r'((?:id="|url\(#))(clip|gradient_)\d+')
_NUMBER = re.compile(r"-?\d+\.\d{3,}(?:e-?\d+)?|-?\d+(?:\.\d+)?e-\d+")


def svg(chart: alt.TopLevelMixin) -> bytes:
    """The chart on white, coordinates to a hundredth of a pixel."""
    import vl_convert  # imported here: only figures need it

    spec = _rounded(chart.to_dict())
    spec["config"] = _CONFIG
    text = vl_convert.vegalite_to_svg(spec, vl_version=VEGA_LITE)
    shortened = _COORDINATES.sub(
        lambda found: f'{found[1]}="{_NUMBER.sub(_hundredths, found[2])}"', text
    )
    return _renumbered(shortened).encode() + b"\n"


def _renumbered(text: str) -> str:
    """Names of clips and gradients counted from 0: the converter continues counting per chart."""
    names: dict[str, int] = {}
    return _NAMES.sub(
        lambda m: f"{m[1]}{m[2]}{names.setdefault(m[0][len(m[1]) :], len(names))}", text
    )


def _hundredths(found: re.Match) -> str:
    text = f"{float(found[0]):.2f}".rstrip("0").rstrip(".")
    return "0" if text == "-0" else text


def _rounded(value: Any) -> Any:
    if isinstance(value, float):
        return float(f"{value:.{_DIGITS}g}")
    if isinstance(value, dict):
        return {key: _rounded(item) for key, item in value.items()}
    return [_rounded(item) for item in value] if isinstance(value, list) else value
