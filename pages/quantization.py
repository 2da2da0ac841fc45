"""Quantization: what rounding costs, what it saves, and which rate certifies best."""

import streamlit as st

from dashboard.analysis.bound.losses import Losses
from dashboard.analysis.bound.terms import CODES, bound_terms
from dashboard.analysis.laws.fits import several_sizes
from dashboard.analysis.laws.ratios import Ratios
from dashboard.analysis.measured import quantization
from dashboard.artifacts.settings import UNQUANTIZED
from dashboard.style.escaping import escaped
from dashboard.ui.beside import compare
from dashboard.ui.beside.bound_columns import in_numbers
from dashboard.ui.beside.view import live
from dashboard.ui.controls.bound import bound_controls
from dashboard.ui.controls.registry import UNIT
from dashboard.ui.controls.size import size_control
from dashboard.ui.drawing import downloads, show
from dashboard.ui.notes import caveats, explanations, size_words
from dashboard.ui.notes.subtitles import subtitle
from dashboard.ui.page import frame
from dashboard.views.quantization import bits_section, charts, layer_section, rate_section, words

suite = frame.open_suite()
with st.sidebar:
    unit = UNIT.ask()
beside = compare.others(suite)
with st.sidebar:
    choice = bound_controls(suite, tuple(CODES))
    setting, code = choice.setting, choice.code
    terms = Losses.of(suite, bound_terms(suite, choice), unit).table
    size = size_control(terms)
    model_id = size.model_id
views = compare.views(live(suite, choice, size.params), beside, codes=tuple(CODES))
on_grid = [s for s in suite.settings() if s.family != UNQUANTIZED.family]
rates = on_grid or suite.settings()
bounds = Losses.of(suite, quantization.bounds_by_rate(suite, choice, rates, model_id), unit)
near = [s for s in suite.settings() if s.family in (setting.family, UNQUANTIZED.family)]
by_total = Losses.of(suite, quantization.bounds_by_rate(suite, choice, near), unit)
every_gap = Losses.of(suite, quantization.gaps(suite), unit)
gaps = every_gap.table
layers = layer_section.read(suite, setting, model_id)

frame.title(suite, "Quantization")
caveats.not_certified(terms)
words.introduction()
name, at_setting = escaped(model_id), gaps[gaps["setting"] == setting.label]
laws = quantization.laws(at_setting)
size_words.predicted(size, words.predicted_rows(laws, unit))
on_grids = gaps["quantizer"] != UNQUANTIZED.family.label
of_model = gaps[(gaps["model_id"] == model_id) & on_grids]

if of_model.empty:
    show.info(words.NO_GAPS, icon=":material/inbox:")
else:
    below = subtitle(unit.label, "every quantizer and rate")
    left, right = st.columns(2)
    with left:
        chart = charts.gap_by_bits(of_model, "nominal_bits", "Bits of a weight's code", unit)
        show.chart(chart, f"Quantization gap against bits, {name}", below)
        words.gap_reading()
    with right:
        axis = "Bits per parameter, entropy-coded file"
        chart = charts.gap_by_bits(of_model, "entropy_coded_bits", axis, unit)
        show.chart(chart, f"Rate against distortion, {name}", below)
        words.rate_reading()

compare.unit_note(views, unit)
wide = st.container()
left, right = st.columns(2)
rate_views, gap_views = rate_section.rate_views(views), rate_section.gap_views(views)
with left if len(rate_views) == 1 else wide:
    rate_section.bounds(rate_views, unit, f"Which rate bounds best? {name}")
with left:
    words.bound_reading(bounds.table, code, unit, suite.is_sampled)
several = several_sizes(at_setting)
if several or len(gap_views) > 1:
    heading = "Quantization gap against model size"
    with right if len(gap_views) == 1 else wide:
        rate_section.gaps(gap_views, unit, heading, size.at)
with right:
    if at_setting.empty:
        show.info("This is the trained model itself: there is no gap to show.")
    elif several:
        explanations.law_reading(laws["quantization_gap"])
    else:
        words.one_gap(at_setting.iloc[-1], unit)
with wide:
    in_numbers(views, unit)
caveats.remarks([view.suite for view in views])

bits_section.section(by_total.table, choice, Ratios.of(suite.models()), unit)

show.subheader(f"Layer by layer: {name}, {setting.label}")
layer_section.section(layers, setting)

show.subheader("The data")
by_form = f"{choice.form}-{code}"
downloads.tables(
    {
        "Gaps": (every_gap, f"{suite.name}-quantization-gaps"),
        "Bounds by rate": (bounds, f"{suite.name}-{model_id}-{by_form}-bounds-by-rate"),
        "Bounds by bits": (by_total, f"{suite.name}-{setting.quantizer}-{by_form}-bounds"),
        "Layers": (layers.layers, f"{suite.name}-{model_id}-{setting.slug}-layers"),
        "File": (layers.spending, f"{suite.name}-{model_id}-{setting.slug}-file"),
    }
)
frame.show_provenance(suite)
