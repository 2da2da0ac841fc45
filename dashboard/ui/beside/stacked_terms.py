"""The stacked terms of the bound of every view, side by side on one vertical axis."""

import altair as alt
import pandas as pd

from dashboard.analysis.bound import progressive
from dashboard.analysis.bound.units import Unit
from dashboard.charts import bound_charts
from dashboard.style.glossary import (
    GUIDE_COLOUR,
    HELDOUT_LABEL,
    MEASURED_COLOURS,
    PAPER_LABEL,
    PAPER_UNCERTIFIED_LABEL,
    TRAIN_LABEL,
    terms_in,
)
from dashboard.ui.beside import compare, differences
from dashboard.ui.beside.differences import terms_of
from dashboard.ui.beside.view import View, nearest_model
from dashboard.ui.drawing import show


def stacked_terms(views: list[View], unit: Unit) -> pd.DataFrame:
    """The bound explorer's chart of every view, on one vertical axis, and how the kept one differs
    in numbers; returns the rows behind them, with columns suite and view."""
    compare.unit_note(views, unit)
    usable, online, papers, top = {}, {}, [], 1.0
    for view in views:
        terms = compare.attempt(lambda v=view: terms_of(v, unit))
        paper = compare.attempt(lambda v=view: terms_of(v, unit, "four_term"))
        if terms is not None and paper is not None and len(terms):
            usable[view.label] = terms.assign(suite=view.suite.name, view=view.label)
            papers.append(paper)
            delta = view.choice.failure_probability
            online[view.label] = progressive.on_the_way(view.suite, delta, unit)
            top = max(top, bound_charts.highest(terms, paper, unit))

    def draw(view: View) -> alt.TopLevelMixin | str:
        terms = terms_of(view, unit)
        if terms.empty:
            return compare.NOTHING_THERE
        paper = terms_of(view, unit, "four_term")
        nearest = nearest_model(terms, view.size)
        return bound_charts.stacked_terms(
            terms, paper, nearest, unit, top, narrow=True, on_the_way=online[view.label]
        )

    _legend(list(usable.values()), papers, any(map(len, online.values())))
    compare.side_by_side(views, draw, "Terms of the bound")
    of_suites = " Each suite's bound is of its own text and tokenizer."
    show.caption(
        "One vertical axis for all; in full strength the model nearest to the chosen size."
        + (of_suites if compare.differ_in(views, "suite") else "")
    )
    differences.of_terms(views, usable, unit)
    return pd.concat(usable.values(), ignore_index=True)


def _legend(tables: list[pd.DataFrame], papers: list[pd.DataFrame], on_the_way: bool) -> None:
    """One legend for all columns: what each colour and mark is."""
    shown = list(dict.fromkeys(term for table in tables for term in terms_in(table)))
    squares = [f"<span style='color:{term.colour}'>■</span> {term.label}" for term in shown[::-1]]
    held, trained = MEASURED_COLOURS
    marks = [
        f"<span style='color:{held};-webkit-text-stroke:1px {GUIDE_COLOUR}'>◆</span> "
        f"{HELDOUT_LABEL}",
        f"<span style='color:{trained}'>●</span> {TRAIN_LABEL}",
    ]
    if on_the_way:
        marks.append(f"<span style='color:{progressive.COLOUR}'>▲</span> {progressive.LABEL}")
    kinds = {kind for paper in papers for kind in bound_charts.paper_kinds(paper)}
    strokes = {PAPER_LABEL: "━", PAPER_UNCERTIFIED_LABEL: "┅"}
    marks += [
        f"<span style='color:{GUIDE_COLOUR}'>{stroke}</span> {kind}"
        for kind, stroke in strokes.items()
        if kind in kinds
    ]
    lines = ("&emsp;".join(parts) for parts in (squares, marks))
    show.markdown("<small>" + "<br>".join(lines) + "</small>", unsafe_allow_html=True)
