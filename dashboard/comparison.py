"""What the pages draw of several views side by side."""

from dataclasses import replace

import altair as alt
import pandas as pd

from dashboard import (
    bound_charts,
    compare,
    differences,
    information,
    information_charts,
    law_charts,
    progressive,
    quantization,
    quantization_charts,
    show,
    variation,
    variation_charts,
)
from dashboard.certificates import plain
from dashboard.laws import law_of
from dashboard.terms import UNQUANTIZED, bound_terms
from dashboard.text import (
    GUIDE_COLOUR,
    HELDOUT_LABEL,
    MEASURED_COLOURS,
    PAPER_LABEL,
    PAPER_UNCERTIFIED_LABEL,
    TRAIN_LABEL,
    term_of,
    terms_in,
)
from dashboard.units import Unit, shown
from dashboard.view import View, nearest_model

_NOTHING = "No model was measured at this setting there."


def terms_of(view: View, unit: Unit, form: str | None = None) -> pd.DataFrame:
    """``terms.bound_terms`` of a view, in ``unit``."""
    choice = view.choice if form is None else replace(view.choice, form=form)
    return shown(view.suite, bound_terms(view.suite, choice), unit)


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
            return _NOTHING
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


def sigma(views: list[View], unit: Unit) -> None:
    """Sigma against model size with the law of each view, on one vertical axis, and the paper's
    bound of the live and the kept one in numbers."""
    colour, key = term_of("loss_variation_nats").colour, "sigma_nats"

    def ends(view: View) -> tuple[float, float] | None:
        frame = variation.sigma_by_size(view.suite, view.choice)
        return law_charts.law_ends(frame, key, law_of(frame, key)) if len(frame) else None

    span = compare.span_of(views, ends)

    def draw(view: View) -> alt.TopLevelMixin | str:
        frame = variation.sigma_by_size(view.suite, view.choice)
        if frame.empty:
            return _NOTHING
        return variation_charts.sigma_by_size(frame, law_of(frame, key), colour, None, span)

    compare.side_by_side(views, draw, "Σ against model size")
    show.caption(
        "Σ is in nats per √nat, of each suite's own tokens, whatever the unit of losses: it "
        "multiplies √C, which is of tokens too."
    )
    _differences(views, unit, "four_term", "sigma_nats", "Σ, nats per √nat")


def _differences(
    views: list[View], unit: Unit, form: str | None, key: str = "", label: str = ""
) -> None:
    """The live and the kept view in numbers, with one more column of ``bound_terms`` first."""
    if compare.kept_one(views) is None:
        return
    tables = {}
    for view in views:
        terms = compare.attempt(lambda v=view: terms_of(v, unit, form))
        if terms is not None and len(terms):
            tables[view.label] = terms
    differences.of_terms(views, tables, unit, key, label)


def by_rate(views: list[View], unit: Unit) -> set[str]:
    """What quantization costs and which rate bounds best, of each view's model nearest to its
    size: the charts that show what the views differ in, which are returned: ``bound``, ``gap``."""
    drawn: set[str] = set()
    if len(views) == 1:
        return drawn
    show.subheader("What rounding costs, view by view")
    compare.unit_note(views, unit)
    if compare.differ_in(views, "suite", "form", "code", "delta", "model", "n"):
        bound_by_rate(views, unit)
        drawn.add("bound")
    if compare.kept_one(views) and compare.differ_in(views, "suite", "quantizer"):
        gap_by_size(views, unit)
        drawn.add("gap")
    _differences(views, unit, None)
    return drawn


def bound_by_rate(views: list[View], unit: Unit) -> None:
    """Which rate bounds best, of each view's model nearest to its size, on one vertical axis."""

    def rows(view: View) -> pd.DataFrame:
        terms = terms_of(view, unit)
        if terms.empty:
            return terms
        settings = view.suite.settings()
        on_grid = [s for s in settings if s.family != UNQUANTIZED.family] or settings
        model_id = nearest_model(terms, view.size)
        found = quantization.bounds_by_rate(view.suite, view.choice, on_grid, model_id)
        return shown(view.suite, found, unit)

    def ends(view: View) -> tuple[float, float] | None:
        values = rows(view).get("bound_gap_nats", [])
        return (min(values), max(values)) if len(values) else None

    span = compare.span_of(views, ends)

    def draw(view: View) -> alt.TopLevelMixin | str:
        frame = rows(view)
        if frame.empty:
            return _NOTHING
        show.caption(f"Model nearest in size: **{plain(frame['model_id'].iloc[0])}**")
        return quantization_charts.bound_by_rate(frame, unit, span)

    compare.side_by_side(views, draw, "Bound by rate")


def gap_by_size(views: list[View], unit: Unit) -> None:
    """The quantization gap against model size at each view's setting, on one vertical axis."""
    key = "quantization_gap_nats"

    def rows(view: View) -> pd.DataFrame:
        gaps = quantization.gaps(view.suite)
        return shown(view.suite, gaps[gaps["setting"] == view.choice.setting.label], unit)

    def ends(view: View) -> tuple[float, float] | None:
        frame = rows(view)
        return law_charts.law_ends(frame, key, law_of(frame, key)) if len(frame) else None

    span = compare.span_of(views, ends)

    def draw(view: View) -> alt.TopLevelMixin | str:
        frame = rows(view)
        if frame.empty:
            return "This is the trained model itself: there is no gap to show."
        law = law_of(frame, key)
        return quantization_charts.gap_by_size(frame, law, term_of(key).colour, None, unit, span)

    compare.side_by_side(views, draw, "Quantization gap against model size")


def information_of(views: list[View], reach: float, unit: Unit) -> None:
    """Information per parameter by every code, or the bound where views differ in that alone."""
    if compare.differ_in(views, "suite", "quantizer"):
        bits_by_size(views, reach)
        _differences(views, unit, None)
    else:
        stacked_terms(views, unit)


def bits_by_size(views: list[View], reach: float) -> None:
    """Information per parameter by every code, with the laws of each view, on one axis."""
    key = "bits_per_parameter"

    def parts(view: View) -> tuple | None:
        codes = information.by_code(view.suite, view.choice.setting)
        if codes.empty:
            return None
        laws = information.code_laws(codes, key)
        return codes, laws, information.reported(view.suite, reach, key)

    def ends(view: View) -> tuple[float, float] | None:
        found = parts(view)
        return found and information_charts.ends(*found, key, reach)

    span = compare.span_of(views, ends)

    def draw(view: View) -> alt.TopLevelMixin | str:
        found = parts(view)
        if found is None:
            return _NOTHING
        codes, laws, reported = found
        chart = information_charts.bits_by_size(
            codes, laws, key, "Bits per parameter", reach, reported, span
        )
        if information.by_model(view.suite).empty:
            show.caption("This suite holds no prequential information: real codes alone.")
        return chart

    compare.side_by_side(views, draw, "Bits per parameter")
