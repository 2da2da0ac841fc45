"""Quantization: what rounding costs, what it saves, and which rate certifies best."""

import streamlit as st

from dashboard import (
    controls,
    downloads,
    explanations,
    frame,
    quantization,
    quantization_charts,
)
from dashboard.artifacts import ArtifactError
from dashboard.terms import UNQUANTIZED, Choice, bounds_by_model, law_of
from dashboard.text import CODE_LABELS, term_of

suite = frame.open_suite()
try:
    with st.sidebar:
        form = controls.form_control()
        setting = controls.setting_control(suite.settings())
        controls.show_rate(suite.bits_per_parameter(setting))
        code = controls.code_control()
        choice = Choice(setting, code, controls.delta_control(), form)
        model_id = controls.model_control(list(bounds_by_model(suite, choice)))
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
controls.show_complaints()
explanations.not_certified(choice)
st.markdown(
    "Fewer bits make a shorter code, and so a smaller complexity term; they also round the weights "
    "more coarsely, and the loss grows. The bound weighs the two against each other."
)
of_model = gaps[gaps["model_id"] == model_id]
best = bounds[bounds["best"]].iloc[0]

left, right = st.columns(2)
with left:
    st.markdown(f"**Quantization gap against bits, {model_id}**")
    st.altair_chart(
        quantization_charts.gap_by_bits(of_model, "nominal_bits", "Bits of a weight's code")
    )
    st.caption(
        "Loss of the quantized model less that of the trained one. On a clipped grid the bits are "
        "$b$; on an unclipped one the entropy of its codes. Large points: all training tokens; "
        "small: sampled windows. Bars are two standard errors each way, from windows that both "
        "models were scored on: how the gap would vary over other windows like these (large "
        "points), or how far it may be from that over all of them (small ones). Gaps of 0 or less "
        "have no place on the axis."
    )
with right:
    st.markdown(f"**Rate against distortion, {model_id}**")
    st.altair_chart(
        quantization_charts.gap_by_bits(
            of_model, "entropy_coded_bits", "Bits per parameter, entropy-coded file"
        )
    )
    st.caption(
        "The same gaps against what the whole model really comes to in an entropy-coded file: "
        "scales, norms and tables included. Lower and further left is better."
    )

left, right = st.columns(2)
with left:
    st.markdown(f"**Which rate bounds best? {model_id}**")
    st.altair_chart(quantization_charts.bound_by_rate(bounds, choice.certified))
    st.caption(
        f"Ringed, the smallest of all measured: {best['setting']}, gap "
        f"{best['bound_gap_nats']:.3f} nats per token, code length {CODE_LABELS[code]}. With fewer "
        "bits rounding costs more than it saves, with more the code grows faster than the loss "
        "falls. A code's header names its setting, so choosing it afterwards is paid for. Only "
        "settings at which all training tokens were scored have a bound."
    )
with right:
    st.markdown(f"**Gap against model size, {setting.label}**")
    at_setting = gaps[gaps["setting"] == setting.label]
    if at_setting.empty:
        st.info("This is the trained model itself: there is no gap to show.")
    else:
        law = law_of(at_setting, "quantization_gap_nats")
        colour = term_of("quantization_gap_nats").colour
        st.altair_chart(quantization_charts.gap_by_size(at_setting, law, colour))
        explanations.law_reading(law)

st.subheader("Where to spend bits: many parameters or many bits each?")
left, right = st.columns(2)
with left:
    st.altair_chart(
        quantization_charts.by_total_bits(
            by_total,
            "train_loss_nats",
            "Training loss, quantized, nats per token",
            choice.certified,
        )
    )
with right:
    st.altair_chart(
        quantization_charts.by_total_bits(
            by_total, "total_nats", "Bound, nats per token", choice.certified
        )
    )
st.caption(
    f"{setting.family.label} beside float formats; each line is one setting, from the smallest "
    "model to the largest. At a given number of bits in all, the lowest line says how to spend "
    "them, for the loss (left) and for the bound (right); a larger model of this suite also saw "
    "more text. Hollow: the nominal code length, no certificate. After Dettmers & Zettlemoyer "
    "2023, "
    "*The case for 4-bit precision*."
)

st.subheader(f"Layer by layer: {model_id}, {setting.label}")
left, right = st.columns(2)
with left:
    if layers.empty:
        st.info("No layer was put on a grid at this setting.")
    else:
        st.altair_chart(quantization_charts.predicted_loss(layers))
        explanations.layers_reading(layers)
with right:
    if ratios.empty:
        st.info("This suite has no model quantized by LDLQ both with and without rotation.")
    else:
        st.altair_chart(quantization_charts.rotation(ratios))
        explanations.rotation_reading(ratios)
explanations.feedback_exceptions(counts, exceptions)

st.subheader("The data")
downloads.tables(
    {
        "Gaps": (gaps, f"{suite.name}-quantization-gaps"),
        "Bounds by rate": (bounds, f"{suite.name}-{model_id}-{form}-{code}-bounds-by-rate"),
        "Bounds by bits": (by_total, f"{suite.name}-{setting.quantizer}-{form}-{code}-bounds"),
        "Layers": (layers, f"{suite.name}-{model_id}-{setting.slug}-layers"),
    }
)
frame.show_provenance(suite)
