"""Bound explorer: every term of the bound over model size, following every control."""

import streamlit as st

from dashboard import charts, controls, downloads, explanations, frame
from dashboard.artifacts import ArtifactError
from dashboard.terms import Choice, bound_terms, power_laws

suite = frame.open_suite()
try:
    with st.sidebar:
        choice = Choice(
            controls.bits_control(suite.settings()),
            controls.code_control(),
            controls.delta_control(),
        )
        model_id = controls.model_control(list(suite.models()["model_id"]))
    terms = bound_terms(suite, choice)
except ArtifactError as error:
    frame.show_error(error)
    st.stop()

st.title("Bound explorer")
controls.show_complaints()
model = terms[terms["model_id"] == model_id].iloc[0]
explanations.headline(model, choice)
st.altair_chart(charts.stacked_terms(terms, model_id, choice.certified), width="stretch")
explanations.reading(choice)

st.subheader(f"The terms of {model_id}")
laws = power_laws(terms)
explanations.terms_table(model, laws)
st.caption(
    controls.confidence_sentence(
        model["confidence_nats_per_token"],
        model["code_nats_per_token"] + model["confidence_nats_per_token"],
        choice.failure_probability,
    )
)

st.subheader("How each term moves with model size")
st.altair_chart(charts.term_laws(terms, laws), width="content")
explanations.laws_reading(terms)

st.subheader("The data")
downloads.table(terms, name=f"{suite.name}-{choice.setting.quantizer}-{choice.setting.bits}bits")
frame.show_provenance(suite)
