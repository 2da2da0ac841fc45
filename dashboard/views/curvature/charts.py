"""Charts of the page *Curvature*: pure functions of data frames."""

import json

import altair as alt
import numpy as np
import pandas as pd

from bounds.curvature.spectrum import symmetric_log
from dashboard.analysis.laws.fits import Law
from dashboard.analysis.measured.curvature import LINEAR_DECADES
from dashboard.charts import tooltips, vega
from dashboard.charts.drawn_once import drawn_once
from dashboard.charts.law_charts import law_panel
from dashboard.style.glossary import GUIDE_COLOUR, MATRIX_COLOURS, RAMP, parameter_count

#: Colours of the two quadrature rules.
_RULES = {"radau": ("Node at 0 (used)", "#6C5B9E"), "gauss": ("Gauss rule", "#C9A227")}

HEIGHT = 330

#: A spectrum is not drawn below this share of one eigenvalue.
_FLOOR = 0.1


def _spectrum_axis(threshold: float) -> alt.Axis:
    """Ticks at powers of ten on both sides of 0, labelled as eigenvalues."""
    powers = [threshold * 10.0**k for k in range(1, LINEAR_DECADES + 2)]
    values = [-p for p in reversed(powers)] + [0.0] + powers
    places = symmetric_log(np.array(values), threshold)
    # Vega's format writes a true minus sign.
    labels = {
        f"{p:.2f}".replace("-", "−"): f"{v:g}".replace("-", "−")
        for p, v in zip(places, values, strict=True)
    }
    return alt.Axis(
        title="Eigenvalue, nats per token (symmetric-log axis)",
        values=[round(float(p), 2) for p in places],
        labelExpr=f"{json.dumps(labels, ensure_ascii=False)}[format(datum.value, '.2f')]",
        grid=False,
    )


#: Ends of a horizontal and of a vertical axis that several charts share.
Ends = tuple[tuple[float, float], tuple[float, float]]


def ends(curves: list[tuple[pd.DataFrame, int]]) -> Ends | None:
    """Axes on which several spectra can be compared; None without any.

    Each spectrum is from ``curvature.densities`` at the same threshold, with the order of its
    matrix.
    """
    if not curves:
        return None
    places = pd.concat([curve["place"] for curve, _ in curves])
    tops = [curve["high"].max() for curve, _ in curves]
    floor = min(_FLOOR / size for _, size in curves)
    return (float(places.min()), float(places.max())), (floor, 1.2 * float(max(tops)))


def _density_layers(
    densities: pd.DataFrame,
    threshold: float,
    size: int,
    colour: alt.Color | alt.ColorValue,
    span: Ends | None = None,
) -> alt.LayerChart:
    """Lines with bands; shares under a tenth of one eigenvalue are cut off."""
    floor = _FLOOR / size
    wide, high = ({}, {"domainMin": floor})
    if span is not None:
        wide, high = ({"domain": list(span[0])}, {"domain": list(span[1]), "nice": False})
    frame = densities.assign(
        density=densities["density"].clip(lower=floor),
        low=densities["low"].clip(lower=floor),
        high=densities["high"].clip(lower=floor),
    )
    x = alt.X("place:Q", axis=_spectrum_axis(threshold), scale=alt.Scale(nice=False, **wide))
    y = alt.Y(
        "density:Q",
        title="Share of eigenvalues per decade",
        scale=alt.Scale(type="log", **high),
        axis=alt.Axis(format=".0e", tickCount=6, grid=False),
    )
    base = vega.Chart(frame)
    band = base.mark_area(opacity=0.22).encode(x=x, y=alt.Y("low:Q"), y2="high:Q", color=colour)
    line = base.mark_line(strokeWidth=1.8).encode(
        x=x,
        y=y,
        color=colour,
        tooltip=[
            tooltips.short("eigenvalue", "eigenvalue"),
            tooltips.tiny("density", "share per decade"),
        ],
    )
    zero = (
        vega.Chart(pd.DataFrame({"place": [0.0]}))
        .mark_rule(strokeDash=[5, 4], color=GUIDE_COLOUR)
        .encode(x="place:Q")
    )
    return vega.layer(zero, band, line).properties(height=HEIGHT)


@drawn_once
def spectrum(
    densities: pd.DataFrame, threshold: float, size: int, matrix: str, span: Ends | None = None
) -> alt.LayerChart:
    """Density of eigenvalues of one matrix with its band over probes.

    Args:
        densities: from ``curvature.densities``, one curve.
        threshold: where the axis turns linear.
        size: n, order of the matrix.
        matrix: a key of ``MATRICES``.
        span: from ``ends``, to compare charts.
    """
    colour = alt.ColorValue(MATRIX_COLOURS[matrix])
    return _density_layers(densities, threshold, size, colour, span)


@drawn_once
def spectra_over(
    densities: pd.DataFrame, threshold: float, size: int, column: str, labels: dict[float, str]
) -> alt.LayerChart:
    """The same with a curve for each value of a column.

    Args:
        labels: of the values, in the order of the legend.
    """
    frame = densities.assign(curve=densities[column].map(labels))
    colour = alt.Color(
        "curve:N",
        sort=list(labels.values()),
        scale=alt.Scale(scheme=RAMP),
        legend=alt.Legend(title=None, orient="bottom", columns=6, symbolOpacity=1),
    )
    return _density_layers(frame, threshold, size, colour)


@drawn_once
def by_size(
    points: pd.DataFrame,
    laws: dict[str, Law],
    matrix: str,
    symbol: str,
    at: float | None,
) -> alt.HConcatChart:
    """Both traces and the evenness against model size, with their laws.

    Args:
        symbol: of the matrix.
        at: a size that was not measured, marked on the laws.
    """
    colour = MATRIX_COLOURS[matrix]
    titles = (
        ("trace", f"Tr({symbol})", "nats per token"),
        ("trace_sqrt", f"Tr(√{symbol})", "√(nats per token)"),
        ("evenness", f"Evenness, Tr(√{symbol})² / (n·Tr({symbol}))", "share"),
    )
    panels = []
    for key, label, unit in titles:
        top = points.get(f"{key}_top", points[key])
        highest = float(pd.concat([points[key] + 2 * points[f"{key}_se"], top]).max())
        span = (highest, highest)
        panel = law_panel(points, key, label, colour, laws[key], unit=unit, span=span, at=at)
        marks = [_bars(points, key, colour), _bracket(points.assign(top=top), key, colour)]
        marks = [mark.encode(x="params_total:Q") for mark in marks]
        panels.append(vega.layer(panel, *marks).properties(width=205, height=190))
    return vega.hconcat(*panels, spacing=30)


def _bars(points: pd.DataFrame, key: str, colour: str) -> alt.Chart:
    """Two standard errors each way; on a log axis a bar ends above 0."""
    error = points[f"{key}_se"]
    low = (points[key] - 2 * error).clip(lower=points[key] / 10)
    frame = points.assign(bar_low=low, bar_high=points[key] + 2 * error)
    bars = vega.Chart(frame).mark_rule(color=colour, strokeWidth=3)
    return bars.encode(y="bar_low:Q", y2="bar_high:Q")


def _bracket(points: pd.DataFrame, key: str, colour: str) -> alt.Chart:
    """From the value to the value by the other quadrature rule, in column ``top``."""
    line = vega.Chart(points).mark_rule(color=colour, strokeWidth=1, strokeDash=[3, 2])
    return line.encode(y=f"{key}:Q", y2="top:Q")


@drawn_once
def traces_over(
    points: pd.DataFrame, column: str, title: str, key: str, label: str
) -> alt.LayerChart:
    """One trace of every model against the share of training or the windows, log axes.

    Args:
        points: from ``curvature.over_training`` or ``over_windows``.
        column: of the horizontal axis.
        title: of the horizontal axis.
        key: ``trace`` or ``trace_sqrt``.
        label: of that trace.
    """
    frame = points[points[key] > 0]
    frame = frame.assign(
        low=frame[f"{key}_low"].clip(lower=frame[key] / 10),
        high=frame[f"{key}_high"],
        top=frame.get(f"{key}_top", frame[key]),
        model=[f"{parameter_count(n)}" for n in frame["params_total"]],
    )
    order = [parameter_count(n) for n in sorted(set(frame["params_total"]))]
    values = sorted(set(frame[column]))
    labels = {f"{v:g}": f"1/{1 / v:.0f}" if 0 < v < 1 else f"{v:g}" for v in values}
    axis = alt.Axis(
        title=title,
        values=values,
        labelExpr=f"{json.dumps(labels)}[format(datum.value, '~r')] || datum.label",
        grid=False,
    )
    x = alt.X(f"{column}:Q", axis=axis, scale=alt.Scale(type="log", nice=False, padding=14))
    ends = [0.9 * frame["low"].min(), 1.1 * frame[["high", "top"]].max().max()]
    y = alt.Y(
        f"{key}:Q",
        title=label,
        scale=alt.Scale(type="log", domain=ends, nice=False),
        axis=alt.Axis(tickCount=5, format="~g", grid=False),
    )
    colour = alt.Color(
        "model:N",
        sort=order,
        scale=alt.Scale(scheme=RAMP),
        legend=alt.Legend(title="parameters", orient="right"),
    )
    base = vega.Chart(frame)
    lines = base.mark_line(strokeWidth=1.3).encode(x=x, y=y, color=colour)
    bars = base.mark_rule(strokeWidth=3).encode(x=x, y="low:Q", y2="high:Q", color=colour)
    bracket = base.mark_rule(strokeWidth=1, strokeDash=[3, 2]).encode(
        x=x, y=y, y2="top:Q", color=colour
    )
    dots = base.mark_point(size=50, filled=True, opacity=1).encode(
        x=x,
        y=y,
        color=colour,
        tooltip=[
            alt.Tooltip("model_id:N", title="model"),
            tooltips.short(column, title),
            tooltips.number(key, label),
            tooltips.short(f"{key}_se", "standard error"),
        ],
    )
    return vega.layer(lines, bracket, bars, dots).properties(height=260)


@drawn_once
def predicted(frame: pd.DataFrame) -> alt.LayerChart:
    """Measured against predicted gap on log axes, colour by bits, and the line of equality.

    Args:
        frame: from ``predicted_gap.scaled``.
    """
    frame = frame.assign(low=frame["low"].clip(lower=frame["quantization_gap_nats"] / 10))
    ends = [
        frame[["predicted_nats", "low"]].min().min() / 1.5,
        frame[["predicted_nats", "high"]].max().max() * 1.5,
    ]
    scale = alt.Scale(type="log", domain=ends, nice=False)
    axis = alt.Axis(format=".0e", tickCount=5, grid=False)
    x = alt.X("predicted_nats:Q", title="Predicted gap, nats per token", scale=scale, axis=axis)
    y = alt.Y(
        "quantization_gap_nats:Q", title="Measured gap, nats per token", scale=scale, axis=axis
    )
    line = (
        vega.Chart(pd.DataFrame({"p": ends, "m": ends}))
        .mark_line(strokeDash=[5, 4], color=GUIDE_COLOUR)
        .encode(x=alt.X("p:Q", scale=scale), y=alt.Y("m:Q", scale=scale))
    )
    base = vega.Chart(frame)
    bars = base.mark_rule().encode(x=x, y="low:Q", y2="high:Q", color=_bits_colour())
    dots = base.mark_point(size=60, filled=True, opacity=1).encode(
        x=x, y=y, color=_bits_colour(), tooltip=_prediction_tooltip()
    )
    return vega.layer(line, bars, dots).properties(height=HEIGHT)


@drawn_once
def ratio_by_bits(frame: pd.DataFrame) -> alt.LayerChart:
    """Measured over predicted gap against bits, a line per model: level where the quadratic
    approximation holds."""
    low = frame["low"].clip(lower=frame["quantization_gap_nats"] / 10)
    frame = frame.assign(
        model=[parameter_count(n) for n in frame["params_total"]],
        low=low / frame["predicted_nats"],
        high=frame["high"] / frame["predicted_nats"],
    )
    order = [parameter_count(n) for n in sorted(set(frame["params_total"]))]
    bits = sorted({int(b) for b in frame["bits"]})
    x = alt.X(
        "bits:Q",
        title="Bits per weight",
        scale=alt.Scale(domain=[bits[0] - 0.3, bits[-1] + 0.3], nice=False),
        axis=alt.Axis(values=bits, grid=False),
    )
    y = alt.Y(
        "ratio:Q",
        title="Measured / predicted",
        scale=alt.Scale(type="log"),
        axis=alt.Axis(format="~g", tickCount=5, grid=False),
    )
    colour = alt.Color(
        "model:N",
        sort=order,
        scale=alt.Scale(scheme=RAMP),
        legend=alt.Legend(title="parameters"),
    )
    base = vega.Chart(frame)
    lines = base.mark_line(strokeWidth=1.3).encode(x=x, y=y, color=colour)
    dots = base.mark_point(size=60, filled=True, opacity=1).encode(
        x=x, y=y, color=colour, tooltip=_prediction_tooltip()
    )
    one = (
        vega.Chart(pd.DataFrame({"ratio": [1.0]}))
        .mark_rule(strokeDash=[5, 4], color=GUIDE_COLOUR)
        .encode(y="ratio:Q")
    )
    bars = base.mark_rule().encode(x=x, y=alt.Y("low:Q"), y2="high:Q", color=colour)
    return vega.layer(one, lines, bars, dots).properties(height=HEIGHT)


def _bits_colour() -> alt.Color:
    return alt.Color(
        "bits:O",
        scale=alt.Scale(scheme=alt.SchemeParams("plasma", extent=[0.05, 0.8])),
        legend=alt.Legend(title="bits"),
    )


def _prediction_tooltip() -> list[alt.Tooltip]:
    return [
        alt.Tooltip("model_id:N", title="model"),
        tooltips.whole("bits", "bits"),
        tooltips.short("quantization_gap_nats", "measured gap"),
        tooltips.short("predicted_nats", "predicted gap"),
        tooltips.short("ratio", "measured / predicted"),
    ]


@drawn_once
def convergence_in_steps(steps: pd.DataFrame, symbol: str) -> alt.LayerChart:
    """The root's trace by both rules against the number of Lanczos steps.

    Args:
        steps: from ``curvature.by_steps``.
        symbol: of the matrix.
    """
    frame = steps.assign(rule=steps["method"].map({k: label for k, (label, _) in _RULES.items()}))
    colour = alt.Color(
        "rule:N",
        scale=alt.Scale(
            domain=[label for label, _ in _RULES.values()],
            range=[colour for _, colour in _RULES.values()],
        ),
        legend=alt.Legend(title=None, orient="bottom", symbolOpacity=1),
    )
    return _with_band(frame, "steps", "Lanczos steps", f"Tr(√{symbol}), √(nats/token)", colour)


@drawn_once
def convergence_in_probes(probes: pd.DataFrame, symbol: str) -> alt.LayerChart:
    """Both traces against the number of random vectors, over their final means.

    Args:
        probes: from ``curvature.by_probes``.
        symbol: of the matrix.
    """
    names = {"trace": f"Tr({symbol}), Hutchinson", "trace_sqrt": f"Tr(√{symbol})"}
    frame = probes.assign(what=probes["quantity"].map(names))
    colour = alt.Color(
        "what:N",
        scale=alt.Scale(domain=list(names.values()), range=["#2F7F86", "#6C5B9E"]),
        legend=alt.Legend(title=None, orient="bottom", symbolOpacity=1),
    )
    return _with_band(frame, "count", "Random vectors", "Relative to the mean", colour)


def _with_band(
    frame: pd.DataFrame, x: str, x_title: str, y_title: str, colour: alt.Color
) -> alt.LayerChart:
    base = vega.Chart(frame)
    across = alt.X(f"{x}:Q", title=x_title, axis=alt.Axis(grid=False, tickMinStep=1))
    up = alt.Y("value:Q", title=y_title, scale=alt.Scale(zero=False))
    band = base.mark_area(opacity=0.2).encode(x=across, y="low:Q", y2="high:Q", color=colour)
    line = base.mark_line(point=True, strokeWidth=1.6).encode(
        x=across,
        y=up,
        color=colour,
        tooltip=[
            tooltips.short(x, x_title),
            tooltips.number("value", y_title),
        ],
    )
    return vega.layer(band, line).properties(height=260)
