"""Bound explorer: every term of the bound over model size, following every control."""

from dataclasses import replace

import streamlit as st

from dashboard import charts, controls, downloads, explanations, frame, law_charts, predicted_bars
from dashboard.errors import ArtifactError
from dashboard.outlook import BOUND, Outlook
from dashboard.terms import bound_terms, steps_to_ours

suite = frame.open_suite()
try:
    with st.sidebar:
        choice = controls.bound_controls(suite)
        terms = bound_terms(suite, choice)
        paper = bound_terms(suite, replace(choice, form="four_term"))
        size = size_controls.size_control(terms)
        model_id = size.model_id
    steps = steps_to_ours(suite, choice, model_id)
except ArtifactError as error:
    frame.show_error(error)
    st.stop()

st.title("Bound explorer")
links.show_complaints()
model = terms[terms["model_id"] == model_id].iloc[0]
view = Outlook.of(terms)
if size.measured:
    explanations.headline(model, choice)
    stacked = charts.stacked_terms(terms, paper, model_id, choice.certified)
else:
    explanations.predicted(view, size)
    if view.estimate(BOUND, size.params) is None:
        stacked = charts.stacked_terms(terms, paper, model_id, choice.certified)
    else:
        stacked = predicted_bars.stacked(view, size.params, choice.certified)
st.altair_chart(stacked, width="stretch")
explanations.reading(choice)
explanations.questions()

st.subheader(f"The terms of {model_id}")
explanations.terms_table(model, view.laws, explanations.form_of(choice))
explanations.confidence(model, choice)

st.subheader("From the paper's bound to ours")
st.altair_chart(charts.waterfall(steps, choice.certified), width="stretch")
explanations.steps_reading(steps, model_id, choice)

st.subheader("How each term moves with model size")
panels = law_charts.term_laws(terms, view.laws, choice.certified, at=size.at)
st.altair_chart(panels, width="content")
explanations.laws_reading(terms)

st.subheader("The data")
downloads.table(terms, name=f"{suite.name}-{choice.form}-{choice.setting.slug}")
frame.show_provenance(suite)
