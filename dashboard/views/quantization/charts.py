"""Charts of the page *Quantization*: pure functions of data frames."""

import altair as alt
import pandas as pd

from dashboard.analysis.bound.gaps import of_gaps
from dashboard.analysis.bound.units import NATS, Unit
from dashboard.analysis.laws.fits import Law
from dashboard.analysis.measured.quantization import ALL_TOKENS, SAMPLED, without_feedback
from dashboard.artifacts.settings import QUANTIZERS
from dashboard.charts import tooltips, vega
from dashboard.charts.drawn_once import drawn_once
from dashboard.charts.law_charts import law_panel
from dashboard.charts.marks import by_certificate, notes
from dashboard.style import rounded_up
from dashboard.style.glossary import GUIDE_COLOUR
from dashboard.style.numbers import COUNT_TICKS

#: Width of every chart here, including axis and legend.
HEIGHT = 470


def _by_quantizer(frame: pd.DataFrame) -> dict:
    """Colour and shape of each quantizer that occurs, with one legend for both."""
    shown = [q for q in QUANTIZERS if q.label in set(frame["quantizer"])]
    domain = [q.label for q in shown]
    legend = alt.Legend(title=None, orient="bottom", columns=2, symbolSize=90, labelLimit=200)
    return {
        "color": alt.Color(
            "quantizer:N",
            scale=alt.Scale(domain=domain, range=[q.colour for q in shown]),
            legend=legend,
        ),
        "shape": alt.Shape(
            "quantizer:N",
            scale=alt.Scale(domain=domain, range=[q.shape for q in shown]),
            legend=legend,
        ),
    }


def on_log_axis(gaps: pd.DataFrame) -> pd.DataFrame:
    """Rows with a positive gap; bars that would end at or below 0 end at a tenth of the gap."""
    positive = gaps[gaps["quantization_gap"] > 0]
    floor = positive["quantization_gap"] / 10
    return positive.assign(gap_low=positive["gap_low"].clip(lower=floor))


@drawn_once
def gap_by_bits(gaps: pd.DataFrame, bits: str, title: str, unit: Unit = NATS) -> alt.LayerChart:
    """Quantization gap of one model against bits per weight, one line per quantizer.

    Args:
        gaps: from ``quantization.gaps``, one model.
        bits: column for the horizontal axis.
        title: what that is.
    """
    positive = on_log_axis(gaps)
    looks = _by_quantizer(gaps)
    # By its own choice Vega writes a lone value with six decimals.
    x = alt.X(
        f"{bits}:Q",
        title=title,
        scale=alt.Scale(zero=False, padding=12),
        axis=alt.Axis(format="~g"),
    )
    y = alt.Y(
        "quantization_gap:Q",
        title=f"Quantization gap, {unit.label}",
        scale=alt.Scale(type="log"),
        axis=alt.Axis(format="~g", tickCount=5),
    )
    base = vega.Chart(positive)
    lines = base.mark_line(strokeWidth=1.2, opacity=0.6).encode(
        x=x, y=y, color=looks["color"], detail="quantizer:N"
    )
    errors = base.mark_rule(strokeWidth=1.5).encode(
        x=x, y="gap_low:Q", y2="gap_high:Q", color=looks["color"]
    )
    tooltip = [
        alt.Tooltip("quantizer:N", title="quantizer"),
        alt.Tooltip("rate:N", title="rate"),
        tooltips.short(bits, "bits"),
        tooltips.short("quantization_gap", f"gap, {unit.label}"),
        tooltips.short("gap_se", "standard error"),
        alt.Tooltip("measured:N", title="measured on"),
    ]
    sizes = {ALL_TOKENS: 60, SAMPLED: 22}
    marks = [
        base.transform_filter(alt.datum.measured == measured).mark_point(
            size=size, filled=True, opacity=1
        )
        for measured, size in sizes.items()
    ]
    points = [part.encode(x=x, y=y, tooltip=tooltip, **looks) for part in marks]
    return vega.layer(lines, errors, *points).properties(height=HEIGHT)


@drawn_once
def gap_by_size(
    gaps: pd.DataFrame,
    law: Law,
    colour: str,
    at: float | None,
    unit: Unit = NATS,
    span: tuple[float, float] | None = None,
) -> alt.LayerChart:
    """Quantization gap against model size on log axes, two standard errors each way, with its law.

    Args:
        at: a size that was not measured, marked on the law.
        span: minimum range of the vertical axis, to compare charts.
    """
    errors = (
        vega.Chart(on_log_axis(gaps))
        .mark_rule(color=colour)
        .encode(x="params_total:Q", y="gap_low:Q", y2="gap_high:Q")
    )
    panel = law_panel(gaps, "quantization_gap", "", colour, law, unit=unit.label, at=at, span=span)
    return vega.layer(panel, errors).properties(width="container", height=HEIGHT)


@drawn_once
def bound_by_rate(
    bounds: pd.DataFrame, unit: Unit = NATS, span: tuple[float, float] | None = None
) -> alt.LayerChart:
    """Certified gap of one model against bits per parameter, with the best point marked.

    Args:
        bounds: from ``quantization.bounds_by_rate``, one model, losses in ``unit``; points that
            are not certificates are hollow.
        span: range of the vertical axis, to compare charts.
    """
    looks = _by_quantizer(bounds)
    shared = {}
    if span is not None:  # the number of the lowest point is below it
        shared = {"domain": [span[0] - 0.12 * (span[1] - span[0]), span[1]]}
    x = alt.X(
        "bits_per_parameter:Q",
        title="Bits per parameter of the chosen code",
        scale=alt.Scale(zero=False, padding=12),
    )
    y = alt.Y(
        "bound_gap:Q",
        title=f"Bound − training loss, {unit.label}",
        scale=alt.Scale(zero=False, padding=14, **shared),
    )
    bounds = of_gaps(rounded_up.with_printed(rounded_up.with_printed(bounds), 3))
    base = vega.Chart(bounds)
    lines = base.mark_line(strokeWidth=1.2, opacity=0.6).encode(
        x=x, y=y, color=looks["color"], detail="quantizer:N"
    )
    tooltip = [
        alt.Tooltip("quantizer:N", title="quantizer"),
        alt.Tooltip("rate:N", title="rate"),
        tooltips.short("bits_per_parameter", "bits per parameter"),
        rounded_up.tooltip("bound_gap", "gap of the bound"),
        rounded_up.tooltip("total", "bound"),
    ]
    points = [
        vega.Chart(rows)
        .mark_point(size=60, filled=certified, opacity=1)
        .encode(x=x, y=y, tooltip=[*tooltip, *notes(rows)], **looks)
        for rows, certified in by_certificate(bounds)
    ]
    best = base.transform_filter(alt.datum.best)
    ring = best.mark_point(size=420, filled=False, color=GUIDE_COLOUR, strokeWidth=2.5).encode(
        x=x, y=y
    )
    text = best.mark_text(dy=26, fontWeight="bold", color=GUIDE_COLOUR).encode(
        x=x, y=y, text=rounded_up.label("bound_gap", 3)
    )
    return vega.layer(lines, *points, ring, text).properties(height=HEIGHT)


@drawn_once
def by_total_bits(
    bounds: pd.DataFrame, column: str, title: str, unit: Unit = NATS
) -> alt.LayerChart:
    """Loss or bound of every model against the bits of the whole model, a line per setting.

    Args:
        bounds: from ``quantization.bounds_by_rate``, all models, one quantizer and float formats.
        column: ``train_loss`` or ``total``.
        title: of the vertical axis.
        unit: of both; points that are not certificates are hollow.
    """
    order = list(dict.fromkeys(bounds.sort_values("bits_per_parameter")["rate"]))
    colour = alt.Color(
        "rate:N",
        sort=order,
        scale=alt.Scale(scheme="viridis"),
        legend=alt.Legend(title=None, orient="bottom", columns=3, labelLimit=200),
    )
    x = alt.X(
        "total_bits:Q",
        title="Bits of the whole model (log scale)",
        scale=alt.Scale(type="log", nice=False, padding=12),
        axis=alt.Axis(**COUNT_TICKS, grid=False, tickCount=5),
    )
    y = alt.Y(f"{column}:Q", title=f"{title}, {unit.label}", scale=alt.Scale(zero=False, padding=8))
    bounds = tooltips.with_counts(rounded_up.with_printed(bounds), "total_bits")
    value = tooltips.number(column, unit.label)
    tooltip = [
        alt.Tooltip("model_id:N", title="model"),
        alt.Tooltip("rate:N", title="rate"),
        tooltips.count("total_bits", "bits"),
        rounded_up.tooltip(column, unit.label) if column in rounded_up.UPPER else value,
    ]
    look = {"x": x, "y": y, "color": colour}
    points = [
        vega.Chart(rows)
        .mark_point(size=45, filled=certified, opacity=1)
        .encode(tooltip=[*tooltip, *notes(rows)], **look)
        for rows, certified in by_certificate(bounds)
    ]
    lines = vega.Chart(bounds).mark_line(strokeWidth=1.5, opacity=0.7).encode(**look)
    return vega.layer(lines, *points).properties(height=HEIGHT)


@drawn_once
def predicted_loss(layers: pd.DataFrame) -> alt.LayerChart:
    """Measured proxy loss of every layer against QuIP's prediction, on log axes."""
    column = "predicted_proxy_loss"
    if without_feedback(layers):
        layers = layers.assign(**{column: layers["predicted_rounding_proxy_loss"]})
    shown = layers[(layers["proxy_loss"] > 0) & (layers[column] > 0)]
    both = pd.concat([shown["proxy_loss"], shown["predicted_proxy_loss"]])
    ends = [float(both.min()) / 1.5, float(both.max()) * 1.5]
    scale = alt.Scale(type="log", domain=ends, nice=False)
    axis = alt.Axis(format=".0e", tickCount=4, grid=False)
    diagonal = (
        vega.Chart(pd.DataFrame({"end": ends}))
        .mark_line(strokeDash=[5, 4], color=GUIDE_COLOUR)
        .encode(x=alt.X("end:Q", scale=scale), y=alt.Y("end:Q", scale=scale))
    )
    points = (
        vega.Chart(shown)
        .mark_point(size=60, filled=True, opacity=0.9)
        .encode(
            x=alt.X("predicted_proxy_loss:Q", title="Predicted proxy loss", scale=scale, axis=axis),
            y=alt.Y("proxy_loss:Q", title="Measured proxy loss", scale=scale, axis=axis),
            color=alt.Color(
                "kind:N",
                scale=alt.Scale(domain=["linear", "embedding"], range=["#332288", "#B5651D"]),
                legend=alt.Legend(title=None, orient="bottom"),
            ),
            shape=alt.Shape(
                "kind:N",
                scale=alt.Scale(domain=["linear", "embedding"], range=["circle", "square"]),
                legend=alt.Legend(title=None, orient="bottom"),
            ),
            tooltip=[
                alt.Tooltip("layer:N", title="layer"),
                tooltips.tiny("proxy_loss", "measured"),
                tooltips.tiny("predicted_proxy_loss", "predicted"),
                tooltips.short("feedback_ratio", "measured / rounding"),
            ],
        )
    )
    return vega.layer(diagonal, points).properties(height=HEIGHT)


@drawn_once
def rotation(ratios: pd.DataFrame) -> alt.LayerChart:
    """Ratio of each layer's loss with and without rotation, measured against predicted."""
    both = pd.concat([ratios["predicted_ratio"], ratios["measured_ratio"], pd.Series([1.0])])
    ends = [float(both.min()) / 1.15, float(both.max()) * 1.15]
    scale = alt.Scale(type="log", domain=ends, nice=False)
    axis = alt.Axis(format="~g", tickCount=5, grid=False)
    one = pd.DataFrame({"one": [1.0]})
    what = "loss, rotated / plain"
    guides = [
        vega.Chart(one).mark_rule(color=GUIDE_COLOUR, opacity=0.6).encode(x="one:Q"),
        vega.Chart(one).mark_rule(color=GUIDE_COLOUR, opacity=0.6).encode(y="one:Q"),
        vega.Chart(pd.DataFrame({"end": ends}))
        .mark_line(strokeDash=[5, 4], color=GUIDE_COLOUR)
        .encode(x="end:Q", y="end:Q"),
    ]
    points = (
        vega.Chart(ratios)
        .mark_point(size=55, filled=True, opacity=0.9)
        .encode(
            x=alt.X("predicted_ratio:Q", title=f"Predicted {what}", scale=scale, axis=axis),
            y=alt.Y("measured_ratio:Q", title=f"Measured {what}", scale=scale, axis=axis),
            color=alt.Color(
                "bits:O",
                scale=alt.Scale(scheme="viridis"),
                legend=alt.Legend(title="bits", orient="bottom", columns=6),
            ),
            tooltip=[
                alt.Tooltip("layer:N", title="layer"),
                alt.Tooltip("bits:O", title="bits"),
                tooltips.short("predicted_ratio", "predicted"),
                tooltips.short("measured_ratio", "measured"),
            ],
        )
    )
    return vega.layer(*guides, points).properties(height=HEIGHT)
