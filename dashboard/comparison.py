"""What the pages draw of several suites side by side."""

import math
from dataclasses import replace

import altair as alt
import pandas as pd

from dashboard import (
    bound_charts,
    compare,
    information,
    information_charts,
    quantization,
    quantization_charts,
    show,
    variation,
    variation_charts,
)
from dashboard.certificates import plain
from dashboard.compare import View
from dashboard.laws import law_of
from dashboard.terms import UNQUANTIZED, bound_terms
from dashboard.text import (
    GUIDE_COLOUR,
    HELDOUT_LABEL,
    MEASURED_COLOURS,
    PAPER_LABEL,
    PAPER_SAMPLE_LABEL,
    TRAIN_LABEL,
    term_of,
    terms_in,
)
from dashboard.units import Unit, shown

_NOTHING = "No model was measured at this setting there."


def terms_of(view: View, unit: Unit, form: str | None = None) -> pd.DataFrame:
    """``terms.bound_terms`` of a view, in ``unit``."""
    choice = view.choice if form is None else replace(view.choice, form=form)
    return shown(view.suite, bound_terms(view.suite, choice), unit)


def stacked_terms(views: list[View], params: float, unit: Unit) -> pd.DataFrame:
    """The bound explorer's chart of every suite, on one vertical axis; returns the rows behind
    them, with a column suite."""
    compare.unit_note(views, unit)
    usable, top = {}, 1.0
    for view in views:
        terms = compare.attempt(lambda v=view: terms_of(v, unit))
        paper = compare.attempt(lambda v=view: terms_of(v, unit, "four_term"))
        if terms is not None and paper is not None and len(terms):
            usable[view.suite.name] = terms
            top = max(top, bound_charts.highest(terms, paper, unit))

    def draw(view: View) -> alt.TopLevelMixin | str:
        terms = terms_of(view, unit)
        if terms.empty:
            return _NOTHING
        paper = terms_of(view, unit, "four_term")
        nearest = nearest_model(terms, params)
        return bound_charts.stacked_terms(terms, paper, nearest, unit, top, narrow=True)

    _legend(list(usable.values()))
    compare.side_by_side(views, draw, "Terms of the bound")
    show.caption(
        "One vertical axis for all; in full strength the model nearest to the chosen size. Each "
        "suite's bound is of its own text and tokenizer."
    )
    return pd.concat([t.assign(suite=name) for name, t in usable.items()], ignore_index=True)


def _legend(tables: list[pd.DataFrame]) -> None:
    """One legend for all columns: what each colour and mark is."""
    shown = list(dict.fromkeys(term for table in tables for term in terms_in(table)))
    squares = [f"<span style='color:{term.colour}'>■</span> {term.label}" for term in shown[::-1]]
    held, trained = MEASURED_COLOURS
    marks = [
        f"<span style='color:{held};-webkit-text-stroke:1px {GUIDE_COLOUR}'>◆</span> "
        f"{HELDOUT_LABEL}",
        f"<span style='color:{trained}'>●</span> {TRAIN_LABEL}",
        f"<span style='color:{GUIDE_COLOUR}'>━</span> {PAPER_LABEL}",
    ]
    if any(table["sampling_nats"].any() for table in tables):
        marks.append(f"<span style='color:{GUIDE_COLOUR}'>┅</span> {PAPER_SAMPLE_LABEL}")
    lines = ("&emsp;".join(parts) for parts in (squares, marks))
    show.markdown("<small>" + "<br>".join(lines) + "</small>", unsafe_allow_html=True)


def sigma(views: list[View]) -> None:
    """Sigma against model size with the law of each suite, on one vertical axis."""
    colour = term_of("loss_variation_nats").colour
    values = []
    for view in views:
        table = compare.attempt(lambda v=view: variation.sigma_by_size(v.suite, v.choice))
        values += [] if table is None else list(table["sigma_nats"])

    def draw(view: View) -> alt.TopLevelMixin | str:
        frame = variation.sigma_by_size(view.suite, view.choice)
        if frame.empty:
            return _NOTHING
        law = law_of(frame, "sigma_nats")
        return variation_charts.sigma_by_size(frame, law, colour, None, (min(values), max(values)))

    compare.side_by_side(views, draw, "Σ against model size")
    show.caption(
        "Σ is in nats per √nat, of each suite's own tokens, whatever the unit of losses: it "
        "multiplies √C, which is of tokens too."
    )


def bound_by_rate(views: list[View], params: float, unit: Unit) -> None:
    """Which rate bounds best, of each suite's model nearest to a size."""
    compare.unit_note(views, unit)

    def draw(view: View) -> alt.TopLevelMixin | str:
        terms = terms_of(view, unit)
        if terms.empty:
            return _NOTHING
        model_id = nearest_model(terms, params)
        settings = view.suite.settings()
        on_grid = [s for s in settings if s.family != UNQUANTIZED.family] or settings
        rows = quantization.bounds_by_rate(view.suite, view.choice, on_grid, model_id)
        show.caption(f"Model nearest in size: **{plain(model_id)}**")
        return quantization_charts.bound_by_rate(shown(view.suite, rows, unit), unit)

    compare.side_by_side(views, draw, "Bound by rate")


def bits_by_size(views: list[View], reach: float) -> None:
    """Information per parameter by every code, with the laws of each suite."""

    def draw(view: View) -> alt.TopLevelMixin | str:
        codes = information.by_code(view.suite, view.choice.setting)
        if codes.empty:
            return _NOTHING
        key = "bits_per_parameter"
        laws = information.code_laws(codes, key)
        reported = information.reported(view.suite, reach, key)
        chart = information_charts.bits_by_size(
            codes, laws, key, "Bits per parameter", reach, reported
        )
        if information.by_model(view.suite).empty:
            show.caption("This suite holds no prequential information: real codes alone.")
        return chart

    compare.side_by_side(views, draw, "Bits per parameter")


def nearest_model(models: pd.DataFrame, params: float) -> str:
    """model_id of the size nearest to ``params`` on a log axis."""
    distance = (models["params_total"].astype(float).map(math.log) - math.log(params)).abs()
    return str(models.loc[distance.idxmin(), "model_id"])
