"""The first page: the claim in numbers that agree with the other pages, in every state."""

import json
from dataclasses import replace
from decimal import Decimal
from functools import partial

import pyarrow.parquet as pq
import pytest

from bounds.printed import upper_text
from dashboard.analysis.bound.terms import Choice, best_setting, bound_terms, bounds_by_model
from dashboard.analysis.bound.units import BITS, NATS
from dashboard.artifacts.settings import STUDENT, Setting
from dashboard.artifacts.suite import Suite
from dashboard.style.glossary import TERMS
from dashboard.ui.page.navigation import PAGES
from dashboard.views.overview import charts
from dashboard.views.overview import data as overview
from dashboard.views.overview.data import at_best, at_choice, best_choice, best_settings
from dashboard.views.overview.trends import Trend, trend
from tests.dashboard.ui.test_app import cut_in_half, sentences

CHOICE = Choice(Setting("rtn", 4), "stored", 0.05)


@pytest.fixture
def open_overview(open_page):
    """Follow a link to the app without naming a page."""
    return partial(open_page, None)


@pytest.fixture
def seen_overview(seen_page):
    """The first page, to look at."""
    return partial(seen_page, None)


def words(app):
    return " ".join(m.value for m in [*app.markdown, *app.caption])


def spec(app, place):
    return json.loads(app.get("vega_lite_chart")[place].proto.spec)


def names(view):
    """What is written beside the lines of the main chart."""
    datasets = charts.claim(view, NATS, 200).to_dict()["datasets"].values()
    return [row["text"] for rows in datasets for row in rows if "text" in row]


# --- what is shown


def test_an_address_without_a_page_opens_it_with_the_largest_models_numbers(seen_overview, suite):
    app = seen_overview()
    assert not app.exception
    assert not sentences(app)
    assert app.title[0].value == "Overview"
    assert len(app.get("vega_lite_chart")) == 2
    view = at_best(suite, best_choice(suite, 0.05), NATS)
    assert view.largest["model_id"] == "ladder-12k"
    bound, training, guess, gap = app.metric
    assert bound.label == "The risk is at most"
    assert bound.value == upper_text(view.largest["total"])
    bits = BITS.of_nats(view.largest["bytes_per_token"]) * view.largest["total"]
    assert bound.delta == f"{upper_text(bits)} bits per byte"
    assert training.value == f"{view.largest['measured_train_loss']:.3f}"
    assert guess.value == "5.545"
    theirs = view.papers_largest["gap"]
    less = 1 - view.largest["gap"] / theirs
    assert gap.value == upper_text(view.largest["gap"])
    assert gap.delta == f"{less:.0%} below the paper's {upper_text(theirs)}"
    assert less > 0


def test_the_table_rounds_bounds_up_and_its_terms_add_up_to_the_gap(seen_overview):
    app = seen_overview()
    table = next(m.value for m in app.markdown if "| smallest model |" in m.value)
    rows = [line.split(" | ") for line in table.splitlines()[2:]]
    largest = {row[0].strip("| "): row[2].strip() for row in rows}
    bound, _, _, gap = app.metric
    assert largest["bound"] == bound.value
    assert largest["gap"] == gap.value
    terms = [value for name, value in largest.items() if "■" in name]
    assert len(terms) == 4
    assert sum(map(Decimal, terms)) == Decimal(gap.value)


def test_best_is_the_smallest_gap_of_all_settings(suite):
    choice = best_choice(suite, 0.05)
    found = best_settings(suite, choice)
    assert list(found) == ["ladder-5k", "ladder-6k", "ladder-12k"]
    for name, setting in found.items():
        gaps = dict([best_setting(suite, choice, name)])
        gaps[STUDENT] = bounds_by_model(suite, choice.at(STUDENT), [name])[name].gap_nats
        assert setting == min(gaps, key=gaps.get)
    theirs = best_settings(suite, replace(choice, form="four_term", code="stored"), "gptq")
    assert {setting.quantizer for setting in theirs.values()} == {"gptq"}
    view = at_best(suite, choice, NATS)
    for row in view.ours.itertuples():
        at = choice.at(found[row.model_id])
        assert row.total == bounds_by_model(suite, at)[row.model_id].total_nats
        assert row.setting == found[row.model_id].label
    # Without GPTQ, the paper's form is taken at whatever was measured.
    anything = best_settings(suite, replace(choice, form="four_term"), "ldlq")
    assert set(anything) == set(found)


def test_as_chosen_shows_the_explorers_numbers(seen_overview, seen_app):
    query = {"quantizer": "Round to nearest", "bits": "3", "code": "entropy-coded", "delta": "0.01"}
    app = seen_overview(settings="as chosen", **query)
    assert not app.exception
    explorer = seen_app(**query)
    assert app.metric[0].value == explorer.metric[0].value
    assert app.metric[3].value == explorer.metric[3].value
    assert "Round to nearest, 3 bits" in words(app)


def test_the_papers_own_form_stands_alone(seen_overview):
    app = seen_overview(settings="as chosen", form="paper, four terms")
    assert not app.exception
    assert app.metric[3].delta == "in the paper's own form"
    assert set(app.dataframe[0].value["form"]) == {"paper, four terms"}


def test_what_falls_or_rises_is_said_as_the_laws_allow(open_overview, suite, monkeypatch):
    view = at_best(suite, best_choice(suite, 0.05), NATS)
    laws = view.laws()
    shown = next(m.value for m in open_overview().markdown if "No clear trend" in m.value)
    lines = dict(line.split("**: ") for line in shown.replace("&nbsp;", " ").split("  \n"))
    headings = {
        Trend.FALLS: "**Falls as models grow",
        Trend.RISES: "**Rises",
        Trend.FLAT: "**No clear trend at these sizes",
        Trend.UNKNOWN: "**Has no law",
    }
    names = {term.key: term.label.lower() for term in TERMS}
    names |= {"total": "bound", "gap": "gap"}
    assert {trend(law) for law in laws.values()} <= set(headings)
    for key in ("total", "gap", *(t.key for t in overview.gap_terms(view.ours))):
        assert names[key] in lines[headings[trend(laws[key])]]


def test_the_data_hold_both_forms_of_every_model(seen_overview):
    table = seen_overview().dataframe[0].value
    assert list(table["form"]) == ["geometric"] * 3 + ["paper, four terms"] * 3
    assert table["certified"].all()
    for row in table.to_dict("records"):
        total = sum(row[term.nats] for term in TERMS)
        assert total == pytest.approx(row["total_nats"], abs=1e-12)


def test_another_delta_and_unit_move_the_numbers(open_overview):
    app = open_overview()
    before = float(app.metric[0].value)
    app.select_slider(key="delta").set_value("1e-12").run()
    assert float(app.metric[0].value) > before
    assert "best at δ = 0.05" in words(app)
    app.segmented_control(key="unit").set_value(BITS.label).run()
    assert app.metric[0].delta.endswith("nats per token")
    assert not app.exception


# --- where to go next, and back


def test_every_other_page_is_a_link_with_its_question(seen_overview):
    app = seen_overview()
    links = [element.proto for element in app.get("page_link")]
    captions = [c.value for c in app.caption]
    for page in PAGES[1:]:
        assert page.question in captions
        assert any(link.page == page.name for link in links), page.name


def test_choices_come_back_with_their_controls(open_overview):
    app = open_overview(settings="as chosen")
    app.select_slider(key="bits").set_value("3").run()
    app.segmented_control(key="settings").set_value("best measured").run()
    assert not app.select_slider(key="delta").disabled
    assert "bits" not in [slider.key for slider in app.select_slider]
    app.segmented_control(key="settings").set_value("as chosen").run()
    assert app.select_slider(key="bits").value == "3"
    app.switch_page("pages/bound_explorer.py").run()
    assert app.select_slider(key="bits").value == "3"


@pytest.mark.parametrize(
    ("query", "sentence"),
    [
        ({"settings": "worst"}, "“Setting of each model” `worst`, which does not exist here"),
        ({"settings": "![x](//e.co)"}, "`![x](//e.co)`, which does not exist here"),
        ({"delta": "0"}, "delta `0`, which is not a probability"),
        ({"suite": "'; DROP TABLE models"}, "which does not exist here"),
    ],
)
def test_a_bad_link_is_one_sentence_and_the_default_view(seen_overview, query, sentence):
    app = seen_overview(**query)
    assert not app.exception
    assert len(sentences(app)) == 1
    assert sentence in sentences(app)[0]
    assert app.metric[0].value == seen_overview().metric[0].value


# --- other states


def test_no_suite_and_nothing_measured_are_sentences(open_overview, tmp_path, data_copy):
    app = open_overview(tmp_path)
    assert not app.exception
    assert "make compute PRESET=tiny" in sentences(app)[0]
    for file in data_copy.glob("micro/quantized/*"):
        file.unlink()
    assert "has no measured model yet" in sentences(open_overview(data_copy))[0]


def test_a_damaged_file_is_one_sentence(open_overview, data_copy):
    victim = min(data_copy.glob("micro/loss_histograms/*.parquet"))
    cut_in_half(victim)
    app = open_overview(data_copy)
    assert not app.exception
    assert len(sentences(app)) == 1
    assert victim.name in sentences(app)[0]
    assert not app.metric


def test_damaged_pages_of_a_file_are_one_sentence(open_overview, data_copy):
    for victim in data_copy.glob("micro/loss_histograms/*.parquet"):
        content = bytearray(victim.read_bytes())
        content[4 : len(content) // 3] = bytes(len(content) // 3 - 4)
        victim.write_bytes(bytes(content))
    app = open_overview(data_copy)
    assert not app.exception
    assert "is damaged or was replaced" in sentences(app)[0]


def test_one_model_has_numbers_and_no_law(open_overview, data_copy):
    for model_id in ("ladder-5k", "ladder-6k"):
        for file in data_copy.glob(f"micro/*/*{model_id}--*"):
            file.unlink()
    app = open_overview(data_copy)
    assert not app.exception
    assert not sentences(app)
    assert len(app.get("vega_lite_chart")) == 2
    assert app.metric[0].label == "The risk is at most"
    assert words(app).count("No law in model size") == 1
    assert "Has no law" not in words(app)
    assert "Falls" not in words(app)


def test_a_model_without_any_bound_is_left_out(open_overview, data_copy):
    for file in data_copy.glob("micro/loss_histograms/ladder-12k--*"):
        file.unlink()
    app = open_overview(data_copy)
    assert not app.exception
    assert "**ladder-6k**, the largest model here" in words(app)
    assert "Not shown (no bound at any setting): **ladder-12k**" in words(app)


def test_nominal_bits_certify_nothing_and_look_so(seen_overview):
    app = seen_overview(settings="as chosen", code="nominal")
    assert not app.exception
    assert app.metric[0].label == "Not a certificate"
    assert app.metric[3].delta.startswith("paper's terms: ")
    assert "below" not in app.metric[3].delta
    assert ":orange-badge" in words(app)
    assert ":green-badge" not in words(app)
    claim, bars = spec(app, 0), spec(app, 1)
    marks = [layer["mark"] for layer in claim["layer"]]
    lines = [m for m in marks if m["type"] == "line" and m.get("strokeWidth") == 2]
    assert lines
    assert all("strokeDash" in line for line in lines)
    assert all(layer["mark"]["filled"] is False for layer in bars["layer"][:1])
    solid = spec(seen_overview(), 0)["layer"]
    assert not any("strokeDash" in la["mark"] for la in solid if la["mark"]["type"] == "line")


def test_lines_are_named_for_what_they_are(suite):
    assert sorted(text.rpartition(" ")[0] for text in names(at_choice(suite, CHOICE, NATS))) == [
        "Chosen bound",
        "Held-out",
        "On the way",
        "Paper's bound",
        "Training",
    ]
    nominal = at_choice(suite, replace(CHOICE, code="nominal"), NATS)
    assert any(text.startswith("Chosen, not a bound ") for text in names(nominal))
    papers = at_choice(suite, replace(CHOICE, form="four_term"), NATS)
    assert [text for text in names(papers) if "bound" in text] == [
        f"Paper's bound {upper_text(papers.largest['total'], 2)}"
    ]


def test_several_seeds_are_a_range(open_overview, repeated):
    app = open_overview(repeated)
    assert not app.exception
    assert "Sizes trained with several seeds (ladder-5k)" in words(app)
    assert any(layer["mark"]["type"] == "errorbar" for layer in spec(app, 0)["layer"])
    assert "ladder-5k-seed1" not in app.dataframe[0].value.to_string()
    suite = Suite(repeated, "micro")
    view = at_best(suite, best_choice(suite, 0.05), NATS)
    found = view.seeds.set_index("model_id")
    assert list(found.index) == ["ladder-5k"]
    at = best_choice(suite, 0.05).at(best_settings(suite, view.choice)["ladder-5k"])
    both = bound_terms(suite, at, ["ladder-5k", "ladder-5k-seed1"])["total_nats"]
    assert (found["low"].item(), found["high"].item()) == (both.min(), both.max())
    assert at_choice(suite, CHOICE, NATS).seeds["seeds"].item() == 2


def test_a_seed_that_was_not_measured_there_makes_no_range(repeated_copy):
    for file in repeated_copy.glob("micro/loss_histograms/ladder-5k-seed1--rtn-b4--*"):
        file.unlink()
    assert at_choice(Suite(repeated_copy, "micro"), CHOICE, NATS).seeds.empty


def test_a_sampled_suite_and_a_stand_in(seen_overview, sampled_suites):
    app = seen_overview(sampled_suites, suite="sampled")
    assert not app.exception
    assert not sentences(app)
    assert app.metric[0].label == "The risk is at most"
    assert app.metric[3].delta.endswith("standard error, not certified")
    assert "sampling" in words(app)
    suite = Suite(sampled_suites, "sampled")
    texts = names(at_best(suite, best_choice(suite, 0.05), NATS))
    assert any(text.startswith("Paper's, not a bound ") for text in texts)
    assert any(text.startswith("Our bound ") for text in texts)
    app = seen_overview(sampled_suites, suite="stand-in")
    assert not app.exception
    assert app.metric[0].label == "Not a certificate"
    assert any("stands in for the training text" in text for text in sentences(app))
    assert ":green-badge" not in words(app)


def test_a_file_of_another_schema_is_a_sentence(open_overview, data_copy):
    victim = min(data_copy.glob("micro/quantized/*.parquet"))
    rows = pq.read_table(victim)
    pq.write_table(rows.replace_schema_metadata({"boundscape.schema_version": "2.0"}), victim)
    assert "has schema version 2.0" in sentences(open_overview(data_copy))[0]
