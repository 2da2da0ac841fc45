"""The learning-rate sweep: loss by rate at each size, the best rates, and their rule."""

import altair as alt
import numpy as np
import pandas as pd

from bounds.laws.learning_rate import BestRate, RateRule
from dashboard.analysis.laws.fits import Unfitted
from dashboard.style.glossary import GUIDE_COLOUR, RAMP, parameter_count
from dashboard.views.overview.trends import Trend, trend_of
from tools.results.ladder import Ladder
from tools.results.markdown import Part, images, paragraphs, table
from tools.results.sweep import by_rate, optima, read_sweep, rule
from tools.results.words import counted, listed, number


def section(ladder: Ladder) -> Part:
    """The section; one sentence if no rates were swept."""
    heading = "## 3. Learning rates"
    found = read_sweep(ladder.data_dir, ladder.suite.name)
    if found is None:
        return Part(
            paragraphs(
                heading,
                "No learning rates were swept for this suite.",
            )
        )
    name, sweep = found
    rates = by_rate(sweep)
    best = optima(rates)
    law = rule(best)
    return Part(
        paragraphs(
            heading,
            _sweep_text(name, sweep),
            images(learning_rates="Loss over that at the best learning rate, by size"),
            _table(ladder, best, law),
            rule_text(best, law),
        ),
        {"learning-rates": chart(rates, best)},
    )


def _sweep_text(name: str, sweep: pd.DataFrame) -> str:
    sizes, diverged = sweep["params_total"].nunique(), int(sweep["fresh_loss_nats"].isna().sum())
    ends = f"{counted(diverged, 'run').capitalize()} diverged."
    windows = listed([f"{count:,}" for count in sorted(set(sweep["fresh_windows"]))])
    return (
        f"{counted(len(sweep), 'run').capitalize()} at {counted(sizes, 'size')} (suite `{name}`), "
        f"each to its full $D$. {ends} The loss is that of the trained model on the {windows} "
        "windows of the stream after its training text. They are the same at every rate of a "
        "size, so most of the standard error over windows is common to all rates."
    )


def _table(ladder: Ladder, best: dict[int, BestRate | Unfitted], law: RateRule | Unfitted) -> str:
    used = {size.params: float(size.first["learning_rate"]) for size in ladder.sizes}
    rows = []
    for params in sorted({*best, *used}):
        found = best.get(params)
        by_rule = "–" if isinstance(law, Unfitted) else _rate(law.at(params))
        trained = _rate(used[params]) if params in used else "not in this suite"
        rows.append([parameter_count(params), *_best_cells(found), by_rule, trained])
    header = ["size", "best rate", "between", "loss there, nats", "by the rule", "trained with"]
    return table(header, rows)


def _best_cells(found: BestRate | Unfitted | None) -> list[str]:
    if found is None:
        return ["not swept", "–", "–"]
    if isinstance(found, Unfitted):
        return [found.reason, "–", "–"]
    if not found.bracketed:
        return [f"{_rate(found.rate)}, {found.edge}", "–", number(found.loss_nats)]
    between = f"{_rate(found.lower)} and {_rate(found.upper)}"
    return [_rate(found.rate), between, number(found.loss_nats)]


def _rate(value: float) -> str:
    return "–" if np.isnan(value) else f"{value:.3g}"


def rule_text(best: dict[int, BestRate | Unfitted], law: RateRule | Unfitted) -> str:
    """The fit, the sizes left out, and the rule with its uncertainty."""
    edges = [
        parameter_count(n) for n, b in best.items() if isinstance(b, Unfitted) or not b.bracketed
    ]
    left_out = (
        f" At {listed(edges)} there is no minimum between tried rates: nothing is extrapolated, "
        "and the rule is fitted without them."
        if edges
        else ""
    )
    vertex = (
        "The best rate is the vertex of the least-squares parabola in $\\ln\\eta$ through all of "
        f"a size's losses.{left_out}"
    )
    if isinstance(law, Unfitted):
        return f"{vertex} There is no rule: {law.reason}."
    found = trend_of(law.exponent_interval)
    direction = found.value if found is Trend.FLAT else f"{found.value} with size"
    low, high = law.exponent_interval
    sign = "-" if law.exponent >= 0 else "+"
    formula = f"{law.line.intercept:.3f} {sign} {abs(law.exponent):.3f}\\,\\ln N"
    return (
        f"{vertex} It {direction}: $\\ln\\eta^* = {formula}$ (95 % interval of the exponent "
        f"{number(low)} to {number(high)}, Student's, {counted(law.line.points, 'size')}); best "
        f"rates scatter about it by a factor of {np.exp(law.line.scatter):.2f}. Beyond the swept "
        "sizes the rule is an extrapolation."
    )


def chart(rates: pd.DataFrame, best: dict[int, BestRate | Unfitted]) -> alt.LayerChart:
    """Loss by rate over that of the vertex, a line per size; diamonds are the best rates, hollow
    if there is no vertex and the lowest loss is used."""
    lowest = {n: b.loss_nats for n, b in best.items() if isinstance(b, BestRate)}
    frame = rates.dropna(subset=["loss_nats"])
    frame = frame.assign(excess=frame["loss_nats"] - frame["params_total"].map(lowest))
    order = list(dict.fromkeys(frame.sort_values("params_total")["label"]))
    scale = alt.Scale(scheme=RAMP)
    colour = alt.Color(
        "label:N", sort=order, scale=scale, legend=alt.Legend(title="parameters", symbolOpacity=1)
    )
    x = alt.X(
        "learning_rate:Q",
        title="Peak learning rate",
        scale=alt.Scale(type="log", nice=False, padding=14),
        axis=alt.Axis(format="~g", grid=False, values=sorted(set(frame["learning_rate"]))),
    )
    y = alt.Y("excess:Q", title="Loss over that of the vertex, nats")
    base = alt.Chart(frame)
    lines = base.mark_line(strokeWidth=1.4).encode(x=x, y=y, color=colour)
    dots = base.mark_point(size=35, filled=True, opacity=1).encode(x=x, y=y, color=colour)
    rows = [
        {
            "learning_rate": found.rate,
            "excess": 0.0,
            "label": parameter_count(params),
            "bracketed": found.bracketed,
        }
        for params, found in best.items()
        if isinstance(found, BestRate)
    ]
    layers = [lines, dots]
    for bracketed in (True, False):
        ends = pd.DataFrame([row for row in rows if row["bracketed"] is bracketed])
        if len(ends):
            marks = alt.Chart(ends).mark_point(
                size=110, shape="diamond", filled=bracketed, opacity=1, stroke=GUIDE_COLOUR
            )
            fill = alt.Fill("label:N", sort=order, scale=scale, legend=None)
            layers.append(marks.encode(x=x, y=y, **({"fill": fill} if bracketed else {})))
    return alt.layer(*layers).properties(width=420, height=280)
