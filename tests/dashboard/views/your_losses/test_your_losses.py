"""The page *Your losses*: the numbers of the command, one sentence for whatever cannot be used."""

import hashlib
from collections import OrderedDict

import pandas as pd
import pytest

from bounds import FORMS
from bounds.printed import upper_text
from dashboard.analysis.bound.terms import Choice, bound_terms
from dashboard.artifacts.settings import Setting
from dashboard.charts import drawn_once
from dashboard.views.your_losses.bounds import ESTIMATE, LABELS, REAL
from dashboard.views.your_losses.example import content_of, example_of
from tests.dashboard.helpers.views import link_of, query_of, record_of

PARQUET = "application/vnd.apache.parquet"


def sentences(app):
    return [element.value for element in [*app.warning, *app.error, *app.info]]


def words(app):
    return " ".join(m.value for m in [*app.markdown, *app.caption])


def example_file(suite):
    """Name, content and type of the example, as a browser would send it; and its values."""
    example = example_of(suite)
    return (example.name, content_of(suite, example), PARQUET), example.values


def upload(app, file):
    app.file_uploader(key="own_file").set_value(file)
    return app.run()


def test_without_a_file_it_says_what_is_wanted(seen_page):
    app = seen_page("your_losses")
    assert not app.exception
    assert app.title[0].value == "Your losses"
    (wanted,) = sentences(app)
    assert wanted.startswith("Missing: a file; in the sidebar *Parameters N*")
    assert not app.get("vega_lite_chart")
    labels = [button.proto.label for button in app.get("download_button")]
    assert labels == ["Export view", "Download the example"]


def test_the_example_has_the_numbers_of_the_other_pages(seen_page, suite):
    app = seen_page("your_losses", own_example="true")
    assert not app.exception
    assert not sentences(app)
    assert len(app.get("vega_lite_chart")) == 1
    table = app.dataframe[0].value.set_index("form")
    assert list(table.index) == [LABELS[key] for key in FORMS]
    for key in FORMS:
        choice = Choice(Setting("gptq", 4), "entropy_coded", 0.05, key)
        there = bound_terms(suite, choice).set_index("model_id").loc["ladder-5k"]
        here = table.loc[LABELS[key]]
        assert here["total_nats"] == pytest.approx(there["total_nats"], abs=1e-9)
        assert here["gap_nats"] == pytest.approx(there["gap_nats"], abs=1e-9)
    assert table["certified"].all()
    assert app.metric[0].value == upper_text(table["total_nats"].iloc[0], 4)
    assert ":green-badge" in words(app)


def test_what_is_so_of_the_example_is_not_said_of_the_next_file(open_page, suite):
    file, values = example_file(suite)
    app = open_page("your_losses")
    app = app.toggle(key="own_example").set_value(True).run()
    assert app.selectbox(key="own_code").value == REAL
    app = app.text_input(key="own_v").set_value("300").run()
    app = app.toggle(key="own_example").set_value(False).run()
    assert app.selectbox(key="own_code").value == ESTIMATE
    left = {name for name in values if name != "own_code" and app.text_input(key=name).value}
    assert left == {"own_v"}  # which the visitor has written
    app = upload(app, file)
    assert not app.get("vega_lite_chart")
    assert "code length" in sentences(app)[0].lower()


def test_an_upload_of_the_example_is_the_example(open_page, suite):
    file, values = example_file(suite)
    shown = open_page("your_losses", own_example="true").dataframe[0].value
    app = upload(open_page("your_losses", **values), file)
    assert not app.exception
    assert not sentences(app)
    pd.testing.assert_frame_equal(app.dataframe[0].value, shown)
    kept = record_of(app)
    assert kept.upload["SHA-256"] == hashlib.sha256(file[1]).hexdigest()
    assert not kept.suites, "the numbers are of no suite"
    assert "not stored" in kept.caveat
    assert set(query_of(link_of(app))) >= {*values, "suite"}
    app.switch_page("pages/overview.py").run()
    assert "upload" not in app.session_state


def test_nothing_of_an_upload_is_kept_for_other_visitors(open_page, suite, monkeypatch):
    monkeypatch.setattr(drawn_once, "_kept", OrderedDict())
    file, values = example_file(suite)
    app = upload(open_page("your_losses", **values), file)
    assert len(app.get("vega_lite_chart")) == 1
    assert not drawn_once._kept


def test_a_code_length_is_an_estimate_unless_the_reader_says_otherwise(open_page, suite):
    file, values = example_file(suite)
    del values["own_code"]
    app = upload(open_page("your_losses", **values), file)
    assert not app.dataframe[0].value["certified"].any()
    assert ":orange-badge" in words(app)
    assert ":green-badge" not in words(app)
    app.selectbox(key="own_code").set_value(REAL).run()
    assert app.dataframe[0].value["certified"].all()


def test_several_codes_cost_the_choice_among_them(open_page, suite):
    file, values = example_file(suite)
    one = upload(open_page("your_losses", **values), file).dataframe[0].value["total_nats"]
    values["own_bits"] = f"{values['own_bits']}; 1e9"
    two = upload(open_page("your_losses", **values), file).dataframe[0].value["total_nats"]
    assert (two > one).all()


@pytest.mark.parametrize(
    ("name", "text"),
    [
        ("own_n", "<b>"),
        ("own_d", "--4"),
        ("own_v", "1;x"),
        ("own_bits", "1;x"),  # where several numbers are lawful
        ("own_start", "nan"),
        ("own_bytes", "`![x](//e.co)`"),
    ],
)
def test_what_is_no_number_is_one_complaint_and_counts_as_empty(open_page, name, text):
    app = open_page("your_losses", **{name: text})
    assert not app.exception
    assert not app.error
    (complaint,) = (warning.value for warning in app.warning)
    assert "is not a number" in complaint
    assert "Missing: " in app.info[0].value
    assert name not in query_of(link_of(app))
    app.text_input(key=name).set_value("2").run()
    assert not app.warning


@pytest.mark.parametrize(
    ("change", "sentence"),
    [
        ({"own_n": "0"}, "Parameters N must be at least 1"),
        ({"own_n": "1.5"}, "Parameters N must be a whole number, not 1.5."),
        ({"own_d": "12"}, "Training tokens D is 12, and the losses cover "),
        ({"own_v": "1"}, "Vocabulary V must be at least 2"),
        ({"own_v": "2"}, "The column 'entropy_nats' holds "),
        ({"own_bits": "-1"}, "Code length L must be greater than 0"),
        ({"own_start": "-1"}, "Training loss must be finite and not negative"),
        ({"own_bytes": "0"}, "Bytes per token must be greater than 0, not 0."),
    ],
)
def test_a_number_that_cannot_be_is_one_sentence(open_page, suite, change, sentence):
    file, values = example_file(suite)
    app = upload(open_page("your_losses", **values | change), file)
    assert not app.exception
    (found,) = sentences(app)
    assert sentence in found
    assert not app.get("vega_lite_chart")
    assert not app.dataframe


@pytest.mark.parametrize(
    ("file", "sentence"),
    [
        (("x.csv", b"losses\n1\n", "text/csv"), "has no column 'loss_nats' or"),
        (("x.parquet", b"PAR1", PARQUET), "is damaged or cut off"),
        (("x.csv", b"loss_nats\n-1\n", "text/csv"), "The column 'loss_nats' holds -1.0 in row 1"),
        (("x.csv", b"loss_nats\n", "text/csv"), "The column 'loss_nats' holds no rows"),
    ],
)
def test_a_file_that_cannot_be_used_is_one_sentence(open_page, suite, file, sentence):
    _, values = example_file(suite)
    app = upload(open_page("your_losses", **values), file)
    assert not app.exception
    (found,) = sentences(app)
    assert sentence in found
    assert not app.dataframe


def test_the_example_of_a_sampled_suite_is_a_sample(open_page, sampled_suites):
    app = open_page("your_losses", sampled_suites, suite="sampled", own_example="true")
    assert not app.exception
    assert not sentences(app)
    assert "drawn windows of " in words(app)
    assert len(app.dataframe[0].value) == 2
