"""Quantization: what rounding costs, what it saves, and which rate certifies best."""

import streamlit as st

from dashboard import controls, downloads, explanations, frame, quantization, size_words
from dashboard import quantization_charts as charts
from dashboard import quantization_words as words
from dashboard.errors import ArtifactError
from dashboard.terms import UNQUANTIZED, bounds_by_model
from dashboard.text import term_of

suite = frame.open_suite()
try:
    with st.sidebar:
        choice = controls.bound_controls(suite)
        setting, code = choice.setting, choice.code
        models = suite.models()
        bounded = models["model_id"].isin(list(bounds_by_model(suite, choice)))
        size = size_controls.size_control(models[bounded])
        model_id = size.model_id
    on_grid = [s for s in suite.settings() if s.family != UNQUANTIZED.family]
    bounds = quantization.bounds_by_rate(suite, choice, on_grid or suite.settings(), model_id)
    shown = [s for s in suite.settings() if s.family in (setting.family, UNQUANTIZED.family)]
    by_total = quantization.bounds_by_rate(suite, choice, shown)
    gaps = quantization.gaps(suite)
    layers = quantization.layers(suite, setting, model_id)
    ratios = quantization.rotation(suite, model_id)
    counts, exceptions = quantization.feedback_counts(suite), quantization.exceptions(suite)
except ArtifactError as error:
    frame.show_error(error)
    st.stop()

st.title("Quantization")
links.show_complaints()
explanations.not_certified(choice)
words.introduction()
at_setting = gaps[gaps["setting"] == setting.label]
laws = quantization.laws(at_setting)
size_words.predicted(size, words.predicted_rows(laws))
on_grids = gaps["quantizer"] != UNQUANTIZED.family.label
of_model = gaps[(gaps["model_id"] == model_id) & on_grids]
best = bounds[bounds["best"]].iloc[0]

left, right = st.columns(2)
with left:
    st.markdown(f"**Quantization gap against bits, {model_id}**")
    st.altair_chart(charts.gap_by_bits(of_model, "nominal_bits", "Bits of a weight's code"))
    words.gap_reading()
with right:
    st.markdown(f"**Rate against distortion, {model_id}**")
    st.altair_chart(
        charts.gap_by_bits(of_model, "entropy_coded_bits", "Bits per parameter, entropy-coded file")
    )
    words.rate_reading()

left, right = st.columns(2)
with left:
    st.markdown(f"**Which rate bounds best? {model_id}**")
    st.altair_chart(charts.bound_by_rate(bounds, choice.certified))
    words.bound_reading(best, code)
with right:
    st.markdown(f"**Gap against model size, {setting.label}**")
    if at_setting.empty:
        st.info("This is the trained model itself: there is no gap to show.")
    else:
        colour = term_of("quantization_gap_nats").colour
        st.altair_chart(
            charts.gap_by_size(at_setting, laws["quantization_gap_nats"], colour, size.at)
        )
        explanations.law_reading(laws["quantization_gap_nats"])

st.subheader("Where to spend bits: many parameters or many bits each?")
left, right = st.columns(2)
with left:
    st.altair_chart(
        charts.by_total_bits(
            by_total,
            "train_loss_nats",
            "Training loss, quantized, nats per token",
            choice.certified,
        )
    )
with right:
    st.altair_chart(
        charts.by_total_bits(by_total, "total_nats", "Bound, nats per token", choice.certified)
    )
words.bits_reading(setting)

st.subheader(f"Layer by layer: {model_id}, {setting.label}")
left, right = st.columns(2)
with left:
    if layers.empty:
        st.info("No layer was put on a grid at this setting.")
    else:
        st.altair_chart(charts.predicted_loss(layers))
        words.layers_reading(layers)
with right:
    if ratios.empty:
        st.info("This suite has no model quantized by LDLQ both with and without rotation.")
    else:
        st.altair_chart(charts.rotation(ratios))
        words.rotation_reading(ratios)
words.feedback_exceptions(counts, exceptions)

st.subheader("The data")
downloads.tables(
    {
        "Gaps": (gaps, f"{suite.name}-quantization-gaps"),
        "Bounds by rate": (bounds, f"{suite.name}-{model_id}-{choice.form}-{code}-bounds-by-rate"),
        "Bounds by bits": (
            by_total,
            f"{suite.name}-{setting.quantizer}-{choice.form}-{code}-bounds",
        ),
        "Layers": (layers, f"{suite.name}-{model_id}-{setting.slug}-layers"),
    }
)
frame.show_provenance(suite)
