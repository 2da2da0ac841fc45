"""Scaling laws: every quantity against model size, fitted, checked and extrapolated."""

import streamlit as st

from bounds import PowerLaw
from dashboard.analysis.bound.losses import Losses
from dashboard.analysis.bound.terms import bound_terms
from dashboard.analysis.laws.fits import Unfitted, several_sizes, too_few
from dashboard.analysis.laws.ratios import Ratios
from dashboard.analysis.measured.quantities import MEASURED, quantities
from dashboard.style.glossary import TERMS
from dashboard.ui.beside import compare
from dashboard.ui.beside.view import live
from dashboard.ui.controls.bound import bound_controls
from dashboard.ui.controls.registry import LAW, QUANTITY, TOGETHER, UNIT
from dashboard.ui.controls.size import reach_control
from dashboard.ui.drawing import downloads, show
from dashboard.ui.notes import caveats
from dashboard.ui.notes.subtitles import of_choice, subtitle
from dashboard.ui.page import frame
from dashboard.views.scaling_laws import (
    charts,
    data,
    frontier_section,
    quantity_section,
    words,
)

suite = frame.open_suite()
with st.sidebar:
    unit = UNIT.ask()
beside = compare.others(suite)
with st.sidebar:
    together = bool(beside.suites) and TOGETHER.ask()
    choice = bound_controls(suite)
    found = {quantity.label: quantity for quantity in quantities(suite, choice, unit)}
    label = QUANTITY.ask(list(found))
    models = suite.models()
    floor = False if too_few(models) else LAW.ask()
    few = too_few(models, floor)
    largest = float(models["params_total"].max())
    reach = reach_control(largest)
views = compare.views(live(suite, choice), beside)
terms = Losses.of(suite, bound_terms(suite, choice), unit).table
every = list(found.values())
overview = data.values(every) if few else data.overview(every, floor)
reported = data.reported(suite, found[label], reach)
frontier = frontier_section.read(suite, unit)

frame.title(suite, "Scaling laws")
words.introduction(models, few)
quantity = found[label]
law, held = data.law_and_held_out(quantity, floor)
left, right = st.columns([3, 2])
with left:
    below = quantity_section.of_quantity(quantity, choice)
    chart = charts.detail(quantity, law, reach, reported)
    show.chart(chart, f"{label}, over model size", below)
with right:
    if isinstance(law, PowerLaw):
        left_over = data.residuals(quantity, law)
        heading = "Distance of each model from the law"
        below = subtitle("value over law − 1", label)
        show.chart(charts.residuals(left_over, quantity.colour), heading, below)
words.law_reading(quantity, law, held, few)
caveats.not_certified(terms)
caveats.remarks([view.suite for view in views])
words.published_reading(quantity)
if len(views) > 1:
    show.subheader(f"{label}, view by view")
    quantity_section.section(views, label, floor, reach, unit, together)

if several_sizes(models):
    show.subheader(quantity.group)
    group = [other for other in every if other.group == quantity.group]
    laws = {q.label: Unfitted("") if few else data.law_and_held_out(q, floor)[0] for q in group}
    panels = charts.panels(group, laws, None if few else reach)
    heading = f"{quantity.group}: every quantity over model size"
    setting = f"Σ at {of_choice(choice)}" if quantity.group == MEASURED else of_choice(choice)
    below = subtitle("units on the axes", setting, "log axes")
    show.chart(panels, heading, below, width="content")

all_of_them = "All quantities" if few else "All laws"
show.subheader(all_of_them)
show.dataframe(overview, all_of_them, column_config=words.table_config())

stacked = data.stacked(terms, floor, reach)
if len(stacked):
    show.subheader("The terms stacked and extrapolated")
    below = subtitle(unit.label, of_choice(choice))
    chart = charts.stacked(stacked, terms, unit)
    show.chart(chart, "Terms by their laws, one on another", below)
    kept = set(stacked["key"])
    words.stacked_reading([t.label for t in TERMS if t.key not in kept and terms[t.key].any()])
elif not few:
    show.subheader("The terms stacked and extrapolated")
    show.info("No term has a law: too few sizes were measured at this setting.")

show.subheader("Compute and training tokens")
frontier_section.section(frontier, Ratios.of(models), unit)

show.subheader("The data")
name = f"{choice.form}-{choice.code}-{choice.setting.slug}"
downloads.tables(
    {
        all_of_them: (overview, f"{suite.name}-{'quantities' if few else 'laws'}-{name}"),
        label: (quantity.values.assign(unit=quantity.unit), f"{suite.name}-values-{name}"),
        "Stacked terms": (stacked.assign(unit=unit.label), f"{suite.name}-stacked-{name}"),
        "Loss by compute": (frontier.curves, f"{suite.name}-loss-by-compute"),
    }
)
frame.show_provenance(suite)
