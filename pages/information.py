"""Information: how much a trained model holds, by prequential coding and by real codes."""

import streamlit as st

from dashboard.analysis.bound.losses import Losses
from dashboard.analysis.bound.terms import PREQUENTIAL, bound_terms
from dashboard.analysis.laws.fits import law_of, several_sizes
from dashboard.analysis.laws.outlook import Outlook
from dashboard.analysis.measured import information
from dashboard.charts import law_charts
from dashboard.style.escaping import escaped
from dashboard.style.glossary import CODE_COLOURS
from dashboard.ui.beside import compare
from dashboard.ui.beside.view import live
from dashboard.ui.controls.bound import bound_controls, quantized_setting
from dashboard.ui.controls.registry import UNIT
from dashboard.ui.controls.size import reach_control, size_control
from dashboard.ui.drawing import downloads, show
from dashboard.ui.notes import caveats, size_words
from dashboard.ui.notes.subtitles import of_choice, subtitle
from dashboard.ui.page import frame
from dashboard.views.information import charts, student_section, views_section, words

suite = frame.open_suite()
models = information.by_model(suite)
if models.empty:
    frame.title(suite, "Information")
    show.info(words.NOT_MEASURED, icon=":material/inbox:")
    frame.stop()
with st.sidebar:
    unit = UNIT.ask()
beside = compare.others(suite)
with st.sidebar:
    choice = bound_controls(suite)
    setting, code = quantized_setting(suite), choice.code
    heuristic = choice.with_code(PREQUENTIAL)
    size = size_control(models)
    model_id = size.model_id
    largest = float(models["params_total"].max())
    reach = max(reach_control(largest), size.at or 0.0)
views = compare.views(live(suite, choice, size.params), beside)
codes = information.by_code(suite, setting)
terms = Losses.of(suite, bound_terms(suite, heuristic), unit).table
real = Losses.of(suite, bound_terms(suite, choice), unit).table
row = models[models["model_id"] == model_id].iloc[0]
curve = information.area_curve(suite, model_id, row["final_loss_nats"])
curve = Losses.of(suite, curve, unit, model_id).table
kept = Losses.of(suite, information.checkpoint_curve(suite, model_id), unit, model_id).table

frame.title(suite, "Information")
words.introduction()
rows = [
    ("K(h)", law_of(models, "k_bits"), "bits"),
    ("K(h)/N", law_of(models, "bits_per_parameter"), "bits/parameter"),
]
if len(terms):
    bound = Outlook.of(terms).bound_at(size.params)
    rows.append(("Bound, prequential", bound, unit.label))
size_words.predicted(size, rows)
growth = information.without_smallest(models)
laws = {key: information.code_laws(codes, key) for key in ("total_bits", "bits_per_parameter")}
left, right = st.columns(2)
for column, key, axis, heading in (
    (left, "total_bits", "Bits", "Information against model size"),
    (right, "bits_per_parameter", "Bits per parameter", "Information per parameter"),
):
    reported = information.reported(suite, reach, key)
    with column:
        chart = charts.bits_by_size(codes, laws[key], key, axis, reach, reported)
        show.chart(chart, heading, subtitle(axis, f"real codes: {setting.label}", "log axes"))
words.size_reading(laws["total_bits"], setting)
caveats.remarks([view.suite for view in views])
words.falls(models, growth)
words.growth_table(growth)
words.crossings(information.crossings(laws["total_bits"]), largest)
if len(views) > 1:
    show.subheader("View by view")
    views_section.information_of(views, reach, unit)

if len(terms) and several_sizes(terms):
    show.subheader("Every term of the bound under the prequential code")
    panels = law_charts.term_laws(terms, Outlook.of(terms).laws, unit, reach, size.at)
    below = subtitle(unit.label, of_choice(heuristic), "log axes")
    show.chart(panels, "Terms and gap under the prequential code", below, width="content")
    words.terms_reading()
elif terms.empty:
    show.info(words.NO_LOSSES, icon=":material/inbox:")

left, right = st.columns(2)
with left:
    words.totals_section(real.assign(code=code), terms.assign(code=PREQUENTIAL), choice, unit)
with right:
    heading = f"The area that is the code, {escaped(model_id)}"
    colour = CODE_COLOURS[PREQUENTIAL]
    below = subtitle(unit.label, "each batch scored before training on it")
    show.chart(charts.online_area(curve, kept, colour, unit), heading, below)
    words.area_reading(row, kept)

student_section.section(suite, model_id, unit)
words.checkpoint_section(models, colour)

show.subheader("The data")
downloads.tables(
    {
        "Information": (Losses.of(suite, models, unit), f"{suite.name}-information"),
        "Bits by code": (codes, f"{suite.name}-codes-{setting.slug}"),
        "Terms, prequential": (Losses(terms, unit), f"{suite.name}-prequential-{choice.form}"),
    }
)
frame.show_provenance(suite)
