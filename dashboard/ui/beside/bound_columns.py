"""The bound of every view in columns: its stacked terms, and the numbers."""

from collections.abc import Callable
from dataclasses import dataclass, replace

import pandas as pd

from dashboard.analysis.bound import progressive
from dashboard.analysis.bound.losses import Losses
from dashboard.analysis.bound.terms import bound_terms
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
from dashboard.ui.beside import compare
from dashboard.ui.beside.columns import NOTHING_THERE, Columns, NothingThereError
from dashboard.ui.beside.differences import Number, Numbers, of_bound
from dashboard.ui.beside.view import View, nearest_model
from dashboard.ui.drawing import show
from dashboard.ui.notes.subtitles import of_choice, subtitle


@dataclass(frozen=True, eq=False)
class Bound:
    """The bound of a view.

    Attributes:
        terms: ``Losses`` of ``terms.bound_terms`` in the unit that is shown, as both others.
        paper: the same in the paper's form.
        on_the_way: ``progressive.on_the_way`` of the suite.
        model_id: of the model nearest to the view's size.
    """

    terms: pd.DataFrame
    paper: pd.DataFrame
    on_the_way: pd.DataFrame
    model_id: str

    @property
    def row(self) -> pd.Series:
        """The row of the model in ``terms``."""
        return self.terms.set_index("model_id", drop=False).loc[self.model_id]


def bound_of(view: View, unit: Unit, form: str | None = None) -> Bound:
    """The bound of a view, or in another form.

    Raises:
        NothingThereError: no model has one at the view's setting.
        ArtifactError: files cannot be used.
    """
    suite, choice = view.suite, replace(view.choice, form=form or view.choice.form)
    terms, paper = (
        Losses.of(suite, bound_terms(suite, c), unit).table
        for c in (choice, replace(choice, form="four_term"))
    )
    if terms.empty:
        raise NothingThereError(NOTHING_THERE)
    online = progressive.on_the_way(suite, choice.failure_probability, unit)
    return Bound(terms, paper, online, nearest_model(terms, view.size))


def stacked_terms(views: list[View], unit: Unit) -> Losses:
    """The bound explorer's chart of every view on one vertical axis, and the differences as
    numbers.

    Returns:
        The rows behind them, with columns suite and view.
    """
    compare.unit_note(views, unit)
    columns = Columns.read(views, lambda view: bound_of(view, unit))
    bounds = list(columns.found.values())
    _legend(bounds)
    columns.chart(
        "Terms of the bound",
        lambda bound, span: bound_charts.stacked_terms(
            bound.terms,
            bound.paper,
            bound.model_id,
            unit,
            span[1],
            narrow=True,
            on_the_way=bound.on_the_way,
        ),
        lambda view, bound: subtitle(unit.label, of_choice(view.choice)),
        lambda bound: (0.0, max(1.0, bound_charts.highest(bound.terms, bound.paper, unit))),
    )
    of_suites = " Each suite's bound is of its own text and tokenizer."
    show.caption(
        "One vertical axis for all; the model nearest to the chosen size has full strength."
        + (of_suites if compare.differ_in(views, "suite") else "")
    )
    columns.differences(lambda view, bound: of_bound(view, bound.row), unit)
    named = [
        columns.found[view.label].terms.assign(suite=view.suite.name, view=view.label)
        for view in views
        if view.label in columns.found
    ]
    return Losses(pd.concat(named, ignore_index=True), unit)


def in_numbers(
    views: list[View],
    unit: Unit,
    form: str | None = None,
    first: Callable[[pd.Series], dict[str, Number]] = lambda row: {},
) -> None:
    """Bound, gap and terms of the live and the pinned view.

    Args:
        form: of the bound; the view's unless given.
        first: first rows of the table, from a row of ``Losses`` of ``terms.bound_terms``.
    """

    def numbers(view: View, bound: Bound) -> Numbers:
        return of_bound(view, bound.row, first(bound.row))

    Columns.read(compare.pair(views), lambda view: bound_of(view, unit, form)).differences(
        numbers, unit
    )


def _legend(bounds: list[Bound]) -> None:
    """One legend for all columns, for each colour and mark."""
    shown_terms = list(dict.fromkeys(term for bound in bounds for term in terms_in(bound.terms)))
    squares = [_mark(term.colour, "■", term.label) for term in shown_terms[::-1]]
    held, trained = MEASURED_COLOURS
    outlined = f"{held};-webkit-text-stroke:1px {GUIDE_COLOUR}"
    marks = [_mark(outlined, "◆", HELDOUT_LABEL), _mark(trained, "●", TRAIN_LABEL)]
    if any(len(bound.on_the_way) for bound in bounds):
        marks.append(_mark(progressive.COLOUR, "▲", progressive.LABEL))
    kinds = {kind for bound in bounds for kind in bound_charts.paper_kinds(bound.paper)}
    strokes = {PAPER_LABEL: "━", PAPER_UNCERTIFIED_LABEL: "┅"}
    marks += [_mark(GUIDE_COLOUR, stroke, k) for k, stroke in strokes.items() if k in kinds]
    lines = ("&emsp;".join(parts) for parts in (squares, marks))
    show.markdown("<small>" + "<br>".join(lines) + "</small>", unsafe_allow_html=True)


def _mark(style: str, sign: str, label: str) -> str:
    return f"<span style='color:{style}'>{sign}</span> {label}"
