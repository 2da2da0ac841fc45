"""The app as Streamlit runs it, without a browser."""

import itertools
import json
from dataclasses import replace

import pyarrow.parquet as pq
import pytest

from bounds import FORMS, four_term_bound
from bounds.printed import upper_text
from dashboard.analysis.bound import progressive
from dashboard.analysis.bound.steps import STUDENTS_STEP, steps_to_ours
from dashboard.analysis.bound.terms import REQUENTIAL, Choice, bound_terms
from dashboard.analysis.measured import variation
from dashboard.artifacts.settings import Setting
from dashboard.style.glossary import TERMS
from dashboard.style.inequalities import forms_of
from dashboard.ui.controls.registry import DELTAS


def charts(app):
    return [json.loads(element.proto.spec) for element in app.get("vega_lite_chart")]


def sentences(app):
    return [element.value for element in [*app.warning, *app.error, *app.info]]


def test_the_explorer_opens_with_charts_terms_and_downloads(seen_app):
    app = seen_app()
    assert not app.exception
    assert not sentences(app)
    assert app.title[0].value == "Bound explorer"
    assert len(charts(app)) == 3
    table = next(m.value for m in app.markdown if "| term |" in m.value)
    assert all(f"**{term.label}**" in table for term in TERMS if term.label != "Sampling")
    assert "**Sampling**" not in table
    offered = [button.label for button in app.get("download_button")]
    assert offered == ["Export view", "Download CSV", "Download Parquet"]
    assert any(":green-badge" in m.value for m in app.markdown)


@pytest.mark.parametrize(
    ("code", "name"), [("stored", "Paper's bound"), ("nominal", "Paper's terms, not a bound")]
)
def test_the_papers_line_is_called_a_bound_only_where_it_is_one(seen_app, code, name):
    chart = charts(seen_app(code=code))[0]
    points = [layer for layer in chart["layer"] if "shape" in layer.get("encoding", {})]
    (line,) = [layer for layer in points if layer["mark"]["size"] > 95]
    assert ("strokeDash" in line["mark"]) == (code == "nominal")
    assert line["encoding"]["shape"]["scale"]["domain"][2:] == [progressive.LABEL, name]


def test_every_control_moves_the_numbers(open_app):
    app = open_app()

    def bound():
        return app.dataframe[0].value["total_nats"].iloc[-1]

    start = bound()
    app.select_slider(key="delta").set_value("1e-12").run()
    strict = bound()
    assert strict > start
    app.segmented_control(key="code").set_value("nominal").run()
    nominal = bound()
    assert nominal < strict
    assert any(":orange-badge" in m.value for m in app.markdown)
    assert charts(app)[0]["layer"][0]["mark"]["filled"] is False
    app.select_slider(key="bits").set_value("3").run()
    assert bound() != nominal
    app.segmented_control(key="code").set_value("stored").run()
    stored = bound()
    app.segmented_control(key="code").set_value("entropy-coded").run()
    assert bound() < stored
    app.selectbox(key="quantizer").set_value("Float formats").run()
    assert bound() > stored
    app.select_slider(key="model").set_value("ladder-5k").run()
    assert any("**ladder-5k**" in m.value for m in app.markdown)
    assert not app.exception


def test_shown_totals_are_those_of_the_mathematics(seen_app, suite):
    app = seen_app(delta="1e-06", quantizer="Round to nearest", bits="4", form="paper, four terms")
    terms = bound_terms(suite, Choice(Setting("rtn", 4), "stored", 1e-6, "four_term"))
    shown = app.dataframe[0].value
    assert list(shown["total_nats"]) == list(terms["total_nats"])
    assert app.metric[0].value == upper_text(terms["total_nats"].iloc[-1])
    for row in terms.itertuples():
        quantized = suite.train_losses(Setting("rtn", 4))[row.model_id]
        unquantized = suite.train_losses(Setting("none", 32))[row.model_id]
        expected = four_term_bound(
            unquantized.mean_loss_nats,
            quantized,
            code_bits=row.code_bits,
            train_tokens=row.train_tokens,
            vocab_size=256,
            failure_probability=1e-6,
        )
        assert row.total_nats == pytest.approx(expected.total_nats, abs=1e-12)
        assert sum(getattr(row, term.nats) for term in TERMS) == pytest.approx(
            row.total_nats, abs=1e-12
        )


@pytest.mark.parametrize(
    "asked",
    [
        {"suite": ("nope", "the suite `nope`, which does not exist here")},
        {
            "delta": ("0", "delta `0`, which is not a probability strictly between 0 and 1"),
            "bits": ("5", "the bitrate `5`, which does not exist here"),
            "code": ("magic", "the code length `magic`"),
            "model": ("gpt-5", "the model `gpt-5`"),
            "form": ("guess", "the form of the bound `guess`"),
        },
        {
            "delta": ("nan", "delta `nan`, which is not a probability"),
            "quantizer": ("AWQ", "the quantizer `AWQ`, which does not exist here"),
        },
        {"delta": ("0.03", "delta `0.03`, which is not one of the slider's steps")},
    ],
)
def test_a_bad_link_is_a_sentence_each_and_the_default_view(seen_app, asked):
    app = seen_app(**{name: value for name, (value, _) in asked.items()})
    assert not app.exception
    assert len(sentences(app)) == len(asked)
    for _, sentence in asked.values():
        assert sum(sentence in said for said in sentences(app)) == 1
    assert app.metric[0].value == seen_app().metric[0].value


def test_the_complaint_goes_once_a_control_is_moved(open_app):
    app = open_app(delta="0")
    app.select_slider(key="bits").set_value("3").run()
    assert not sentences(app)


def test_another_quantizer_brings_its_own_rates_and_no_complaint(open_app):
    app = open_app(bits="3")
    app.selectbox(key="quantizer").set_value("Grid-step GPTQ").run()
    assert not app.exception
    assert not sentences(app)
    assert app.select_slider(key="bits").options == ["step 1.4", "step 0.7"]
    app.selectbox(key="quantizer").set_value("GPTQ").run()
    assert not sentences(app)
    assert app.select_slider(key="bits").value == "4"


def test_settings_scored_on_a_sample_have_no_bound_and_are_not_offered(seen_app):
    app = seen_app(quantizer="Round to nearest")
    assert app.select_slider(key="bits").options == ["3", "4"]


def cut_in_half(path):
    path.write_bytes(path.read_bytes()[: path.stat().st_size // 2])


def empty(path):
    path.write_bytes(b"")


def with_version(version):
    def rewrite(path):
        rows = pq.read_table(path)
        metadata = {b"boundscape.schema_version": version} if version else None
        pq.write_table(rows.replace_schema_metadata(metadata), path)

    return rewrite


def without_a_column(path):
    rows = pq.read_table(path)
    pq.write_table(rows.drop_columns(["stored_bits"]), path)


@pytest.mark.parametrize(
    ("damage", "sentence"),
    [
        (cut_in_half, "is damaged or is not a Parquet file; restore it"),
        (empty, "is damaged or is not a Parquet file"),
        (with_version(None), "carries no Boundscape schema version"),
        (with_version(b"2.0"), "has schema version 2.0 and this code reads 1.x; write it again"),
        (without_a_column, "lacks the column stored_bits"),
    ],
)
def test_a_damaged_file_is_one_sentence_that_names_it(open_app, data_copy, damage, sentence):
    victim = min(data_copy.glob("micro/quantized/*.parquet"))
    damage(victim)
    app = open_app(data_copy)
    assert not app.exception
    assert len(sentences(app)) == 1
    assert sentence in sentences(app)[0]
    assert f"micro/quantized/{victim.name}" in sentences(app)[0]
    assert str(data_copy) not in sentences(app)[0]


def test_a_file_whose_pages_are_damaged_is_a_sentence(open_app, data_copy):
    for victim in data_copy.glob("micro/loss_histograms/*.parquet"):
        content = bytearray(victim.read_bytes())
        content[4 : len(content) // 3] = bytes(len(content) // 3 - 4)  # the footer stays whole
        victim.write_bytes(bytes(content))
    app = open_app(data_copy)
    assert not app.exception
    assert len(sentences(app)) == 1
    assert "is damaged or was replaced" in sentences(app)[0]


def test_without_artifacts_the_page_says_what_to_do(open_app, tmp_path):
    for folder in (tmp_path, tmp_path / "not there"):
        app = open_app(folder)
        assert not app.exception
        assert "make compute PRESET=tiny" in sentences(app)[0]


def test_a_second_suite_can_be_chosen(open_app, data_copy):
    (data_copy / "micro").rename(data_copy / "zebra")
    (data_copy / "aardvark").mkdir()
    for source in (data_copy / "zebra").iterdir():
        if source.is_dir():
            (data_copy / "aardvark" / source.name).symlink_to(source)
    app = open_app(data_copy, suite="zebra")
    assert app.selectbox(key="suite").value == "zebra"
    assert app.selectbox(key="suite").options == ["aardvark", "zebra"]


def test_deltas_are_logarithmic_from_one_in_a_trillion_to_a_half():
    assert DELTAS[0] == 1e-12
    assert DELTAS[-1] == 0.5
    ratios = [b / a for a, b in itertools.pairwise(DELTAS)]
    assert all(1.9 < ratio < 2.6 for ratio in ratios)


def test_every_form_can_be_chosen_and_ours_is_the_default(open_app):
    offered = forms_of(sampled=False)
    assert set(FORMS) == {form.key for form in offered.values()}
    app = open_app()
    assert app.selectbox(key="form").value == "geometric"
    smallest = float(app.metric[0].value)
    for label in offered:
        app.selectbox(key="form").set_value(label).run()
        assert not app.exception
        assert float(app.metric[0].value) >= smallest


def test_the_waterfall_ends_where_the_best_bitrate_does(suite):
    choice = Choice(Setting("rtn", 4), "stored", 0.05)
    steps = steps_to_ours(suite, choice, "ladder-12k")
    paper = bound_terms(suite, replace(choice, form="four_term")).set_index("model_id")
    assert steps["gap_nats"].iloc[0] == paper.loc["ladder-12k", "gap_nats"]
    ours = [
        bound_terms(suite, replace(choice, setting=setting, code="entropy_coded")).set_index(
            "model_id"
        )
        for setting in suite.settings()
    ]
    assert steps["gap_nats"].iloc[-2] == min(t.loc["ladder-12k", "gap_nats"] for t in ours)
    student = bound_terms(suite, choice.with_code(REQUENTIAL)).set_index("model_id")
    assert steps["gap_nats"].iloc[-1] == student.loc["ladder-12k", "gap_nats"]
    coded = bound_terms(suite, replace(choice, code="entropy_coded")).set_index("model_id")
    after = steps.set_index("step")["gap_nats"]
    assert after["Entropy-code|the weights"] == coded.loc["ladder-12k", "gap_nats"]
    assert list(steps["step"])[-2].startswith("Best setting:|Grid-step GPTQ|")
    assert list(steps["step"])[-1] == STUDENTS_STEP
    assert steps["gap_nats"].iloc[0] + steps["change_nats"].sum() == pytest.approx(
        steps["gap_nats"].iloc[-1]
    )


def test_the_loss_variation_page_draws_its_four_charts(open_app):
    app = open_app(bits="4")
    app.switch_page("pages/loss_variation.py").run()
    assert not app.exception
    assert not sentences(app)
    assert app.title[0].value == "Loss variation"
    assert len(charts(app)) == 4
    shown = app.dataframe[0].value
    assert list(shown["model_id"]) == ["ladder-5k", "ladder-6k", "ladder-12k"]


def test_the_objective_is_smallest_at_its_minimiser(suite):
    for setting in suite.settings():
        choice = Choice(setting, "stored", 0.05)
        points = variation.objective(suite, choice, "ladder-12k")
        found = points[points["minimum"]]["sigma_nats"].item()
        assert found <= points["sigma_nats"].min() + 1e-12
        effect = variation.grid_effect(suite, choice, "ladder-12k").set_index("grid_size")
        terms = bound_terms(suite, replace(choice, form="four_term")).set_index("model_id")
        assert effect.loc[1000, "total_nats"] == terms.loc["ladder-12k", "total_nats"]


def test_another_spelling_of_the_same_delta_is_understood(seen_app):
    app = seen_app(delta="1e-6")
    assert not sentences(app)
    assert app.select_slider(key="delta").value == "1e-06"


def remove(data, pattern):
    for path in data.glob(pattern):
        path.unlink()


@pytest.mark.parametrize("page", ["bound_explorer", "loss_variation"])
def test_a_suite_that_is_still_being_measured_shows_what_it_has(open_page, data_copy, page):
    measured = ["ladder-5k", "ladder-6k", "ladder-12k"]
    while len(measured) > 1:
        remove(data_copy, f"micro/*/{measured.pop()}--gptq-b4--*")
        app = open_page(page, data_copy, quantizer="GPTQ", bits="4")
        assert not app.exception
        assert list(app.dataframe[0].value["model_id"]) == measured


def test_a_suite_with_nothing_measured_says_so(open_app, data_copy):
    remove(data_copy, "micro/quantized/*")
    assert "has no measured model yet" in sentences(open_app(data_copy))[0]


def test_a_file_copied_in_is_found(open_app, data_copy):
    source = min(data_copy.glob("micro/quantized/*.parquet"))
    source.with_name("copy.parquet").write_bytes(source.read_bytes())
    app = open_app(data_copy)
    assert not app.exception
    assert "twice at one setting" in sentences(app)[0]


def test_losses_that_do_not_cover_the_training_set_are_a_sentence(open_app, data_copy):
    victim = min(data_copy.glob("micro/loss_histograms/ladder-5k--gptq-b4--*"))
    rows = pq.read_table(victim)
    pq.write_table(rows.slice(5), victim)
    app = open_app(data_copy, bits="4")
    assert not app.exception
    assert "The measurements of ladder-5k at GPTQ, 4 bits cannot be used" in sentences(app)[0]


def test_a_code_that_a_page_lacks_is_the_default_there(open_page):
    app = open_page("what_if")
    app.segmented_control(key="code").set_value("prequential").run()
    app.switch_page("pages/information.py").run()
    assert not app.exception
    assert app.segmented_control(key="code").value == "stored"
