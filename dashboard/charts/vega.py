"""Faster assembly of Altair charts: no repeated copies, and validation only in the tests.

Altair copies every part of a chart, including each unset property of each axis, several times
whenever charts are layered or concatenated, and validates every axis and every finished chart
against the schema of Vega-Lite.  Both together take several times as long as everything else on a
page.  Altair needs the copies for charts with selections, which it moves between parts; the pages
have none.  Validation finds programming mistakes, so ``tests/dashboard/test_every_page.py``
validates every page's charts, and shows that the specifications are identical to Altair's.

A chart that is drawn again is not written again: ``written`` keeps its specification with it.
"""

import hashlib
from collections.abc import Callable
from typing import Any, Self

import altair as alt
import pandas as pd
import pyarrow as pa
from altair.utils.schemapi import disable_debug_mode

#: Keys under which a chart contains others.
INSIDE = ("layer", "hconcat", "vconcat", "concat", "spec")

disable_debug_mode()  # otherwise each axis, scale, legend and mark is validated when it is made


class _Light:
    """Methods that charts of every kind override."""

    _written: dict[str, Any] | None = None

    def copy(self, deep: Any = True, ignore: list[str] | None = None) -> Self:
        """A copy that shares its parts, because no part is ever changed in place."""
        return super().copy(deep=False if deep is True else deep, ignore=ignore)

    def properties(self, **properties: Any) -> Self:
        """The chart with some properties set."""
        copy = self.copy()
        for name, value in properties.items():
            copy[name] = value
        return copy

    def to_dict(self, validate: bool = False, **look: Any) -> dict[str, Any]:
        """The specification, validated only on request."""
        return super().to_dict(validate=validate, **look)

    def written(self) -> dict[str, Any]:
        """The specification that ``st.altair_chart`` makes, for ``st.vega_lite_chart``; kept, so it
        must not be changed in place.

        The rows are Arrow streams by their digests.  Every channel must name its type, as in the
        files of a chart.
        """
        if self._written is None:
            datasets: dict[str, bytes] = {}

            def named(frame: pd.DataFrame) -> alt.NamedData:
                stream = _arrow_stream(frame)
                name = hashlib.sha256(stream).hexdigest()
                datasets[name] = stream
                return alt.NamedData(name=name)

            # A part does not get Altair's theme, which fixes a size where a page has its own.
            part = with_data(self, named).to_dict(context={"top_level": False})
            spec = part | {"$schema": alt.SCHEMA_URL, "datasets": datasets}
            object.__setattr__(self, "_written", spec)  # Altair takes other attributes for its own
        return self._written


def with_data(chart: Any, replace: Callable[[pd.DataFrame], Any]) -> Any:
    """The chart with every data frame replaced, each once however many layers draw it; the chart
    itself is not changed."""
    replaced: dict[int, Any] = {}

    def once(frame: pd.DataFrame) -> Any:
        if id(frame) not in replaced:
            replaced[id(frame)] = replace(frame)
        return replaced[id(frame)]

    return _with_data(chart, once)


def _with_data(chart: Any, replace: Callable[[pd.DataFrame], Any]) -> Any:
    copy = chart.copy(deep=False)
    data = getattr(copy, "data", alt.Undefined)
    if isinstance(data, pd.DataFrame):
        copy.data = replace(data)
    for key in INSIDE:
        inside = getattr(copy, key, alt.Undefined)
        if isinstance(inside, list):
            setattr(copy, key, [_with_data(part, replace) for part in inside])
        elif isinstance(inside, alt.TopLevelMixin):
            setattr(copy, key, _with_data(inside, replace))
    return copy


def _arrow_stream(frame: pd.DataFrame) -> bytes:
    table = pa.Table.from_pandas(frame)
    sink = pa.BufferOutputStream()
    with pa.ipc.new_stream(sink, table.schema) as stream:
        stream.write_table(table)
    return sink.getvalue().to_pybytes()


class Chart(_Light, alt.Chart):
    """A chart of one mark."""

    def encode(self, **channels: Any) -> Self:
        """Set the channels. Altair searches all of its classes for each column name; this skips the
        search for channels that have their own class."""
        return super().encode(**{name: _channel(name, of) for name, of in channels.items()})

    def _compute_hash(self) -> str:
        """The name that Altair gives a chart with selections, which requires writing it out."""
        return ""


class _LayerChart(_Light, alt.LayerChart):
    pass


class _ConcatChart(_Light, alt.ConcatChart):
    pass


class _HConcatChart(_Light, alt.HConcatChart):
    pass


def layer(*parts: alt.Chart | alt.LayerChart) -> alt.LayerChart:
    """Layered charts, the first at the bottom."""
    return _LayerChart(layer=parts)


def concat(*parts: alt.Chart | alt.LayerChart, columns: int, spacing: int) -> alt.ConcatChart:
    """Charts in rows of ``columns``, ``spacing`` pixels apart."""
    return _ConcatChart(concat=parts, columns=columns, spacing=spacing)


def hconcat(*parts: alt.Chart | alt.LayerChart, spacing: int) -> alt.HConcatChart:
    """Charts in one row, ``spacing`` pixels apart."""
    return _HConcatChart(hconcat=parts, spacing=spacing)


def _channel(name: str, of: Any) -> Any:
    """A channel of its own class for the name of a column, or for a value without a column."""
    if isinstance(of, list):
        return [_channel(name, each) for each in of]
    kind = name[0].upper() + name[1:]
    if isinstance(of, str):
        return getattr(alt, kind)(of)
    if isinstance(of, dict) and "value" in of:
        return getattr(alt, f"{kind}Value")(**of)
    return of
