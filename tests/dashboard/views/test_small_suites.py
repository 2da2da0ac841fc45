"""Every page on suites of one and of two models: true words, one refusal, empty states."""

import re
import shutil

import pandas as pd
import pyarrow as pa
import pyarrow.parquet as pq
import pytest

import schema
from dashboard.analysis.laws.ratios import Ratios
from dashboard.analysis.laws.sizes import ANOTHER
from dashboard.artifacts.suite import Suite
from dashboard.style.numbers import change_words
from dashboard.style.plural import agree, counted, listed
from dashboard.style.training_text import stand_ins, trained_on
from dashboard.ui.page.navigation import PAGES
from dashboard.views.quantization.words import _why_there
from dashboard.views.scaling_laws import pythia
from tests.dashboard.helpers.sampled_suite import replace_columns
from tests.dashboard.views.small_suites import (
    REMARK,
    STAND_IN,
    UNKNOWN_TEXT,
    keep_models,
    make_small_suite,
)

SUITES = {"one": ["ladder-12k"], "two": ["ladder-6k", "ladder-12k"]}

#: What is true of a ladder near 20 tokens per parameter, and of none of these suites.
NOT_HERE = (
    *("frontier", "Pythia checkpoints", "has no law", "show a trend", "by its own law"),
    *(UNKNOWN_TEXT, "Something went wrong"),
)

#: ``1 models``, ``1 training windows``, ``1 others``.
BAD_PLURAL = re.compile(
    r"(?<![\w.,/^])1 (?:[a-z]+ )?(?:models|sizes|windows|vectors|steps|layers|rows|cases|gaps|"
    r"settings|others|reasons|forms|draws|seeds)\b"
)


@pytest.fixture(scope="module")
def folder(tmp_path_factory, micro_suite):
    """Both suites, and one model of the ladder with all that is known of its training."""
    data = tmp_path_factory.mktemp("small")
    for name, models in SUITES.items():
        make_small_suite(micro_suite / "data/micro", data, name, models)
    shutil.copytree(micro_suite / "data/micro", data / "trained")
    keep_models(data / "trained", SUITES["one"])
    return data


def words(app) -> str:
    """All that a page says, its sidebar included; of charts their titles."""
    kinds = (app.title, app.subheader, app.markdown, app.caption, app.info, app.warning, app.error)
    metrics = (f"{m.label} {m.value} {m.delta}" for m in app.metric)
    return "\n".join([*(element.value for kind in kinds for element in kind), *metrics])


@pytest.mark.parametrize("suite", [*SUITES, "trained"])
@pytest.mark.parametrize("page", [entry.name for entry in PAGES])
def test_a_page_says_what_is_true_of_so_few_models(seen_page, folder, page, suite):
    app = seen_page(page, folder, suite=suite)
    said = words(app)
    assert not app.exception
    assert not app.error
    assert not [text for text in NOT_HERE if text in said]
    assert not re.search(r"\bnan\b", said)
    assert ("the largest model here" in said) == (page == "overview" and suite == "two")
    assert not BAD_PLURAL.findall(said)
    assert said.count("No law") <= 1
    assert "does not exist here" not in said
    if suite != "trained":
        assert "Trained on: an unknown text" in said or page == "information"


@pytest.mark.parametrize(
    "page", [e.name for e in PAGES if e.name not in ("your_losses", "artifacts")]
)
def test_a_models_remark_is_on_every_page_that_shows_it(seen_page, folder, page):
    assert REMARK in words(seen_page(page, folder, suite="one")) or page == "information"


def test_a_model_that_was_skipped_says_why_on_every_page(open_page, folder, tmp_path):
    skipped = "its revision serves the weights of another one"
    shutil.copytree(folder / "two", tmp_path / "two")
    record = min((tmp_path / "two/units").glob("*ladder-6k*"))
    replace_columns(record, stage="describe", status="skipped", error=skipped)
    for file in {*(tmp_path / "two").glob("*/*ladder-6k*")} - {record}:
        file.unlink()
    for page in ("overview", "bound_explorer", "curvature", "scaling_laws"):
        said = words(open_page(page, tmp_path)).replace("\\", "")
        assert f"**ladder-6k**: not measured: {skipped}" in said
        assert f"**ladder-12k**: {REMARK}" in said


def test_no_size_is_asked_for_where_no_law_can_answer(seen_page, folder):
    app = seen_page("bound_explorer", folder, suite="one")
    assert [slider.label for slider in app.select_slider if slider.label == "Model size"] == []
    assert any("**ladder-12k**, the only one here" in c.value for c in app.caption)
    app = seen_page("bound_explorer", folder, suite="two")
    sizes = next(slider for slider in app.select_slider if slider.label == "Model size")
    assert sizes.options == SUITES["two"]
    app = seen_page("bound_explorer", folder, suite="one", model=ANOTHER)
    assert len(app.warning) == 2  # the link's size, and the text that stands in


@pytest.mark.parametrize(
    ("tables", "page", "sentence"),
    [
        (["curvature", "spectra"], "curvature", "No unit of this stage was run"),
        ([], "information", "has no prequential information"),
        (["layers"], "quantization", "none was measured"),
        (["layers"], "curvature", "cannot be compared here"),
    ],
)
def test_a_suite_without_a_table_has_a_sentence_there(
    open_page, folder, tmp_path, tables, page, sentence
):
    shutil.copytree(folder / "one", tmp_path / "one")
    for table in tables:
        shutil.rmtree(tmp_path / "one" / table)
    for file in (tmp_path / "one/units").glob("*curvature*"):
        file.unlink()
    app = open_page(page, tmp_path)
    assert not app.exception
    assert any(sentence in info.value for info in app.info)


def test_curvature_that_failed_says_why(open_page, folder, tmp_path):
    shutil.copytree(folder / "one", tmp_path / "one")
    for table in ("curvature", "spectra"):
        shutil.rmtree(tmp_path / "one" / table)
    for file in (tmp_path / "one/units").glob("*curvature*"):
        replace_columns(file, status="failed", error="It needs 40 GiB, and 12 GiB are free.")
    (info,) = open_page("curvature", tmp_path).info
    assert info.value.endswith("It failed or was skipped: It needs 40 GiB, and 12 GiB are free.")


def test_numbers_agree_with_their_nouns():
    assert [counted(n, "size") for n in (0, 1, 2, 1024)] == [
        *("0 sizes", "1 size", "2 sizes", "1,024 sizes")
    ]
    assert counted(2, "entropy", "entropies") == "2 entropies"
    assert agree(1, "was", "were") == "was"
    assert listed(["a"]) == "a"
    assert listed(["a", "b", "c"]) == "a, b and c"


@pytest.mark.parametrize(
    ("before", "after", "text"),
    [
        *(
            (1.272, 0.827, ", 35% less"),
            (1.0, 1.2, ", 20% more"),
            (0.1, 0.546, ", 5.5 times as much"),
        ),
        *((1.0, 1.0, ""), (0.0, 1.0, ""), (-0.1, 0.2, "")),
    ],
)
def test_a_change_is_a_share_or_a_factor(before, after, text):
    assert change_words(before, after) == text


def models_at(*ratios):
    return pd.DataFrame({"params_total": 1000, "train_tokens": [1000 * r for r in ratios]})


@pytest.mark.parametrize(
    ("ratios", "is_one", "is_optimal", "text"),
    [
        ([20], True, True, "20 tokens per parameter"),
        ([15.2, 25.8], True, True, "15 to 26 tokens per parameter"),
        ([4], True, False, "4 tokens per parameter"),
        ([5, 300], False, False, "5 to 300 tokens per parameter"),
        ([9.4e6], True, False, "9,400,000 tokens per parameter"),
    ],
)
def test_tokens_per_parameter_text(ratios, is_one, is_optimal, text):
    found = Ratios.of(models_at(*ratios))
    assert (found.is_one, found.is_optimal, found.words) == (is_one, is_optimal, text)


def test_pythias_points_are_for_suites_as_compute_optimal_as_they():
    optimal, far = Ratios(19.0, 21.0), Ratios(1e6, 1e6)
    here = pd.DataFrame({"model_id": ["pythia-70m", "mine"]})
    assert pythia.beside(here, far).empty
    assert len(pythia.beside(here, optimal)) == len(pythia.choices()) - 1
    assert "pythia-70m" not in set(pythia.beside(here, optimal)["model_id"])


@pytest.mark.parametrize(
    ("best", "text"),
    [(4.3, "most bits"), (2.2, "fewest bits"), (3.3, "With fewer bits rounding costs more")],
)
def test_the_best_rate_is_explained_where_it_is(best, text):
    bounds = pd.DataFrame({"bits_per_parameter": [2.2, 3.3, 4.3, 4.31]})
    assert text in _why_there(bounds, pd.Series({"bits_per_parameter": best}))
    alone = bounds.head(1)
    assert _why_there(alone, alone.iloc[0]) == "No other rate has a bound."


def test_an_unknown_training_text_is_said_to_be_unknown(folder):
    models = Suite(folder, "one").models()
    assert trained_on(models) == "an unknown text"
    assert stand_ins(models) == STAND_IN
    mixed = pd.DataFrame({"corpus": ["The Pile", UNKNOWN_TEXT], "stand_in": [None, "prose"]})
    assert trained_on(mixed) == "The Pile and an unknown text"
    assert stand_ins(mixed.head(1)) == ""


def test_checkpoints_left_out_of_a_chain_are_said_with_what_they_hold(open_page, data_copy):
    holds = {4: "the weights of main", 1024: "the weights of main", 8: "5 of 28 parts of step 4"}
    rows = [{"model_id": "ladder-12k", "train_step": s, "holds": of} for s, of in holds.items()]
    name = "left_out_checkpoints"
    chain = next((data_copy / "micro/checkpoint_losses").glob("ladder-12k--*"))
    table = pa.Table.from_pylist(rows, schema.TABLES[name])
    (data_copy / "micro" / name).mkdir()
    metadata = pq.read_schema(chain).metadata
    pq.write_table(table.replace_schema_metadata(metadata), data_copy / "micro" / name / chain.name)
    said = words(open_page("information", data_copy)).replace("\\", "")
    left_out = "earlier checkpoints left out, each with"
    assert f"{left_out} the weights of main: steps 4, 1,024" in said
    assert f"{left_out} 5 of 28 parts of step 4: step 8" in said
