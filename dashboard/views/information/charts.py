"""Charts of the page *Information*: pure functions of data frames."""

import altair as alt
import numpy as np
import pandas as pd

from bounds import PowerLaw
from dashboard.analysis.bound.units import NATS, Unit
from dashboard.analysis.laws.fits import Law
from dashboard.charts import tooltips, vega
from dashboard.charts.drawn_once import drawn_once
from dashboard.charts.law_charts import EXTRAPOLATED_DASH, PUBLISHED_DASH, law_curve, size_scale
from dashboard.charts.marks import by_certificate, notes
from dashboard.style.glossary import CODE_COLOURS, CODE_LABELS, GUESS_LABEL, GUIDE_COLOUR
from dashboard.style.numbers import COUNT_TICKS
from dashboard.style.rounded_up import tooltip as upper_tooltip
from dashboard.style.rounded_up import with_printed

HEIGHT = 300


def _curves(laws: dict[str, Law], reach: float) -> pd.DataFrame:
    found = [
        law_curve(law, reach).assign(label=CODE_LABELS[code])
        for code, law in laws.items()
        if isinstance(law, PowerLaw)
    ]
    return pd.concat(found) if found else pd.DataFrame({"value": [], "low": [], "high": []})


def ends(
    codes: pd.DataFrame,
    laws: dict[str, Law],
    published: pd.DataFrame,
    key: str,
    reach: float,
) -> tuple[float, float]:
    """Smallest and largest value that ``bits_by_size`` shows of the same arguments."""
    return _ends(codes, _curves(laws, reach), published, key)


def _ends(
    codes: pd.DataFrame, curve: pd.DataFrame, published: pd.DataFrame, key: str
) -> tuple[float, float]:
    values = np.array([codes[key].min(), codes[key].max(), *curve["value"], *published["value"]])
    return float(values.min()), float(values.max())


@drawn_once
def bits_by_size(
    codes: pd.DataFrame,
    laws: dict[str, Law],
    key: str,
    title: str,
    reach: float,
    published: pd.DataFrame,
    span: tuple[float, float] | None = None,
) -> alt.LayerChart:
    """Bits by each code against model size with their laws, solid where measured.

    Args:
        codes: from ``information.by_code``; hollow points belong to codes without a certificate.
        laws: by code.
        key: ``total_bits`` or ``bits_per_parameter``.
        title: of the vertical axis.
        reach: size up to which laws are drawn.
        published: columns law, params_total, value, inside: published laws, dotted.
        span: minimum range of the vertical axis, from ``ends`` of all compared charts.
    """
    colour = _code_colour(list(dict.fromkeys(codes["code"])))
    codes = codes.assign(label=codes["code"].map(CODE_LABELS))
    axis = alt.Axis(title="parameters N", **COUNT_TICKS, tickCount=6, grid=False)
    x = alt.X("params_total:Q", scale=size_scale(codes["params_total"], reach), axis=axis)
    curve = _curves(laws, reach)
    low, high = span or _ends(codes, curve, published, key)
    y = alt.Y(
        f"{key}:Q",
        title=title,
        scale=alt.Scale(type="log", domain=[0.6 * low, 1.7 * high], nice=False, clamp=True),
        axis=alt.Axis(
            **(COUNT_TICKS if key == "total_bits" else {"format": "~g"}),
            tickCount=6,
            grid=False,
        ),
    )
    layers = []
    for part, opacity, dash in (
        ("measured range", 0.18, [1, 0]),
        ("extrapolated", 0.06, EXTRAPOLATED_DASH),
    ):
        if not len(curve):
            break
        rows = tooltips.with_counts(curve[curve["part"] == part].rename(columns={"value": key}))
        base = vega.Chart(rows)
        band = base.mark_area(opacity=opacity, clip=True)
        layers.append(band.encode(x=x, y="low:Q", y2="high:Q", color=colour))
        line = base.mark_line(strokeDash=dash, clip=True)
        tooltip = [
            alt.Tooltip("label:N", title="code"),
            tooltips.count("params_total", "N"),
            tooltips.number(key, part),
        ]
        layers.append(line.encode(x=x, y=y, color=colour, tooltip=tooltip))
    if len(published):
        layers += _reported(published.rename(columns={"value": key}), key, x, y)
    for certified in (True, False):
        rows = codes[codes["certified"] == certified]
        points = vega.Chart(rows).mark_point(size=60, opacity=1, filled=certified)
        tooltip = [
            alt.Tooltip("model_id:N", title="model"),
            alt.Tooltip("label:N", title="code"),
            tooltips.number(key, title.lower()),
            alt.Tooltip("certified:N", title="certified"),
        ]
        layers.append(points.encode(x=x, y=y, color=colour, tooltip=tooltip))
    return vega.layer(*layers).properties(height=HEIGHT)


def _reported(published: pd.DataFrame, key: str, x: alt.X, y: alt.Y) -> list[alt.Chart]:
    """A published law: dotted, paler outside the range of its models, named at its end."""
    base = vega.Chart(tooltips.with_counts(published))
    line = base.mark_line(
        strokeDash=PUBLISHED_DASH, color=GUIDE_COLOUR, strokeWidth=2, clip=True
    ).encode(
        x=x,
        y=y,
        detail=["law:N", "part:N"],
        opacity=alt.Opacity(
            "inside:N", scale=alt.Scale(domain=[True, False], range=[1.0, 0.6]), legend=None
        ),
        tooltip=[
            alt.Tooltip("law:N", title="published"),
            tooltips.count("params_total", "N"),
            tooltips.number(key, "reported"),
            alt.Tooltip("inside:N", title="within the range of its models"),
        ],
    )
    first = published.sort_values("params_total").groupby("law").head(1)
    middle = np.sqrt(published["params_total"].min() * published["params_total"].max())
    beyond = first["params_total"] > middle  # a name there would run over the edge
    names = [
        vega.Chart(rows)
        .mark_text(align=align, dx=dx, dy=dy, color=GUIDE_COLOUR)
        .encode(x=x, y=y, text="law:N")
        for rows, align, dx, dy in (
            (first[~beyond], "left", 6, -14),
            (first[beyond], "right", -6, 6),
        )
        if len(rows)
    ]
    return [line, *names]


def _code_colour(codes: list[str]) -> alt.Color:
    return alt.Color(
        "label:N",
        scale=alt.Scale(
            domain=[CODE_LABELS[code] for code in codes],
            range=[CODE_COLOURS[code] for code in codes],
        ),
        legend=alt.Legend(title=None, orient="bottom", columns=3, symbolOpacity=1),
    )


@drawn_once
def online_area(
    curve: pd.DataFrame, kept: pd.DataFrame, colour: str, unit: Unit = NATS
) -> alt.LayerChart:
    """Online loss against tokens seen, with the area above the final loss shaded: K(h).

    Args:
        curve: from ``information.area_curve``.
        kept: from ``information.checkpoint_curve``, may be empty.
        colour: of the area.
    """
    ends = [0.9 * curve["final_loss"].min(), curve["loss"].max()]
    scale = alt.Scale(domain=ends, nice=False, clamp=True)
    axis = alt.Axis(**COUNT_TICKS, grid=False)
    x = alt.X("tokens:Q", title="Tokens seen in training", axis=axis)
    y = alt.Y("loss:Q", title=f"Loss, {unit.label}", scale=scale)
    tooltip = [
        tooltips.count("tokens", "tokens seen"),
        tooltips.number("loss", "online loss"),
    ]
    base = vega.Chart(tooltips.with_counts(curve, "tokens"))
    layers = [
        base.mark_area(opacity=0.25, color=colour).encode(x=x, y=y, y2="final_loss:Q"),
        base.mark_line(color=colour, strokeWidth=1.4).encode(x=x, y=y, tooltip=tooltip),
        base.mark_line(color=GUIDE_COLOUR, strokeDash=[5, 4]).encode(x=x, y="final_loss:Q"),
    ]
    if len(kept):
        points = vega.Chart(kept.rename(columns={"tokens_seen": "tokens"}))
        tooltip = [
            tooltips.whole("train_step", "checkpoint after step"),
            tooltips.number("loss", "loss on the next windows"),
        ]
        marks = points.mark_point(
            size=45, color="#20242b", fill="white", opacity=1, strokeWidth=1.5
        )
        layers.append(marks.encode(x=x, y=y, tooltip=tooltip))
    return vega.layer(*layers).properties(height=HEIGHT)


@drawn_once
def checkpoint_error(models: pd.DataFrame, colour: str) -> alt.LayerChart:
    """K(h) from checkpoints over the exact area, with its stated error.

    Args:
        models: from ``information.by_model``, rows with both.
        colour: of points and bars.
    """
    frame = models.assign(
        ratio=models["checkpoint_bits"] / models["k_bits"],
        low=(models["checkpoint_bits"] - models["checkpoint_error_bits"]) / models["k_bits"],
        high=(models["checkpoint_bits"] + models["checkpoint_error_bits"]) / models["k_bits"],
        closed=models["closed_form_bits"] / models["k_bits"],
    )
    axis = alt.Axis(title="parameters N", **COUNT_TICKS, tickCount=5, grid=False)
    x = alt.X("params_total:Q", scale=size_scale(frame["params_total"]), axis=axis)
    y = alt.Y("ratio:Q", title="K(h) over the exact area", scale=alt.Scale(zero=False))
    one = vega.Chart(pd.DataFrame({"ratio": [1.0]})).mark_rule(
        strokeDash=[5, 4], color=GUIDE_COLOUR
    )
    bars = vega.Chart(frame).mark_rule(color=colour, strokeWidth=2)
    points = vega.Chart(frame).mark_point(size=60, color=colour, filled=True, opacity=1)
    closed = vega.Chart(frame.dropna(subset=["closed"])).mark_point(
        size=60, color=GUIDE_COLOUR, shape="triangle-up", opacity=1
    )
    tooltip = [
        alt.Tooltip("model_id:N", title="model"),
        tooltips.short("ratio", "from checkpoints"),
        tooltips.short("low", "stated error, from"),
        tooltips.short("high", "to"),
        tooltips.short("closed", "closed form"),
        tooltips.short("data_exponent", "beta"),
    ]
    return vega.layer(
        one.encode(y=y),
        bars.encode(x=x, y="low:Q", y2="high:Q"),
        points.encode(x=x, y=y, tooltip=tooltip),
        closed.encode(x=x, y="closed:Q", tooltip=tooltip),
    ).properties(height=HEIGHT)


@drawn_once
def totals_by_code(totals: pd.DataFrame, unit: Unit = NATS) -> alt.LayerChart:
    """Bound against model size by either code; hollow and dashed if it is not a certificate.

    Args:
        totals: rows of ``Losses`` of ``terms.bound_terms`` with a column code, losses in ``unit``.
    """
    guess = max(unit.guess(t.vocab_size, t.bytes_per_token) for t in totals.itertuples())
    frame = with_printed(totals.assign(label=totals["code"].map(CODE_LABELS)))
    axis = alt.Axis(title="parameters N", **COUNT_TICKS, tickCount=5, grid=False)
    x = alt.X("params_total:Q", scale=size_scale(frame["params_total"]), axis=axis)
    y = alt.Y("total:Q", title=f"Bound, {unit.label}", scale=alt.Scale(zero=False))
    colour = _code_colour(list(dict.fromkeys(frame["code"])))
    layers = [
        vega.Chart(pd.DataFrame({"guess": [guess]}))
        .mark_rule(strokeDash=[5, 4], color=GUIDE_COLOUR)
        .encode(y="guess:Q"),
        vega.Chart(pd.DataFrame({"guess": [guess]}))
        .mark_text(align="right", dx=-4, dy=-7, color=GUIDE_COLOUR, text=GUESS_LABEL)
        .encode(x=alt.value("width"), y="guess:Q"),
    ]
    tooltip = [
        alt.Tooltip("model_id:N", title="model"),
        alt.Tooltip("label:N", title="code"),
        upper_tooltip("total", "bound"),
        alt.Tooltip("certified:N", title="certified"),
    ]
    for rows, certified in by_certificate(frame):
        base = vega.Chart(rows)
        layers.append(
            base.mark_line(strokeDash=[1, 0] if certified else [4, 3]).encode(
                x=x, y=y, color=colour
            )
        )
        layers.append(
            base.mark_point(size=60, filled=certified, opacity=1).encode(
                x=x, y=y, color=colour, tooltip=[*tooltip, *notes(rows)]
            )
        )
    return vega.layer(*layers).properties(height=HEIGHT)
