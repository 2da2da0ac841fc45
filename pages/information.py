"""Information: how much a trained model holds, by prequential coding and by real codes."""

import pandas as pd
import streamlit as st

from dashboard import controls, downloads, frame, information, law_charts, size_words
from dashboard import information_charts as charts
from dashboard import information_words as words
from dashboard.errors import ArtifactError
from dashboard.laws import law_of
from dashboard.outlook import Outlook
from dashboard.terms import PREQUENTIAL, bound_terms, prequential
from dashboard.text import CODE_COLOURS

suite = frame.open_suite()
try:
    models = information.by_model(suite)
    if models.empty:
        st.title("Information")
        st.info(
            "This suite holds no prequential information. `make compute` measures it for models "
            "that it trains, or whose checkpoints it can score.",
            icon=":material/inbox:",
        )
        st.stop()
    with st.sidebar:
        choice = controls.bound_controls(suite)
        setting, code = choice.setting, choice.code
        size = size_controls.size_control(models)
        model_id = size.model_id
        largest = float(models["params_total"].max())
        reach = max(size_controls.reach_control(largest), size.at or 0.0)
    codes = information.by_code(suite, setting)
    terms = bound_terms(suite, prequential(choice))
    real = bound_terms(suite, choice)
    row = models[models["model_id"] == model_id].iloc[0]
    curve = information.area_curve(suite, model_id, row["final_loss_nats"])
    kept = information.checkpoint_curve(suite, model_id)
except ArtifactError as error:
    frame.show_error(error)
    st.stop()

st.title("Information")
links.show_complaints()
words.introduction()
size_words.predicted(
    size,
    [
        ("K(h)", law_of(models, "k_bits"), "bits"),
        ("K(h)/N", law_of(models, "bits_per_parameter"), "bits/parameter"),
        ("Bound, prequential", Outlook.of(terms).bound_at(size.params), "nats/token"),
    ],
)
growth = information.without_smallest(models)
laws = {key: information.code_laws(codes, key) for key in ("total_bits", "bits_per_parameter")}
left, right = st.columns(2)
for column, key, title, heading in (
    (left, "total_bits", "Bits", "Information against model size"),
    (right, "bits_per_parameter", "Bits per parameter", "The same per parameter"),
):
    reported = information.reported(suite, reach, key)
    with column:
        st.markdown(f"**{heading}**")
        st.altair_chart(charts.bits_by_size(codes, laws[key], key, title, reach, reported))
words.size_reading(laws["total_bits"], setting)
words.falls(models, growth)
words.growth_table(growth)
words.crossings(information.crossings(laws["total_bits"]), largest)

st.subheader("Every term of the bound under the prequential code")
panels = law_charts.term_laws(terms, Outlook.of(terms).laws, False, reach, size.at)
st.altair_chart(panels, width="content")
words.terms_reading()

left, right = st.columns(2)
with left:
    st.markdown("**The bound by either code**")
    totals = pd.concat([real.assign(code=code), terms.assign(code=PREQUENTIAL)])
    st.altair_chart(charts.totals_by_code(totals))
    words.totals_reading(code, setting)
with right:
    st.markdown(f"**The area that is the code, {model_id}**")
    colour = CODE_COLOURS[PREQUENTIAL]
    st.altair_chart(charts.online_area(curve, kept, colour))
    words.area_reading(row, kept)

if models["checkpoint_bits"].notna().any():
    st.subheader("How good is K(h) from checkpoints alone?")
    st.altair_chart(charts.checkpoint_error(models, colour))
    words.methods_reading(models)

st.subheader("The data")
downloads.tables(
    {
        "Information": (models, f"{suite.name}-information"),
        "Bits by code": (codes, f"{suite.name}-codes-{setting.slug}"),
        "Terms, prequential": (terms, f"{suite.name}-prequential-{choice.form}"),
    }
)
frame.show_provenance(suite)
