"""Altair's charts, put together without copies of copies and checked by the tests, not for readers.

Altair copies every part of a chart, down to each unset property of each axis, several times
whenever charts are layered or placed side by side, and holds every axis and every finished chart
against the schema of Vega-Lite.  Both together take several times as long as everything else on a
page.  Copies are for charts with selections, which Altair moves from part to part; there are none
here.  The schema finds mistakes of whoever wrote a chart, so ``tests/dashboard/test_vega.py`` holds
every page's charts against it, and shows that specifications are Altair's own to the letter.
"""

from typing import Any, Self

import altair as alt
from altair.utils.schemapi import disable_debug_mode

disable_debug_mode()  # or each axis, scale, legend and mark would be checked when it is made


class _Light:
    """What a chart of any kind leaves out."""

    def copy(self, deep: Any = True, ignore: list[str] | None = None) -> Self:
        """A copy that shares its parts: none is ever changed in place."""
        return super().copy(deep=False if deep is True else deep, ignore=ignore)

    def properties(self, **properties: Any) -> Self:
        """The chart with some properties set."""
        copy = self.copy()
        for name, value in properties.items():
            copy[name] = value
        return copy

    def to_dict(self, validate: bool = False, **look: Any) -> dict[str, Any]:
        """As Altair's, checked only when asked to."""
        return super().to_dict(validate=validate, **look)


class Chart(_Light, alt.Chart):
    """One mark."""

    def encode(self, **channels: Any) -> Self:
        """As Altair's, which looks through all of its classes for each name of a column, but not
        for what comes as the channel's own class."""
        return super().encode(**{name: _channel(name, of) for name, of in channels.items()})

    def _compute_hash(self) -> str:
        """What Altair names a chart by if it has selections, at the price of writing it out."""
        return ""


class _LayerChart(_Light, alt.LayerChart):
    pass


class _ConcatChart(_Light, alt.ConcatChart):
    pass


class _HConcatChart(_Light, alt.HConcatChart):
    pass


def layer(*parts: alt.Chart | alt.LayerChart) -> alt.LayerChart:
    """Charts above each other, the first at the bottom."""
    return _LayerChart(layer=parts)


def concat(*parts: alt.Chart | alt.LayerChart, columns: int, spacing: int) -> alt.ConcatChart:
    """Charts in rows of ``columns``, ``spacing`` pixels apart."""
    return _ConcatChart(concat=parts, columns=columns, spacing=spacing)


def hconcat(*parts: alt.Chart | alt.LayerChart, spacing: int) -> alt.HConcatChart:
    """Charts in one row, ``spacing`` pixels apart."""
    return _HConcatChart(hconcat=parts, spacing=spacing)


def _channel(name: str, of: Any) -> Any:
    """A channel of its own class for a column's name or a value that needs no column."""
    if isinstance(of, list):
        return [_channel(name, each) for each in of]
    kind = name[0].upper() + name[1:]
    if isinstance(of, str):
        return getattr(alt, kind)(of)
    if isinstance(of, dict) and "value" in of:
        return getattr(alt, f"{kind}Value")(**of)
    return of
