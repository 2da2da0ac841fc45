"""A suite of sampled windows, a text that stands in, other units, several suites side by side."""

import io
import math
import shutil
from dataclasses import replace

import numpy as np
import pandas as pd
import pyarrow.parquet as pq
import pytest

from bounds.forms.sampled import (
    Confidence,
    SummandGrid,
    WindowLosses,
    choose_summand,
    sampled_bound,
)
from dashboard.analysis.bound.losses import LOSSES, Losses
from dashboard.analysis.bound.sampling import SAMPLING_SHARE
from dashboard.analysis.bound.steps import steps_to_ours
from dashboard.analysis.bound.terms import UNQUANTIZED, Choice, bound_terms
from dashboard.analysis.bound.units import BITS
from dashboard.analysis.laws.outlook import BOUND
from dashboard.artifacts.errors import ArtifactError
from dashboard.artifacts.settings import Setting
from dashboard.artifacts.suite import Suite
from dashboard.style.glossary import TERMS, term_of
from dashboard.style.inequalities import SAMPLED
from dashboard.ui.beside.view import View, nearest_setting, nearest_view
from tests.dashboard.helpers.sampled_suite import (
    BYTES_PER_TOKEN,
    POSITIONS,
    REMARK,
    STAND_IN,
    all_windows,
)
from tests.dashboard.ui.test_app import charts, cut_in_half, sentences

pytestmark = pytest.mark.slow

GPTQ = Setting("gptq", 4)
CHOICE = Choice(GPTQ, "stored", 0.05, SAMPLED)
PAGES = (
    *("overview", "bound_explorer", "loss_variation", "quantization", "curvature"),
    *("information", "scaling_laws", "what_if"),
)


@pytest.fixture(scope="module")
def folder(sampled_suites):
    return sampled_suites


@pytest.fixture
def own(folder, tmp_path):
    """A folder with a copy of the sampled suite, to be damaged."""
    shutil.copytree(folder / "sampled", tmp_path / "own/sampled")
    return tmp_path / "own"


@pytest.fixture(scope="module")
def sampled(folder):
    return Suite(folder, "sampled")


@pytest.fixture(scope="module")
def standing_in(folder):
    return Suite(folder, "stand-in")


def from_files(folder, model_id, split):
    """Window losses of one model at ``GPTQ``, read without the dashboard."""
    file = next((folder / "sampled/token_losses").glob(f"{model_id}--gptq-b4--*"))
    rows = pq.read_table(file).to_pandas().query("split == @split")
    rows = rows.sort_values(["window", "position"], kind="stable")
    return WindowLosses(
        *(rows[key].to_numpy().reshape(-1, POSITIONS) for key in ("loss_nats", "entropy_nats"))
    )


def file_of(folder, table, model_id, rest=""):
    return next((folder / table).glob(f"{model_id}{rest}*.parquet"))


# --- the bound


def test_the_shown_bound_is_the_one_computed_by_hand_from_the_files(folder, sampled):
    terms = bound_terms(sampled, CHOICE)
    assert len(terms) == 3
    settings = 7  # float32, rtn at 3 and 4 bits, gptq at 3 and 4 bits, two steps
    assert len(sampled.settings()) == settings
    for row in terms.itertuples():
        files = folder / "sampled"
        model = pq.read_table(file_of(files, "models", row.model_id)).to_pylist()[0]
        measured = file_of(files, "quantized", row.model_id, "--gptq-b4")
        code_bits = pq.read_table(measured).to_pylist()[0]["stored_bits"]
        common = {
            "code_bits": code_bits,
            "train_tokens": model["train_tokens"],
            "vocab_size": model["vocab_size"],
            "confidence": Confidence(0.045, 0.005, 4 * settings, forms_shown=2),
        }
        evaluation = from_files(folder, row.model_id, "train")
        selection = from_files(folder, row.model_id, "selection")
        grid, draws = SummandGrid(), len(evaluation.loss_nats)
        summand = choose_summand(selection, grid, draws, **common)
        expected = sampled_bound(
            evaluation, summand, grid.choice_bits, training_loss_nats=0.0, **common
        )
        assert row.total_nats == pytest.approx(expected.total_nats, abs=1e-12)
        assert row.sampling_nats == pytest.approx(expected.sampling_nats, abs=1e-12)
        assert row.sampling_nats > 0
        assert sum(getattr(row, t.nats) for t in TERMS) == pytest.approx(row.total_nats, abs=1e-12)
        assert row.certified


def test_the_bound_covers_the_same_summand_over_all_windows(folder, sampled, micro_suite):
    for row in bound_terms(sampled, CHOICE).itertuples():
        pattern = f"{row.model_id}--gptq-b4--*"
        whole = all_windows(next((micro_suite / "data/micro/loss_histograms").glob(pattern)))
        selection = from_files(folder, row.model_id, "selection")
        summand = choose_summand(
            selection,
            SummandGrid(),
            len(from_files(folder, row.model_id, "train").loss_nats),
            code_bits=row.code_bits,
            train_tokens=row.train_tokens,
            vocab_size=row.vocab_size,
            confidence=Confidence(0.045, 0.005, 4 * 7, forms_shown=2),
        )
        mean = summand.values(whole, row.vocab_size).mean()
        assert row.total_nats - row.complexity_nats >= mean
        # and not by magic: without the fifth term it would lie near the mean of all windows
        point = row.total_nats - row.complexity_nats - row.sampling_nats
        assert abs(point - mean) < row.sampling_nats


def test_delta_is_split_by_a_fixed_share_among_all_settings(sampled):
    strict = bound_terms(sampled, replace(CHOICE, failure_probability=1e-9))
    loose = bound_terms(sampled, CHOICE)
    assert (strict["sampling_nats"].to_numpy() > loose["sampling_nats"].to_numpy()).all()
    assert 0 < SAMPLING_SHARE < 1


def test_a_gap_of_a_sample_has_its_error_and_no_certificate(sampled, suite):
    """The bound is on every window; the training loss that the gap subtracts is an estimate."""
    terms = bound_terms(sampled, CHOICE)
    assert terms["certified"].all()
    assert not terms["gap_certified"].any()
    for row in terms.itertuples():
        windows = sampled.windows(UNQUANTIZED, row.model_id).evaluation.loss_nats
        error = windows.mean(axis=1).std(ddof=1) / math.sqrt(len(windows))
        assert row.gap_se_nats == pytest.approx(error, rel=1e-12)
        assert row.gap_se_nats > 0
    whole = bound_terms(suite, replace(CHOICE, form="geometric"))
    assert set(whole["gap_se_nats"]) == {0.0}
    assert whole["gap_certified"].all()


def test_bits_per_byte_of_a_sample_are_not_certified(sampled, suite):
    """Bits per byte divide by an estimated length of tokens; one byte per token is exact."""
    terms = Losses.of(sampled, bound_terms(sampled, CHOICE), BITS).table
    assert not terms["certified"].any()
    assert all("bits per byte divide by" in text for text in terms["not_certified_because"])
    whole = bound_terms(suite, replace(CHOICE, form="geometric"))
    assert Losses.of(suite, whole, BITS).table["certified"].all()


def test_other_forms_of_a_sample_are_a_display(sampled):
    terms = bound_terms(sampled, replace(CHOICE, form="four_term"))
    assert not terms["certified"].any()
    assert set(terms["sampling_nats"]) == {0.0}
    assert all("needs every training token" in text for text in terms["not_certified_because"])


def test_the_waterfall_gives_sampling_its_place(sampled):
    steps = steps_to_ours(sampled, CHOICE, "ladder-12k")
    assert list(steps["kind"]) == ["gap", "sampling", "moves", "moves", "moves"]
    assert not steps["certified"].any()  # a gap subtracts an estimated training loss
    assert steps["change_nats"].iloc[1] > 0
    ours = bound_terms(sampled, CHOICE).set_index("model_id").loc["ladder-12k"]
    assert steps["gap_nats"].iloc[2] == pytest.approx(ours["gap_nats"], abs=1e-12)


@pytest.mark.parametrize(
    ("spoil", "sentence"),
    [
        (lambda rows: rows[rows["window"] != 5], "1 of the draws 0 to"),
        (lambda rows: rows.iloc[1:], "positions; all must have the same number"),
        (lambda rows: rows.assign(loss_nats=math.inf), "must be finite"),
    ],
)
def test_a_sample_with_a_hole_bounds_nothing(own, spoil, sentence):
    victim = file_of(own / "sampled", "token_losses", "ladder-5k", "--gptq-b4")
    table = pq.read_table(victim)
    rows = spoil(table.to_pandas())
    changed = (
        type(table).from_pandas(rows, preserve_index=False).cast(table.schema.remove_metadata())
    )
    pq.write_table(changed.replace_schema_metadata(table.schema.metadata), victim)
    with pytest.raises(ArtifactError, match=sentence):
        bound_terms(Suite(own, "sampled"), CHOICE)


# --- what stands in, remarks


def test_nothing_is_certified_where_another_text_stands_in(sampled, standing_in):
    for code in ("stored", "entropy_coded", "nominal"):
        terms = bound_terms(standing_in, replace(CHOICE, code=code))
        assert not terms["certified"].any()
        assert all(STAND_IN in reason for reason in terms["not_certified_because"])
    whole = bound_terms(sampled, replace(CHOICE, code="nominal"))
    assert not whole["certified"].any()
    assert whole["stand_in"].isna().all()
    assert REMARK in set(whole["remark"])


@pytest.mark.parametrize("page", PAGES)
def test_every_page_works_on_a_sampled_suite_and_shows_a_stand_in_as_one(open_page, folder, page):
    app = open_page(page, folder, suite="stand-in", unit=BITS.label)
    assert not app.exception
    assert not app.error
    assert any("stands in for the training text" in text for text in sentences(app))
    assert any(STAND_IN in text for text in sentences(app))
    assert not any("green-badge" in element.value for element in app.markdown)
    assert charts(app)
    for spec in charts(app):
        bars = [m for m in marks(spec) if m["type"] == "bar" and "size" not in m]
        assert all(bar.get("filled") is False for bar in bars)
    shown_words = str([*charts(app), *(m.value for m in app.markdown)])
    if page != "curvature":
        assert BITS.label in shown_words
        assert any(REMARK in caption.value for caption in app.caption)
    assert any("Scored on: sampled windows" in caption.value for caption in app.caption)


def marks(spec):
    """Marks of a chart and of the layers and panels in it."""
    if "mark" in spec:
        yield spec["mark"]
    for key in ("layer", "concat", "hconcat", "vconcat"):
        for part in spec.get(key, []):
            yield from marks(part)


# --- pages


def test_the_fifth_term_is_drawn_named_and_explained(open_app, folder):
    app = open_app(folder, suite="sampled")
    sampling = term_of("sampling")
    table = next(m.value for m in app.markdown if "| term |" in m.value)
    assert f"**{sampling.label}**" in table
    assert sampling.meaning in table
    assert sampling.colour in str(charts(app)[0])
    assert app.selectbox(key="form").options == ["sampled windows", "paper, four terms"]
    assert any("M = 7" in caption.value for caption in app.caption)
    assert any("the draw of the windows" in caption.value for caption in app.caption)
    app.selectbox(key="form").set_value("paper, four terms").run()
    assert not app.exception
    assert any("needs every training token" in caption.value for caption in app.caption)
    assert not any("green-badge" in element.value for element in app.markdown)


def test_a_suite_without_information_or_curvature_says_so(open_page, own):
    for table in ("information", "curvature", "spectra", "layers", "checkpoint_losses"):
        for file in (own / "sampled" / table).glob("*.parquet"):
            file.unlink()
    for page in PAGES:
        app = open_page(page, own)
        assert not app.exception
        if page in ("information", "curvature"):
            assert any("has no" in text for text in sentences(app))
        else:
            assert charts(app)


def test_a_setting_without_any_bound_is_a_sentence_on_every_page(open_page, own):
    target = own / "sampled"
    # The losses of one model and the sizes of the others: nothing that goes together.
    file_of(target, "quantized", "ladder-12k", "--gptq-b4").unlink()
    for model_id in ("ladder-5k", "ladder-6k"):
        file_of(target, "token_losses", model_id, "--gptq-b4").unlink()
    for page in PAGES:
        app = open_page(page, own, quantizer="GPTQ", bits="4", settings="as chosen")
        assert not app.exception
        if page != "curvature":
            words = " ".join(sentences(app))
            found = ("measured at this choice", "not scored here", "bound at this choice")
            assert any(text in words for text in found)


# --- units


def test_bits_per_byte_are_nats_over_ln_2_and_bytes(sampled):
    terms = bound_terms(sampled, CHOICE)
    losses = Losses.of(sampled, terms, BITS)
    converted = losses.for_file()
    names = [name for name in LOSSES if f"{name}_nats" in terms]
    assert {"total", "gap", "gap_se", "measured_heldout_se", *BOUND} <= set(names)
    for name in names:
        expected = terms[f"{name}_nats"] / (math.log(2) * BYTES_PER_TOKEN)
        np.testing.assert_allclose(converted[f"{name}_bits_per_byte"], expected, rtol=1e-12)
        np.testing.assert_allclose(losses.table[name], expected, rtol=1e-12)
        assert not {f"{name}_nats"} & {*converted, *losses.table}
    for key in ("alpha", "code_bits", "code_nats_per_token", "loss_range_nats"):
        assert list(converted[key]) == list(terms[key])
    pd.testing.assert_frame_equal(Losses.in_nats(terms).for_file(), terms, check_exact=True)


def test_the_unit_is_in_the_link_and_in_every_number(seen_app, folder):
    nats, bits = (seen_app(folder, suite="sampled", unit=u) for u in ("nats per token", BITS.label))
    for a, b in zip(nats.metric, bits.metric, strict=True):
        ratio = float(a.value) / float(b.value)
        assert ratio == pytest.approx(math.log(2) * BYTES_PER_TOKEN, rel=2e-3)
    assert "total_bits_per_byte" in bits.dataframe[0].value
    assert "total_nats" not in bits.dataframe[0].value
    assert "does not exist here" in sentences(seen_app(folder, suite="sampled", unit="inches"))[0]


# --- several suites


@pytest.mark.parametrize("page", sorted({*PAGES} - {"overview", "curvature", "what_if"}))
def test_suites_stand_side_by_side(seen_page, folder, page):
    alone = seen_page(page, folder, suite="sampled")
    app = seen_page(page, folder, suite="sampled", compare="micro")
    assert not app.exception
    assert not app.error
    assert app.multiselect(key="compare").value == ["micro"]
    assert len(charts(app)) > len(charts(alone))
    captions = [caption.value for caption in app.caption]
    for words in ("bytes per token: 4;", "bytes per token: 1;"):
        assert any(words in caption for caption in captions)


def test_nats_of_different_tokens_are_not_compared_without_a_word(seen_app, folder):
    app = seen_app(folder, suite="sampled", compare="micro")
    assert any("bits per byte" in text for text in sentences(app))
    table = app.dataframe[0].value
    assert set(table["suite"]) == {"sampled", "micro"}
    assert len(table) == 6
    app = seen_app(folder, suite="sampled", compare="micro", unit=BITS.label)
    assert not sentences(app)


def test_a_damaged_suite_is_left_out_and_named(open_app, data_copy, folder):
    shutil.copytree(folder / "sampled", data_copy / "sampled")
    cut_in_half(min((data_copy / "sampled/quantized").glob("*.parquet")))
    app = open_app(data_copy, suite="micro", compare="sampled")
    assert not app.exception
    assert len(charts(app)) == 3
    assert any("left out of the comparison" in element.value for element in app.warning)
    assert "sampled/quantized" in str([element.value for element in app.warning])


def test_a_compared_suite_shows_its_nearest_setting_text(open_app, data_copy, folder):
    target = shutil.copytree(folder / "sampled", data_copy / "sampled")
    for table in ("quantized", "token_losses", "layers"):
        for file in (target / table).glob("*--gptq-b4--*"):
            file.unlink()
    whole, other = Suite(data_copy, "micro"), Suite(data_copy, "sampled")
    assert nearest_setting(whole, GPTQ, other) == Setting("gptq", 3)
    view = nearest_view(View(whole, replace(CHOICE, form="geometric")), other)
    assert view.choice.form == SAMPLED
    app = open_app(data_copy, suite="micro", compare="sampled")
    assert not app.exception
    assert any("ot measured there: GPTQ, 4 bits" in caption.value for caption in app.caption)


def test_laws_are_of_one_suite_unless_all_are_asked_for(open_page, folder):
    query = {"suite": "sampled", "compare": "micro", "unit": BITS.label}
    app = open_page("scaling_laws", folder, **query)
    assert not any("mixes suites" in element.value for element in app.markdown)
    assert app.toggle(key="together").value is False
    app.toggle(key="together").set_value(True).run()
    assert not app.exception
    assert any("mixes suites" in element.value for element in app.markdown)
    nats = open_page("scaling_laws", folder, **query | {"unit": "nats per token"}, together="true")
    assert not any("mixes suites" in element.value for element in nats.markdown)
    assert any("would mix nats of different tokens" in text for text in sentences(nats))


def test_downloads_carry_the_status_of_every_total(standing_in):
    terms = bound_terms(standing_in, CHOICE)
    read_back = pd.read_csv(io.StringIO(terms.to_csv(index=False)))
    assert not read_back["certified"].any()
    assert read_back["not_certified_because"].str.contains("stands in").all()
