"""Sigma of several views side by side."""

import altair as alt

from dashboard.analysis.bound.units import Unit
from dashboard.analysis.laws.fits import law_of
from dashboard.analysis.measured import variation
from dashboard.charts import law_charts
from dashboard.style.glossary import term_of
from dashboard.ui.beside import compare, differences
from dashboard.ui.beside.view import View
from dashboard.ui.drawing import show
from dashboard.views.loss_variation import charts


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
            return compare.NOTHING_THERE
        return charts.sigma_by_size(frame, law_of(frame, key), colour, None, span)

    compare.side_by_side(views, draw, "Σ against model size")
    show.caption(
        "Σ is in nats per √nat, of each suite's own tokens, whatever the unit of losses: it "
        "multiplies √C, which is of tokens too."
    )
    differences.of_views(views, unit, "four_term", "sigma_nats", "Σ, nats per √nat")
