"""Bound explorer: every term of the bound over model size, following every control."""

from dataclasses import replace

import streamlit as st

from dashboard import charts, controls, downloads, explanations, frame, law_charts
from dashboard.artifacts import ArtifactError
from dashboard.terms import bound_terms, power_laws, steps_to_ours

suite = frame.open_suite()
try:
    with st.sidebar:
        choice = controls.bound_controls(suite)
        terms = bound_terms(suite, choice)
        paper = bound_terms(suite, replace(choice, form="four_term"))
        model_id = controls.model_control(list(terms["model_id"]))
    steps = steps_to_ours(suite, choice, model_id)
except ArtifactError as error:
    frame.show_error(error)
    st.stop()

st.title("Bound explorer")
controls.show_complaints()
model = terms[terms["model_id"] == model_id].iloc[0]
explanations.headline(model, choice)
st.altair_chart(charts.stacked_terms(terms, paper, model_id, choice.certified), width="stretch")
explanations.reading(choice)
explanations.questions()

st.subheader(f"The terms of {model_id}")
laws = power_laws(terms)
explanations.terms_table(model, laws, explanations.form_of(choice))
explanations.confidence(model, choice)

st.subheader("From the paper's bound to ours")
st.altair_chart(charts.waterfall(steps, choice.certified), width="stretch")
explanations.steps_reading(steps, model_id, choice)

st.subheader("How each term moves with model size")
st.altair_chart(law_charts.term_laws(terms, laws, choice.certified), width="content")
explanations.laws_reading(terms)

st.subheader("The data")
downloads.table(terms, name=f"{suite.name}-{choice.form}-{choice.setting.slug}")
frame.show_provenance(suite)
