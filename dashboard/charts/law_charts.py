"""A quantity against model size with its law; measurement and extrapolation look different."""

from textwrap import wrap

import altair as alt
import numpy as np
import pandas as pd

from bounds import PowerLaw
from dashboard.analysis.bound.gaps import of_gaps
from dashboard.analysis.bound.units import NATS, Unit
from dashboard.analysis.laws.fits import Law, exponent_text, least_sizes, too_few
from dashboard.charts import tooltips, vega
from dashboard.charts.drawn_once import drawn_once
from dashboard.charts.marks import by_certificate, notes
from dashboard.style.glossary import GAP_COLOUR, GUIDE_COLOUR, TERMS
from dashboard.style.numbers import COUNT_TICKS
from dashboard.style.rounded_up import UPPER, with_printed
from dashboard.style.rounded_up import tooltip as upper_tooltip

#: Sizes at which a law is drawn.
_POINTS = 60

#: A dashed line where a law leaves the sizes it was fitted to; dots for published laws.
EXTRAPOLATED_DASH, PUBLISHED_DASH = [7, 5], [2, 3]


def size_scale(params: pd.Series, reach: float | None = None) -> alt.Scale:
    """Logarithmic in the model size, with a margin; up (or down) to ``reach`` as well."""
    low, high = params.min(), params.max()
    if reach is not None:
        low, high = min(low, reach), max(high, reach)
    margin = (high / low) ** 0.12 if high > low else 2.0
    if reach is not None:
        margin = min(margin, 3.0)
    return alt.Scale(type="log", domain=[low / margin, high * margin], nice=False)


def _size_axis(params: pd.Series, reach: float | None) -> alt.Axis:
    """Ticks at the sizes themselves if they are few and nothing is drawn beyond them."""
    sizes = sorted(set(params))
    own = reach is None and len(sizes) < least_sizes()
    ticks = {"values": sizes, "format": ".3~s"} if own else {"tickCount": 4}
    return alt.Axis(title="parameters N", grid=False, **COUNT_TICKS | ticks)


def law_curve(law: PowerLaw, reach: float | None = None) -> pd.DataFrame:
    """A law with its interval over the sizes it was fitted to, and on to ``reach``.

    Columns: params_total, value, low, high, part (``measured range`` or ``extrapolated``).
    """
    parts = [("measured range", law.smallest, law.largest)]
    if reach is not None and reach > law.largest:
        parts.append(("extrapolated", law.largest, reach))
    if reach is not None and reach < law.smallest:
        parts.append(("extrapolated", reach, law.smallest))
    frames = []
    for part, start, end in parts:
        sizes = np.geomspace(start, end, _POINTS)
        low, high = law.band(sizes)
        columns = {"params_total": sizes, "value": law.at(sizes), "low": low, "high": high}
        frames.append(pd.DataFrame(columns).assign(part=part))
    return pd.concat(frames, ignore_index=True)


def law_ends(
    frame: pd.DataFrame,
    key: str,
    law: Law,
    reach: float | None = None,
    published: pd.DataFrame | None = None,
) -> tuple[float, float]:
    """Smallest and largest value that ``law_panel`` shows of the same arguments.

    Panels with the smallest and the largest of all of them as their span share one vertical axis.
    """
    curve = law_curve(law, reach) if isinstance(law, PowerLaw) else None
    return _ends(frame, key, curve, reach, published)


def _ends(
    frame: pd.DataFrame,
    key: str,
    curve: pd.DataFrame | None,
    reach: float | None,
    published: pd.DataFrame | None,
) -> tuple[float, float]:
    positive = frame[frame[key] > 0]
    low, high = (positive[key].min(), positive[key].max()) if len(positive) else (0.1, 1.0)
    if curve is not None:
        # A band that widens far out must not squeeze the measurements to a line.
        room = (high / low) ** 2 * 30 if reach is not None else np.inf
        low, high = (
            min(low, max(curve["low"].min(), min(low, curve["value"].min()) / room)),
            max(high, min(curve["high"].max(), max(high, curve["value"].max()) * room)),
        )
    if published is not None and len(published):
        low, high = min(low, published["value"].min()), max(high, published["value"].max())
    return float(low), float(high)


def law_panel(
    frame: pd.DataFrame,
    key: str,
    label: str,
    colour: str,
    law: Law,
    certified: bool = True,
    unit: str = "nats per token",
    span: tuple[float, float] | None = None,
    reach: float | None = None,
    published: pd.DataFrame | None = None,
    at: float | None = None,
    upper: bool = False,
) -> alt.LayerChart:
    """One quantity against model size on log axes, with its law and 95 % band.

    Args:
        frame: columns model_id, params_total and ``key``.
        certified: points of a heuristic are hollow; a column certified of ``frame`` overrides it
            for each point.
        span: minimum range of the vertical axis, to compare charts.
        reach: a size up (or down) to which the law is drawn, dashed where it is extrapolated.
        published: columns law, params_total, value, inside (its range): drawn dotted.
        at: a size that was not measured, marked on the law, which is drawn up to it.
        upper: whether the values are upper bounds, which are printed rounded up.
    """
    reach = at if reach is None else reach
    x = alt.X(
        "params_total:Q",
        scale=size_scale(frame["params_total"], reach),
        axis=_size_axis(frame["params_total"], reach),
    )
    positive = frame[frame[key] > 0]
    curve = law_curve(law, reach) if isinstance(law, PowerLaw) else None
    ends = _ends(frame, key, curve, reach, published)
    low, high = span or ends
    domain = [0.8 * min(ends[0], low), 1.25 * max(ends[1], high)]
    y = alt.Y(
        f"{key}:Q",
        title=unit,
        scale=alt.Scale(type="log", domain=domain, nice=False, clamp=True),
        # By default Vega writes 100M as 100000000, and 0.01 as 10m.
        axis=alt.Axis(
            tickCount=4,
            **(COUNT_TICKS if domain[1] >= 1e4 else {"format": "~g"}),
            grid=False,
        ),
    )
    layers: list[alt.Chart] = []
    if curve is not None:
        layers += _law_layers(curve.rename(columns={"value": key}), key, x, y, colour)
    if published is not None and len(published):
        layers.append(_published_layer(published.rename(columns={"value": key}), x, y))
    if "certified" not in positive:
        positive = positive.assign(certified=certified)
    positive = with_printed(positive, keys=(key,)) if upper else positive
    value = tooltips.number(key, unit)
    tooltip = [
        alt.Tooltip("model_id:N", title="model"),
        upper_tooltip(key, unit) if upper else value,
    ]
    for rows, filled in by_certificate(positive):
        marks = vega.Chart(rows).mark_point(size=55, color=colour, opacity=1, filled=filled)
        layers.append(marks.encode(x=x, y=y, tooltip=[*tooltip, *notes(rows)]))
    if at is not None and isinstance(law, PowerLaw):
        layers += _marked(law, at, key, x, y, colour)
    title = alt.TitleParams(
        label,
        subtitle=_subtitle(frame, law),
        anchor="start",
        fontSize=13,
        subtitleColor=GUIDE_COLOUR,
    )
    return vega.layer(*layers).properties(width=205, height=140, title=title)


def _subtitle(frame: pd.DataFrame, law: Law) -> str | list[str]:
    """The exponent, or why there is no law.

    If there are too few sizes it is empty: the page says this once for all panels.
    """
    if isinstance(law, PowerLaw):
        return exponent_text(law)
    # One line of a reason would be wider than a panel.
    return wrap(str(law), 40) if law.reason and not too_few(frame) else ""


def _law_layers(curve: pd.DataFrame, key: str, x: alt.X, y: alt.Y, colour: str) -> list[alt.Chart]:
    """Band and line, solid over the measured range; paler and dashed beyond it."""
    layers = []
    for part, opacity, dash in (
        ("measured range", 0.18, [1, 0]),
        ("extrapolated", 0.07, EXTRAPOLATED_DASH),
    ):
        rows = curve[curve["part"] == part]
        if rows.empty:
            continue
        base = vega.Chart(tooltips.with_counts(rows))
        layers.append(
            base.mark_area(opacity=opacity, color=colour, clip=True).encode(
                x=x, y=alt.Y("low:Q"), y2="high:Q"
            )
        )
        layers.append(
            base.mark_line(color=colour, strokeDash=dash, clip=True).encode(
                x=x,
                y=y,
                tooltip=[
                    tooltips.count("params_total", "N"),
                    tooltips.number(key, part),
                    tooltips.number("low", "95 % band of the law, from"),
                    tooltips.number("high", "to"),
                ],
            )
        )
    return layers


def _marked(law: PowerLaw, at: float, key: str, x: alt.X, y: alt.Y, colour: str) -> list[alt.Chart]:
    """A hollow diamond on the law with the interval for one model: a prediction, not a point."""
    low, high = law.predict(at)
    row = {"params_total": at, key: float(law.at(at)), "low": low[0], "high": high[0]}
    base = vega.Chart(tooltips.with_counts(pd.DataFrame([row])))
    tooltip = [
        tooltips.count("params_total", "N, not measured"),
        tooltips.number(key, "by the law"),
        tooltips.number("low", "95 % interval for one model, from"),
        tooltips.number("high", "to"),
    ]
    return [
        base.mark_rule(color=colour, strokeDash=EXTRAPOLATED_DASH, clip=True).encode(
            x=x, y="low:Q", y2="high:Q"
        ),
        base.mark_point(size=90, color=colour, shape="diamond", filled=False, opacity=1).encode(
            x=x, y=y, tooltip=tooltip
        ),
    ]


def _published_layer(published: pd.DataFrame, x: alt.X, y: alt.Y) -> alt.Chart:
    """Published laws: dotted, and paler outside the range of their own models."""
    return (
        vega.Chart(tooltips.with_counts(published))
        .mark_line(strokeDash=PUBLISHED_DASH, strokeWidth=1.8, clip=True)
        .encode(
            x=x,
            y=y,
            color=alt.Color(
                "law:N",
                scale=alt.Scale(scheme="dark2"),
                legend=alt.Legend(
                    title="Published, other text and tokens",
                    orient="bottom",
                    columns=2,
                    labelLimit=260,
                    titleLimit=400,
                    symbolType="stroke",
                ),
            ),
            detail="part:N",
            opacity=alt.Opacity(
                "inside:N", scale=alt.Scale(domain=[True, False], range=[1.0, 0.35]), legend=None
            ),
            tooltip=[
                alt.Tooltip("law:N", title="published"),
                tooltips.count("params_total", "N"),
                tooltips.number(y.to_dict()["field"], "value"),
                alt.Tooltip("inside:N", title="within the range of its models"),
            ],
        )
    )


@drawn_once
def term_laws(
    terms: pd.DataFrame,
    laws: dict[str, Law],
    unit: Unit = NATS,
    reach: float | None = None,
    at: float | None = None,
) -> alt.ConcatChart:
    """Each term against model size on log axes, with its law and 95 % band, losses in ``unit``."""
    panels = [
        law_panel(
            of_gaps(terms) if key == "gap" else terms,
            key,
            label,
            colour,
            laws[key],
            unit=unit.label,
            reach=reach,
            at=at,
            upper=key in UPPER,
        )
        for key, label, colour in (
            *((term.key, term.label, term.colour) for term in TERMS),
            ("gap", "Gap" if too_few(terms) else "Gap, by its own law", GAP_COLOUR),
        )
        if (terms[key] > 0).any()  # a gap of 0 or less cannot be drawn on a log axis
    ]
    return vega.concat(*panels, columns=3, spacing=26)
