"""Loss variation: how far losses stray from what the model expects, and what that costs."""

import streamlit as st

from dashboard import charts, controls, downloads, explanations, frame, size_words, variation
from dashboard.errors import ArtifactError
from dashboard.laws import law_of
from dashboard.terms import Choice
from dashboard.text import CODE_LABELS, term_of

#: Side of a square of the joint distribution; the shipped entropy bins are 0.25 wide.
SQUARE_NATS = 0.25

suite = frame.open_suite()
try:
    with st.sidebar:
        setting = controls.setting_control(suite.settings())
        controls.show_rate(suite.bits_per_parameter(setting))
        code = controls.code_control()
        choice = Choice(setting, code, controls.delta_control())
        sigma = variation.sigma_by_size(suite, choice)
        size = size_controls.size_control(sigma)
        model_id = size.model_id
    points = variation.objective(suite, choice, model_id)
    effect = variation.grid_effect(suite, choice, model_id)
    joint = suite.joint_losses(setting, model_id, SQUARE_NATS)
except ArtifactError as error:
    frame.show_error(error)
    st.stop()

colour = term_of("loss_variation_nats").colour
st.title("Loss variation")
links.show_complaints()
explanations.not_certified(choice)
st.markdown(
    r"The paper's bound pays $\Sigma\sqrt{C}$ for the chance that the training losses came out "
    r"low by luck. $\Sigma$ is small where each loss $X$ stays near what the model itself "
    r"expected, the entropy $H$ of its prediction."
)
law = law_of(sigma, "sigma_nats")
size_words.predicted(size, [("Σ", law, "nats/√nat")])
left, right = st.columns(2)
with left:
    st.markdown("**Σ against model size**")
    st.altair_chart(charts.sigma_by_size(sigma, law, colour, choice.certified, size.at))
    explanations.law_reading(law)
    st.caption(
        f"Σ is that of the paper's form at {setting.label}, code length "
        f"{CODE_LABELS[code]}; it depends on C too, so it moves with every control."
    )
with right:
    st.markdown(f"**Loss and entropy of {model_id}, all training tokens**")
    st.altair_chart(charts.joint_losses(joint, SQUARE_NATS))
    st.caption(
        "On the dashed line a token costs exactly what the model expected. How far the squares lie "
        "from it, weighted by their share, is what Σ measures. Losses above 10 nats are not drawn."
    )
left, right = st.columns(2)
with left:
    st.markdown(f"**What Σ minimises, {model_id}**")
    st.altair_chart(charts.objective(points, colour))
    st.caption(
        r"$\Delta\sqrt{C}\,(1-s)/s + (\Delta/\sqrt{C})\,\overline{v(sA)}/s$. A long code pushes "
        "the minimiser (dot) to the upper end of the grid; with a short one it moves inside."
    )
with right:
    st.markdown(f"**Why 1000 points? {model_id}**")
    st.altair_chart(charts.grid_effect(effect, colour, choice.certified))
    st.caption(
        r"More points come closer to the best $s$, and cost $\ln|K|/D$ in $C$. The curve is flat "
        "from about a thousand points on, and a million would still be cheap."
    )
st.subheader("The data")
downloads.table(sigma, name=f"{suite.name}-sigma-{setting.slug}")
frame.show_provenance(suite)
