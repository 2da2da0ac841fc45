"""Bound explorer: every term of the bound over model size, following every control."""

from dataclasses import replace

import streamlit as st

from dashboard.analysis.bound import seeds
from dashboard.analysis.bound.losses import Losses
from dashboard.analysis.bound.progressive import on_the_way
from dashboard.analysis.bound.steps import steps_to_ours
from dashboard.analysis.bound.terms import bound_terms
from dashboard.analysis.laws.fits import several_sizes
from dashboard.analysis.laws.outlook import BOUND, Outlook
from dashboard.analysis.laws.ratios import Ratios
from dashboard.charts import law_charts, predicted_bars
from dashboard.charts.bound_charts import stacked_terms
from dashboard.style.escaping import escaped
from dashboard.ui.beside import compare
from dashboard.ui.beside.bound_columns import stacked_terms as terms_by_view
from dashboard.ui.beside.view import live
from dashboard.ui.controls.bound import bound_controls
from dashboard.ui.controls.registry import UNIT
from dashboard.ui.controls.size import size_control
from dashboard.ui.drawing import downloads, show
from dashboard.ui.notes import caveats, coverage, explanations, progressive_words, seeds_note
from dashboard.ui.notes.subtitles import of_choice, subtitle
from dashboard.ui.page import frame
from dashboard.views.bound_explorer.waterfall_chart import waterfall

suite = frame.open_suite()
with st.sidebar:
    unit = UNIT.ask()
beside = compare.others(suite)
with st.sidebar:
    choice = bound_controls(suite)
    terms = Losses.of(suite, bound_terms(suite, choice), unit).table
    papers = bound_terms(suite, replace(choice, form="four_term"))
    paper = Losses.of(suite, papers, unit).table
    size = size_control(terms)
    model_id = size.model_id
views = compare.views(live(suite, choice, size.params), beside)
every_seed = Losses.of(suite, seeds.every_seed(suite, choice), unit)
of_seeds = seeds.spread(every_seed.table, "total")
online = on_the_way(suite, choice.failure_probability, unit)
steps = Losses.of(suite, steps_to_ours(suite, choice, model_id), unit, model_id).table

frame.title(suite, "Bound explorer")
model, name = terms[terms["model_id"] == model_id].iloc[0], escaped(model_id)
view = Outlook.of(terms)
if size.measured:
    explanations.headline(model, choice, unit)
else:
    explanations.predicted(view, size, unit)
table, several = Losses(terms, unit), several_sizes(terms)
heading = f"Bound and its terms{' over model size' if several else ''}"
below = subtitle(unit.label, of_choice(choice))
if len(views) > 1:
    table = terms_by_view(views, unit)
elif size.measured or view.estimate(BOUND, size.params) is None:
    chart = stacked_terms(terms, paper, model_id, unit, seeds=of_seeds, on_the_way=online)
    show.chart(chart, heading, below, width="stretch")
else:
    show.chart(predicted_bars.stacked(view, size.params, unit), heading, below, width="stretch")
explanations.reading(choice, terms)
progressive_words.reading(online, model_id, choice.failure_probability, unit)
caveats.remarks([view.suite for view in views])
seeds_note.reading(of_seeds, unit)
coverage.without_bound(suite, choice, terms)
explanations.questions()

show.subheader(f"The terms of {name}")
explanations.terms_table(model, view.laws, explanations.form_of(choice), unit)
explanations.confidence(model, choice, len(suite.settings()))

show.subheader("From the paper's bound to ours")
heading = f"How each step changes the gap of {name}"
show.chart(
    waterfall(steps, unit),
    heading,
    subtitle(unit.label, f"from {of_choice(choice)}"),
    width="stretch",
)
explanations.steps_reading(steps, model_id, choice, unit)

show.subheader("How each term moves with model size")
if several:
    panels = law_charts.term_laws(terms, view.laws, unit, at=size.at)
    show.chart(
        panels,
        "Terms and gap over model size",
        subtitle(unit.label, of_choice(choice), "log axes"),
        width="content",
    )
explanations.laws_reading(terms, Ratios.of(suite.models()))

show.subheader("The data")
downloads.table(table, f"{suite.name}-{choice.form}-{choice.setting.slug}")
frame.show_provenance(suite)
