"""Loss variation: how far losses stray from what the model expects, and what that costs."""

import streamlit as st

from dashboard import (
    certificates,
    compare,
    comparison,
    controls,
    downloads,
    explanations,
    frame,
    size_controls,
    size_words,
    suite_controls,
    variation,
)
from dashboard import variation_charts as charts
from dashboard import variation_words as words
from dashboard.errors import ArtifactError
from dashboard.laws import law_of
from dashboard.terms import Choice
from dashboard.text import term_of
from dashboard.units import shown

#: Side of a square of the joint distribution; the shipped entropy bins are 0.25 wide.
SQUARE_NATS = 0.25

suite = frame.open_suite()
try:
    with st.sidebar:
        unit = suite_controls.unit_control()
    beside = compare.others(suite)
    with st.sidebar:
        setting = controls.setting_control(suite)
        controls.show_rate(suite.bits_per_parameter(setting))
        code = controls.code_control()
        choice = Choice(setting, code, controls.delta_control(), "four_term")
        sigma = variation.sigma_by_size(suite, choice)
        size = size_controls.size_control(sigma)
        model_id = size.model_id
    points = variation.objective(suite, choice, model_id)
    effect = shown(suite, variation.grid_effect(suite, choice, model_id), unit, model_id)
    joint = suite.joint_losses(setting, model_id, SQUARE_NATS)
except ArtifactError as error:
    frame.show_error(error)
    st.stop()

colour = term_of("loss_variation_nats").colour
certified = bool(sigma.set_index("model_id").loc[model_id, "certified"])
frame.title(suite, "Loss variation")
certificates.not_certified(sigma)
words.introduction(suite.is_sampled)
law = law_of(sigma, "sigma_nats")
size_words.predicted(size, [("Σ", law, "nats/√nat")])
if beside:
    st.markdown("**Σ against model size, suite by suite**")
    comparison.sigma(compare.views(suite, choice, beside))
left, right = st.columns(2)
with left:
    st.markdown("**Σ against model size**")
    st.altair_chart(charts.sigma_by_size(sigma, law, colour, size.at))
    explanations.law_reading(law)
    words.sigma_reading(setting, code)
    certificates.remarks(sigma)
with right:
    st.markdown(f"**Loss and entropy of {model_id}, {words.scored(suite.is_sampled)}**")
    st.altair_chart(charts.joint_losses(joint, SQUARE_NATS))
    words.joint_reading()
left, right = st.columns(2)
with left:
    st.markdown(f"**What Σ minimises, {model_id}**")
    st.altair_chart(charts.objective(points, colour))
    words.objective_reading()
with right:
    st.markdown(f"**Why 1000 points? {model_id}**")
    st.altair_chart(charts.grid_effect(effect, colour, certified, unit))
    words.grid_reading()
st.subheader("The data")
downloads.table(sigma, f"{suite.name}-sigma-{setting.slug}")
frame.show_provenance(suite)
