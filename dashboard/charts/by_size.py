"""What charts of bounds against model size share: axis, stacks, seeds, the uniform guess."""

from collections.abc import Iterable

import altair as alt
import pandas as pd

from dashboard.analysis.bound.units import Unit
from dashboard.charts import tooltips, vega
from dashboard.style.glossary import GUESS_LABEL, GUIDE_COLOUR, Term
from dashboard.style.numbers import COUNT_TICKS
from dashboard.style.rounded_up import tooltip, with_printed


def size_axis(params: pd.Series, narrow: bool = False) -> alt.Axis:
    """Ticks at the sizes themselves."""
    return alt.Axis(
        title="Parameters N (log scale)"
        if narrow
        else "Model size: parameters N, embeddings included (log scale)",
        values=sorted(set(params)),
        **COUNT_TICKS | {"format": ".3~s"},
        grid=False,
        labelOverlap=True,
    )


def stacked_rows(frame: pd.DataFrame, terms: Iterable[Term], kept: list[str]) -> pd.DataFrame:
    """One row per row of ``frame`` and term, with the ends of its bar and the columns ``kept``; a
    negative term turns back."""
    terms = tuple(terms)
    values = frame[[term.key for term in terms]].to_numpy(dtype=float)  # (models, terms)
    tops = values.cumsum(axis=1)
    parts = [
        frame[kept].assign(
            term=term.label, value=values[:, i], bottom=tops[:, i] - values[:, i], top=tops[:, i]
        )
        for i, term in enumerate(terms)
    ]
    return pd.concat(parts, ignore_index=True)


def range_of_seeds(seeds: pd.DataFrame, x: alt.X, unit: Unit, colour: str) -> alt.Chart:
    """From the lowest to the highest bound over each size's seeds."""
    look = {"ticks": {"size": 9, "color": colour}, "rule": {"strokeWidth": 2}}
    return (
        vega.Chart(with_printed(seeds, keys=("low", "high")))
        .mark_errorbar(color=colour, **look)
        .encode(
            x=x,
            y=alt.Y("low:Q", title=f"Loss, {unit.label}"),
            y2="high:Q",
            tooltip=[
                alt.Tooltip("model_id:N", title="model"),
                tooltips.whole("seeds", "seeds"),
                tooltip("low", "lowest bound"),
                tooltip("high", "highest bound"),
            ],
        )
    )


def guesses(terms: pd.DataFrame, unit: Unit) -> list[float]:
    """ln V of the models, each value once."""
    return sorted({unit.guess(t.vocab_size, t.bytes_per_token) for t in terms.itertuples()})


def guess_line(heights: list[float], right: bool = False) -> list[alt.Chart]:
    """ln V, the loss of a uniform guess, named at the left or the right end: a bound above it is
    vacuous."""
    base = vega.Chart(pd.DataFrame({"guess": heights})).encode(y="guess:Q")
    align, dx, x = ("right", -4, "width") if right else ("left", 4, 0)
    return [
        base.mark_rule(strokeDash=[5, 4], color=GUIDE_COLOUR, strokeWidth=1.5),
        base.mark_text(align=align, dx=dx, dy=-7, color=GUIDE_COLOUR, text=GUESS_LABEL).encode(
            x=alt.value(x)
        ),
    ]
