"""Charts of the page *Overview*: pure functions of data frames."""

from functools import partial

import altair as alt
import pandas as pd

from bounds.printed import upper_text
from dashboard.analysis.bound import progressive
from dashboard.analysis.bound.gaps import of_gaps
from dashboard.analysis.bound.terms import NOTES
from dashboard.analysis.bound.units import Unit
from dashboard.charts import tooltips, vega
from dashboard.charts.by_size import (
    guess_line,
    guesses,
    range_of_seeds,
    size_axis,
    stacked_rows,
)
from dashboard.charts.drawn_once import drawn_once
from dashboard.charts.marks import by_certificate, fill_of_bar, notes
from dashboard.style.glossary import (
    GAP_COLOUR,
    GUIDE_COLOUR,
    HELDOUT_LABEL,
    MEASURED_COLOURS,
    TRAIN_LABEL,
    Term,
    parameter_count,
)
from dashboard.style.rounded_up import label, printed, with_printed
from dashboard.style.rounded_up import tooltip as upper_tooltip
from dashboard.views.overview.data import Overview, gap_terms

#: Colour of either bound.
OUR_COLOUR, PAPER_COLOUR = GAP_COLOUR, GUIDE_COLOUR

#: Minimum distance between two names, as a share of the axis.
LEAST_APART = 0.085

#: Bars of the paper's form are paler than ours.
PALE = 0.45

#: Columns of a model that a chart uses; all others would be sent with every chart.
_KEPT = (
    *("model_id", "params_total", "setting", "certified", *NOTES, "not_certified_because"),
    *(
        "total",
        "gap",
        "gap_certified",
        "measured_train_loss",
        "measured_heldout_loss",
    ),
    *("vocab_size", "bytes_per_token"),
)
_THEIRS, _OURS = "paper's", "ours"


def highest(view: Overview, unit: Unit) -> float:
    """The end of a vertical axis that shows the bounds and the uniform guess."""
    return 1.06 * max(*_bounds(view)["loss"], *guesses(view.ours, unit))


@drawn_once
def claim(view: Overview, unit: Unit, height: int, top: float | None = None) -> alt.LayerChart:
    """Both bounds, the held-out and the training loss against model size, and the uniform guess.

    A bound that is not a certificate has hollow points on a dashed line.

    Args:
        top: end of the vertical axis, to compare charts.
    """
    bounds, measured = _bounds(view), _measured(view.ours)
    x = alt.X(
        "params_total:Q",
        scale=_room_for_names(view.ours),
        axis=size_axis(view.ours["params_total"]),
    )
    fixed = {} if top is None else {"domain": [0.0, top], "nice": False}
    y = alt.Y("loss:Q", title=f"Loss, {unit.label}", scale=alt.Scale(zero=True, **fixed))
    own = alt.Color("colour:N", scale=None)
    layers = guess_line(guesses(view.ours, unit))
    lines = vega.Chart(measured).mark_line(color=GUIDE_COLOUR, strokeWidth=1)
    layers.append(lines.encode(x=x, y=y, detail="what:N"))
    tooltip = [
        alt.Tooltip("model_id:N", title="model"),
        alt.Tooltip("what:N", title="quantity"),
        alt.Tooltip("shown:N", title=unit.label),
    ]
    points = vega.Chart(measured).mark_point(size=70, stroke=GUIDE_COLOUR, strokeWidth=1, opacity=1)
    fill, shape = alt.Fill("colour:N", scale=None), alt.Shape("shape:N", scale=None)
    layers.append(points.encode(x=x, y=y, fill=fill, shape=shape, tooltip=tooltip))
    tooltip += [
        upper_tooltip("gap", "gap"),
        alt.Tooltip("setting:N", title="setting"),
    ]
    for rows, certified in by_certificate(bounds):
        base = vega.Chart(rows).encode(x=x, y=y, color=own)
        dash = {} if certified else {"strokeDash": [4, 4]}
        layers.append(base.mark_line(strokeWidth=2, **dash).encode(detail="what:N"))
        marks = base.mark_point(size=70, opacity=1, filled=certified)
        layers.append(marks.encode(tooltip=[*tooltip, *notes(rows)]))
    online = _on_the_way(view)
    if len(online):
        layers += _online_layers(online, x, y, unit)
    top = top or max(*bounds["loss"], *guesses(view.ours, unit))
    names = vega.Chart(_names(bounds, measured, top, online)).mark_text(align="left", dx=9)
    layers.append(names.encode(x=x, y=y, text="text:N", color=own))
    if len(view.seeds):
        layers.append(range_of_seeds(view.seeds, x, unit, OUR_COLOUR))
    return vega.layer(*layers).properties(height=height)


@drawn_once
def gap_by_term(view: Overview, unit: Unit, height: int) -> alt.LayerChart:
    """The terms of the gap: the paper's (pale) next to ours, stacked, for every size.

    Bars that are not certificates are hollow.
    """
    frames = [(view.paper, _THEIRS), (view.ours, _OURS)]
    terms = gap_terms(pd.concat([frame for frame, _ in frames if len(frame)]))
    names = _short_names(view.ours)
    rows = of_gaps(
        with_printed(pd.concat([_stacked(frame, terms, names, whose) for frame, whose in frames]))
    )
    axis = alt.Axis(labelAngle=0, labelOverlap=True)
    x = alt.X("size:N", sort=list(names.values()), title=None, axis=axis)
    offset = alt.XOffset("whose:N", sort=[_THEIRS, _OURS], scale=alt.Scale(paddingInner=0.06))
    y = alt.Y("bottom:Q", title=None, axis=alt.Axis(tickCount=3))
    colour = alt.Color(
        "term:N",
        scale=alt.Scale(domain=[t.label for t in terms], range=[t.colour for t in terms]),
        legend=None,
    )
    opacity = alt.condition(alt.datum.whose == _OURS, alt.value(1.0), alt.value(PALE))
    tooltip = [
        alt.Tooltip("model_id:N", title="model"),
        alt.Tooltip("setting:N", title="setting"),
        alt.Tooltip("whose:N", title="form"),
        alt.Tooltip("term:N", title="term"),
        tooltips.number("value", unit.label),
        upper_tooltip("gap", "gap"),
    ]
    look = {"color": colour, "opacity": opacity}
    layers = [
        vega.Chart(part)
        .mark_bar(**fill_of_bar(certified))
        .encode(x=x, xOffset=offset, y=y, y2="top:Q", tooltip=[*tooltip, *notes(part)], **look)
        for part, certified in by_certificate(rows)
    ]
    totals = with_printed(rows.drop_duplicates(["model_id", "whose"]), 2)
    layers.append(
        vega.Chart(totals)
        .mark_text(dy=-6, fontSize=10, color=GUIDE_COLOUR)
        .encode(x=x, xOffset=offset, y="gap:Q", text=label("gap", 2))
    )
    return vega.layer(*layers).properties(height=height)


def _bounds(view: Overview) -> pd.DataFrame:
    """Rows of either form with their labels: a “bound” only if every row is certified."""
    ours = "Our" if view.best else "Chosen"
    frames = []
    for frame, whose, colour in (
        (view.paper, "Paper's", PAPER_COLOUR),
        (view.ours, ours if len(view.paper) else "Paper's", OUR_COLOUR),
    ):
        if len(frame):
            what = f"{whose} bound" if frame["certified"].all() else f"{whose}, not a bound"
            rows = frame[[key for key in _KEPT if key in frame]].assign(
                what=what, loss=frame["total"], colour=colour
            )
            frames.append(with_printed(rows).assign(shown=lambda f: f[printed("total")]))
    return pd.concat(frames, ignore_index=True)


def _measured(terms: pd.DataFrame) -> pd.DataFrame:
    """Held-out and training loss, one row each per model."""
    kinds = (
        (HELDOUT_LABEL, "measured_heldout_loss", MEASURED_COLOURS[0], "diamond"),
        (TRAIN_LABEL, "measured_train_loss", MEASURED_COLOURS[1], "circle"),
    )
    frames = [
        terms[["model_id", "params_total"]].assign(
            what=what,
            loss=terms[key],
            shown=terms[key].map("{:.3f}".format),
            colour=colour,
            shape=shape,
        )
        for what, key, colour, shape in kinds
    ]
    return pd.concat(frames, ignore_index=True)


def _on_the_way(view: Overview) -> pd.DataFrame:
    """Rows of the bound during training, as the chart needs them."""
    rows = view.on_the_way
    if rows.empty:
        return rows
    kept = rows[rows["model_id"].isin(view.ours["model_id"])]
    return kept.assign(loss=kept["total"], what=progressive.SHORT_LABEL, colour=progressive.COLOUR)


def _online_layers(rows: pd.DataFrame, x: alt.X, y: alt.Y, unit: Unit) -> list[alt.Chart]:
    """A line with triangles: it bounds a different quantity than the lines with circles."""
    tooltip = [
        alt.Tooltip("model_id:N", title="model"),
        alt.Tooltip("what:N", title="quantity"),
        upper_tooltip("total", unit.label),
        tooltips.number("online_loss", "mean online loss"),
    ]
    layers = []
    for part, certified in by_certificate(with_printed(rows)):
        base = vega.Chart(part).encode(x=x, y=y)
        dash = {} if certified else {"strokeDash": [4, 4]}
        layers.append(base.mark_line(color=progressive.COLOUR, strokeWidth=1.5, **dash))
        marks = base.mark_point(
            shape="triangle-up", size=70, opacity=1, color=progressive.COLOUR, filled=certified
        )
        layers.append(marks.encode(tooltip=[*tooltip, *notes(part)]))
    return layers


def _names(
    bounds: pd.DataFrame, measured: pd.DataFrame, top: float, online: pd.DataFrame
) -> pd.DataFrame:
    """Labels of the lines at their last points, with the values for the largest model.

    Labels that would overlap are moved apart; ``top`` is the end of the axis.
    """
    measured = measured.assign(colour=GUIDE_COLOUR, what=measured["what"].str.partition(",")[0])
    known = pd.concat([frame for frame in (bounds, measured, online) if len(frame)])
    last = known.groupby("what", sort=False).tail(1).sort_values("loss")
    places: list[float] = []
    for loss in last["loss"]:
        places.append(max(loss, places[-1] + LEAST_APART * top) if places else loss)
    is_bound = last["total"].notna()
    text = (
        last["what"]
        + " "
        + last["loss"]
        .map("{:.2f}".format)
        .where(~is_bound, last["loss"].map(partial(upper_text, digits=2)))
    )
    return last[["params_total", "colour"]].assign(loss=places, text=text)


def _room_for_names(terms: pd.DataFrame) -> alt.Scale:
    """Logarithmic, with room for names at the right end of the lines."""
    low, high = float(terms["params_total"].min()), float(terms["params_total"].max())
    span = high / low if high > low else 4.0
    return alt.Scale(type="log", domain=[low / span**0.06, high * span**0.42], nice=False)


def _short_names(models: pd.DataFrame) -> dict[str, str]:
    """Every model's size, or its name if another model has the same size."""
    sizes = models["params_total"].map(parameter_count)
    names = sizes.where(~sizes.duplicated(keep=False), models["model_id"])
    return dict(zip(models["model_id"], names, strict=True))


def _stacked(
    frame: pd.DataFrame, terms: tuple[Term, ...], names: dict[str, str], whose: str
) -> pd.DataFrame:
    """One row per model and term, with the ends of its bar; a negative term reverses direction."""
    frame = frame[frame["model_id"].isin(list(names))]
    frame = frame.assign(whose=whose, size=frame["model_id"].map(names))
    kept = [key for key in (*_KEPT, "whose", "size") if key in frame]
    return stacked_rows(frame, terms, kept)
