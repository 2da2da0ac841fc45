"""The page *What if* and what it is made of."""

import json
import math
import shutil
from dataclasses import replace

import numpy as np
import pandas as pd
import pytest

from bounds import TokenLosses
from dashboard.analysis.bound.terms import PREQUENTIAL, Choice, bound_terms
from dashboard.analysis.laws.fits import Unfitted, law_of
from dashboard.analysis.laws.outlook import BOUND, GAP, Outlook
from dashboard.analysis.laws.published import nonembedding
from dashboard.artifacts.settings import Setting
from dashboard.artifacts.suite import Suite
from dashboard.charts.law_charts import term_laws
from dashboard.charts.predicted_bars import stacked
from dashboard.style.numbers import count_label, times_label
from dashboard.ui.notes.size_words import badge
from dashboard.views.what_if.gap_chart import gap_curve
from dashboard.views.what_if.published_laws import information_per_token, values_at
from dashboard.views.what_if.rescaled import RescaledSuite, standing_for
from dashboard.views.what_if.scenario import Scenario, outlook, own_ratio, predictions, recomputed
from dashboard.views.what_if.smallest_size import first_below, smallest_size

GPTQ = Choice(Setting("gptq", 4), "stored", 0.05)


@pytest.fixture(scope="module")
def here(suite):
    """The suite's own ratio and vocabulary."""
    return Scenario(GPTQ, own_ratio(suite), 256)


# --- another D or V under the measured losses


@pytest.mark.parametrize("form", ["geometric", "four_term", "azuma"])
@pytest.mark.parametrize("code", ["stored", "entropy_coded", "nominal", PREQUENTIAL])
def test_at_the_suites_own_ratio_the_terms_are_the_explorers(suite, here, form, code):
    choice = replace(GPTQ, form=form, code=code)
    choice = choice.with_code(code)
    found = recomputed(suite, replace(here, choice=choice))
    c = found.pop("c_nats_per_token")
    pd.testing.assert_frame_equal(found, bound_terms(suite, choice), check_exact=True)
    assert list(c) == list(found["code_nats_per_token"] + found["confidence_nats_per_token"])


def test_asking_for_many_ratios_keeps_no_losses(new_suite):
    new_suite.train_losses(Setting("gptq", 4))
    held = len(new_suite._memory)
    for ratio in range(5, 25):
        RescaledSuite(new_suite, ratio, 256).train_losses(Setting("gptq", 4))
    assert len(new_suite._memory) == held


def test_more_tokens_per_parameter_lower_c_in_proportion(suite, here):
    before = recomputed(suite, here)
    for ratio in (0.1, 1.0, 50.0, 1e6):
        found = recomputed(suite, replace(here, tokens_per_parameter=ratio))
        tokens = np.round(ratio * found["params_total"].to_numpy(float))
        assert list(found["train_tokens"]) == list(tokens)
        np.testing.assert_allclose(
            found["code_nats_per_token"] * tokens,
            before["code_nats_per_token"] * before["train_tokens"].to_numpy(float),
        )
        lower = found["c_nats_per_token"] < before["c_nats_per_token"]
        assert (lower == (ratio > own_ratio(suite))).all()
        assert ((found["gap_nats"] < before["gap_nats"]) == lower).all()
        for key in ("training_loss_nats", "quantization_gap_nats"):
            np.testing.assert_allclose(found[key], before[key], atol=1e-12)


def test_a_smaller_delta_raises_c(suite, here):
    strict = replace(here, choice=replace(GPTQ, failure_probability=1e-12))
    found, before = recomputed(suite, strict), recomputed(suite, here)
    more = math.log(0.05 / 1e-12) / before["train_tokens"].to_numpy(float)
    np.testing.assert_allclose(found["c_nats_per_token"] - before["c_nats_per_token"], more)


def test_a_larger_vocabulary_raises_the_papers_complexity_by_its_logarithm(suite, here):
    paper = replace(here, choice=replace(GPTQ, form="four_term"))
    before = recomputed(suite, paper)
    after = recomputed(suite, replace(paper, vocab_size=50_000))
    np.testing.assert_allclose(
        after["complexity_nats"] - before["complexity_nats"],
        before["c_nats_per_token"] * math.log(50_000 / 256),
        rtol=1e-12,
    )


@pytest.mark.parametrize("tokens", [1, 3, 977, 10**9 + 7, 3 * 10**17])
def test_a_histogram_stands_for_exactly_so_many_tokens(tokens):
    random = np.random.default_rng(0)
    counts = random.integers(1, 10_000, 3000).astype(float)
    losses = TokenLosses(random.random(3000), random.random(3000), counts)
    found = standing_for(losses, tokens)
    assert found.total_tokens == tokens
    assert found.tokens[::-1].sum() == tokens
    assert found.mean_loss_nats == pytest.approx(losses.mean_loss_nats, rel=1e-12)
    np.testing.assert_allclose(found.tokens / tokens, counts / counts.sum(), rtol=1e-8)


# --- laws, their sums and the size that a gap needs


def synthetic(floor: bool = False, **terms) -> Outlook:
    """An outlook on six models whose terms are given; the others are 0."""
    n = np.geomspace(1e5, 1e7, 6)
    frame = pd.DataFrame({"model_id": [f"m{i}" for i in range(6)], "params_total": n})
    for key in BOUND:
        frame[key] = terms[key](n) if key in terms else 0.0
    frame["gap"] = frame[list(GAP)].sum(axis=1)
    frame["total"] = frame[list(BOUND)].sum(axis=1)
    frame["c_nats_per_token"], frame["vocab_size"] = 0.1, 256
    keys = (*BOUND, "gap", "c_nats_per_token")
    return Outlook(frame, {key: law_of(frame, key, floor) for key in keys}, floor, True)


def test_the_smallest_size_is_that_of_the_closed_form():
    view = synthetic(complexity=lambda n: 40.0 * n**-0.25)
    for target in (1.0, 0.1, 0.03):
        found = smallest_size(view, target)
        assert found.n == pytest.approx((40.0 / target) ** 4, rel=1e-8)
        assert found.low == pytest.approx(found.n, rel=1e-6)  # no noise, no spread
        assert found.high == pytest.approx(found.n, rel=1e-6)
        assert found.reaching == 1.0
    start = view.at(GAP, 1e5)[0]
    assert smallest_size(view, start * 1.01).n == view.smallest
    never = smallest_size(view, 0.9 * view.at(GAP, 1e13)[0])
    assert (never.n, never.low, never.reaching) == (math.inf, math.inf, 0.0)
    assert never.at_largest.value == pytest.approx(40.0 * 1e13**-0.25)


def test_the_first_crossing_counts_where_a_sum_falls_and_rises_again():
    view = synthetic(complexity=lambda n: 100.0 / n**0.5, smoothing=lambda n: 1e-8 * n**0.5)
    # 100/x + 1e-8 x = t at x = sqrt(N), the smaller root.
    t = 0.01
    x = (t - math.sqrt(t * t - 4e-6)) / 2e-8
    assert smallest_size(view, t).n == pytest.approx(x * x, rel=1e-6)
    assert view.at(GAP, 1e13)[0] > t
    assert smallest_size(view, 0.0019).n == math.inf


def test_a_floor_is_not_crossed():
    view = synthetic(floor=True, complexity=lambda n: 0.3 + 40.0 * n**-0.25)
    assert smallest_size(view, 0.5).n == pytest.approx((40.0 / 0.2) ** 4, rel=0.01)
    assert smallest_size(view, 0.29).n == math.inf


def test_with_noise_the_interval_holds_the_size_and_resamples_that_fail_count_as_infinite():
    noise = np.exp(0.05 * np.array([1, -2, 1, 1.5, -1, 0.5]))
    view = synthetic(complexity=lambda n: 2.0 * n**-0.05 * noise)
    easy, hard = smallest_size(view, 0.9), smallest_size(view, 0.35)
    assert view.smallest < easy.low < easy.n < easy.high
    assert 0.0 < hard.reaching < easy.reaching
    assert hard.high == math.inf


def test_each_row_crosses_for_itself():
    sizes = np.array([1.0, 10.0, 100.0])
    values = np.array([[4.0, 2.0, 1.0], [1.0, 5.0, 5.0], [4.0, 4.0, 4.0], [4.0, 1.0, 4.0]])
    np.testing.assert_allclose(first_below(sizes, values, 2.0), [10.0, 1.0, np.inf, 10.0**0.5])


def test_intervals_of_sums_are_joint():
    """Two terms whose scatter cancels: their sum is known far better than either."""
    wiggle = 1.0 + 0.2 * np.array([1, -1, 1, 1, -1, -1])
    view = synthetic(
        complexity=lambda n: n**-0.1 * wiggle, loss_variation=lambda n: n**-0.1 * (2.0 - wiggle)
    )
    one, other = (view.estimate((key,), 1e6) for key in GAP[:2])
    both = view.estimate(GAP, 1e6)
    apart = one.high - one.low + other.high - other.low
    assert both.low < both.value < both.high
    assert both.high - both.low < 0.3 * apart
    # And it is that of one more model: wider than the joint interval of the laws by its scatter.
    law_low, law_high = np.percentile(view.draws_at(GAP, 1e6), [2.5, 97.5])
    assert both.low < law_low
    assert law_high < both.high


#: Sizes of a ladder, and coefficient and exponent of either term of its gap.
SIZES_OF_SUM = np.geomspace(3e4, 2e6, 7)
_TWO_TERMS = ((5.0, 0.1), (40.0, 0.4))


def test_the_interval_of_a_sum_holds_a_model_that_was_left_out():
    """Two terms that scatter by themselves: of 120 ladders the largest model's gap lies inside as
    often as claimed."""
    rng, inside = np.random.default_rng(8), 0
    for _ in range(120):
        parts = [n0 * SIZES_OF_SUM**-p * np.exp(rng.normal(0, 0.03, 7)) for n0, p in _TWO_TERMS]
        frame = pd.DataFrame(
            {"params_total": SIZES_OF_SUM, **dict(zip(GAP[:2], parts, strict=True))}
        )
        frame = frame.assign(**dict.fromkeys((*GAP[2:], "training_loss"), 0.0))
        view = Outlook.of(frame.assign(gap=sum(parts))[:-1])
        found = view.estimate(GAP, SIZES_OF_SUM[-1])
        inside += found.low <= parts[0][-1] + parts[1][-1] <= found.high
    assert 0.90 <= inside / 120 <= 0.99


def test_a_term_without_a_law_is_left_out_and_named_and_a_zero_adds_nothing():
    view = synthetic(
        training_loss=lambda n: 9.0 * n**-0.1,
        complexity=lambda n: n**-0.1,
        quantization_gap=lambda n: np.where(n > 1e6, -1e-8, 1e-8),
    )
    assert view.without(BOUND) == ["quantization_gap"]
    assert view.estimate(("quantization_gap",), 1e9) is None
    zero = view.estimate(("smoothing",), 1e9)
    assert (zero.value, zero.low, zero.high) == (0.0, 0.0, 0.0)
    assert view.estimate(BOUND, 1e9).value == pytest.approx(10.0 * 1e9**-0.1)
    found = predictions(view, 1e9).set_index("key")
    assert math.isnan(found.loc["quantization_gap", "nats_per_token"])
    assert found.loc["gap_sum", "nats_per_token"] == pytest.approx(1e9**-0.1)
    assert set(found["part"]) == {"extrapolated"}
    assert set(predictions(view, 1e6)["part"]) == {"between measured sizes"}
    held = found.loc["training_loss"]
    assert held["left_out_predicted"] == pytest.approx(held["left_out_value"])


def test_laws_of_recomputed_terms_agree_with_the_models_they_were_fitted_to(suite, here):
    view = outlook(suite, here)
    assert view.as_measured
    assert not outlook(suite, replace(here, tokens_per_parameter=20.0)).as_measured
    assert not outlook(suite, replace(here, vocab_size=300)).as_measured
    measured = view.terms["total"].to_numpy()
    np.testing.assert_allclose(view.at(BOUND, view.terms["params_total"]), measured, rtol=0.2)
    curve = gap_curve(view)
    inside = curve["params_total"] <= view.largest * (1 + 1e-9)
    assert (curve["part"] == "measured range").sum() == (curve["part"] == "extrapolated").sum()
    assert inside[curve["part"] == "measured range"].all()


def test_words_for_distances():
    assert [times_label(x) for x in (1.5, 10.0, 2013.0, 20_131_000.0, 3e10)] == [
        "1.5",
        "10",
        "2,000",
        "20 million",
        "30 billion",
    ]
    view = synthetic(complexity=lambda n: n**-0.1)
    assert "2,000× beyond the largest measured model" in badge(2e10, view.smallest, view.largest)
    assert "10× below the smallest measured model" in badge(1e4, view.smallest, view.largest)
    assert "between measured sizes" in badge(1e6, view.smallest, view.largest)


# --- charts


def test_only_the_prediction_is_dashed_and_pale(suite, here):
    view = outlook(suite, here)
    spec = stacked(view, 1e6).to_dict()
    solid, pale, outline = (layer["mark"] for layer in spec["layer"][:3])
    assert "strokeDash" not in solid
    assert solid.get("opacity", 1) == 1
    assert pale["opacity"] < 0.5
    assert outline["strokeDash"]
    assert not outline["filled"]
    nominal = replace(here, choice=replace(here.choice, code="nominal"))
    hollow = stacked(outlook(suite, nominal), 1e6).to_dict()["layer"][0]["mark"]
    assert hollow["filled"] is False


def test_every_panel_marks_the_prediction_and_a_term_of_zeros_has_none(suite, here):
    view = outlook(suite, here)
    chart = term_laws(view.terms, view.laws, at=1e6).to_dict()
    present = [key for key in BOUND if key != "sampling"]
    assert len(chart["concat"]) == len(present) + 1
    rows = [row for data in chart["datasets"].values() for row in data]
    alone = [row for row in rows if "model_id" not in row and "part" not in row]
    for key in BOUND:
        law = view.laws[key]
        marks = [row for row in alone if key in row]
        if isinstance(law, Unfitted):
            assert not marks
        else:
            assert {row[key] for row in marks} == {float(law.at(1e6))}
    zeros = outlook(suite, replace(here, choice=GPTQ.with_code(PREQUENTIAL)))
    panels = term_laws(zeros.terms, zeros.laws, at=1e6).to_dict()["concat"]
    assert len(panels) == len(present)


# --- published laws


def test_published_laws_are_evaluated_at_the_chosen_size_with_their_own_count(suite):
    rows = values_at(suite, 1e9, 20.0, 256).set_index("law")
    besiroglu = rows.loc["Besiroglu et al. 2024"]
    assert besiroglu["value"] == pytest.approx(
        1.8172 + 482.01 / 1e9**0.3478 + 2085.43 / 2e10**0.3658
    )
    assert besiroglu["inside"]
    kaplan = rows.loc["Kaplan et al. 2020, unlimited data"]
    rest = nonembedding(np.array([1e9]), suite.models())[0]
    assert kaplan["converted"]
    assert kaplan["parameters_used"] == rest < 1e9
    assert kaplan["value"] == pytest.approx((8.8e13 / rest) ** 0.076)
    assert not values_at(suite, 1e12, 20.0, 256).set_index("law")["inside"].any()


def test_where_the_suites_embeddings_leave_nothing_kaplans_count_is_not_converted(suite):
    assert np.isnan(nonembedding(np.array([1e4]), suite.models(), 10_000_000)[0])
    rows = values_at(suite, 1e4, 20.0, 10_000_000).set_index("law")
    assert rows.loc["Kaplan et al. 2020", "parameters_used"] == 1e4
    assert not rows.loc["Kaplan et al. 2020", "converted"]
    models = suite.models()
    size = float(models["params_total"].iloc[-1])
    rest = nonembedding(np.array([size]), models, 256)[0]
    assert rest == pytest.approx(models["params_nonembedding"].iloc[-1], rel=1e-9)


def test_the_papers_information_crosses_four_bits_where_the_paper_says(suite):
    below = information_per_token(4.0, 1e10, 20.0, 0.05)
    above = information_per_token(4.0, 1e11, 20.0, 0.05)
    assert below.crossing == pytest.approx(2.25e10)
    assert below.published_nats > below.nominal_nats
    assert above.published_nats < above.nominal_nats
    assert above.nominal_nats == pytest.approx(4 * math.log(2) / 20, rel=1e-6)


# --- the page


def sentences(app):
    return [element.value for element in [*app.warning, *app.error, *app.info]]


def markdown(app):
    return "\n".join(element.value for element in app.markdown)


def charts(app):
    return [json.loads(element.proto.spec) for element in app.get("vega_lite_chart")]


def tenfold(suite):
    return count_label(10 * suite.models()["params_total"].max())


def test_the_page_opens_with_a_prediction_that_is_not_certified(seen_page):
    app = seen_page("what_if")
    assert not app.exception
    assert not app.error
    assert app.title[0].value == "What if"
    assert len(charts(app)) == 3
    assert "10× beyond the largest measured model" in markdown(app)
    assert ":orange-badge[:material/warning: not certified]" in markdown(app)
    assert ":green-badge" not in markdown(app)
    assert {"Prediction", "Models", "Published laws"} == {tab.label for tab in app.tabs}
    assert len(app.get("download_button")) == 7
    assert app.metric[0].value.startswith("≈ ")


def test_every_control_moves_the_numbers(open_page):
    app = open_page("what_if")

    def numbers():
        assert not app.exception
        return [(metric.value, metric.delta) for metric in app.metric]

    seen = [numbers()]
    for change in (
        lambda: app.text_input(key="n").set_value("1B"),
        lambda: app.text_input(key="ratio").set_value("20"),
        lambda: app.text_input(key="vocab").set_value("50k"),
        lambda: app.select_slider(key="delta").set_value("1e-12"),
        lambda: app.select_slider(key="bits").set_value("3"),
        lambda: app.segmented_control(key="code").set_value("nominal"),
        lambda: app.segmented_control(key="code").set_value("prequential"),
        lambda: app.selectbox(key="form").set_value("paper, four terms"),
    ):
        change().run()
        seen.append(numbers())
        assert seen[-1] != seen[-2]
    before = markdown(app)
    app.text_input(key="target").set_value("3.5").run()
    assert markdown(app) != before
    assert "at most 3.5" in app.subheader[2].value


def test_the_models_bars_are_solid_only_as_they_were_trained(open_page):
    app = open_page("what_if")
    own = app.text_input(key="ratio").value
    assert charts(app)[0]["layer"][0]["mark"].get("filled", True)
    for name, value in (("ratio", "20"), ("ratio", own), ("vocab", "300")):
        app.text_input(key=name).set_value(value).run()
        as_trained = value == own
        assert charts(app)[0]["layer"][0]["mark"].get("filled", True) == as_trained
        assert any("not certificates either" in c.value for c in app.caption) != as_trained


def test_the_prequential_code_is_of_the_unquantized_model_and_hollow(open_page):
    app = open_page("what_if")
    app.segmented_control(key="code").set_value("prequential").run()
    assert not app.exception
    assert charts(app)[0]["layer"][0]["mark"]["filled"] is False
    assert "unquantized, code length *prequential*" in markdown(app)
    assert any("bitrate have no effect" in caption.value for caption in app.caption)
    before = [metric.value for metric in app.metric]
    app.select_slider(key="bits").set_value("3").run()
    assert [metric.value for metric in app.metric] == before


@pytest.mark.parametrize(
    "query",
    [
        {"n": "12", "ratio": "0", "vocab": "100", "target": "nan", "law": "straight"},
        {"n": "1e14", "ratio": "-3", "vocab": "1e9", "target": "`$x$`"},
    ],
)
def test_each_bad_value_of_a_link_is_one_sentence_and_the_default(open_page, suite, query):
    labels = {
        "n": "Parameters N",
        "ratio": "Tokens per parameter",
        "vocab": "Vocabulary V",
        "target": "Target gap",
        "law": "Shape of the laws",
    }
    app = open_page("what_if", **query)
    assert not app.exception
    found = [warning.value for warning in app.warning if "`" in warning.value]
    assert len(found) == len(query)
    for name, value in query.items():
        (sentence,) = (text for text in found if labels[name] in text)
        assert "`" + value.replace("`", "'") + "`" in sentence
    assert f"**N = {tenfold(suite)}** parameters" in markdown(app)
    assert "V = 256," in markdown(app)
    view = [metric.value for metric in app.metric]
    app.text_input(key="n").set_value("1B").run()
    assert [metric.value for metric in app.metric] != view


def test_a_link_restores_the_view(seen_page):
    app = seen_page("what_if", n="200M", ratio="50", vocab="300", target="0.25")
    assert app.text_input(key="n").value == "200M"
    assert "**N = 200M** parameters, D = 10B training tokens, V = 300" in markdown(app)
    assert "at most 0.25" in app.subheader[2].value


def test_a_floor_needs_four_sizes_and_three_give_a_reason(open_page):
    app = open_page("what_if")
    app.selectbox(key="law").set_value("power law with a floor").run()
    assert not app.exception
    assert not app.metric
    assert "needs at least 4 sizes, and 3 were measured here" in sentences(app)[0]
    assert {"Models", "Published laws"} == {tab.label for tab in app.tabs}


def forget(data, pattern):
    for path in data.glob(pattern):
        path.unlink()


def test_two_models_give_a_reason_and_none_a_sentence(open_page, data_copy):
    forget(data_copy, "micro/*/ladder-12k--gptq-b4--*")
    app = open_page("what_if", data_copy)
    app.select_slider(key="bits").set_value("4").run()
    assert not app.exception
    assert "from these 2 models" in sentences(app)[0]
    assert "needs at least 3 sizes, and 2 were measured here" in sentences(app)[0]
    forget(data_copy, "micro/information/*")
    app = open_page("what_if", data_copy)
    app.segmented_control(key="code").set_value("prequential").run()
    assert not app.exception
    assert "No model of this suite was measured at this choice" in sentences(app)[0]


def test_a_damaged_file_is_named(open_page, data_copy):
    file = min((data_copy / "micro/loss_histograms").glob("*.parquet"))
    file.write_bytes(file.read_bytes()[:100])
    app = open_page("what_if", data_copy)
    assert not app.exception
    assert file.name in app.error[0].value


def test_another_suite_brings_its_own_defaults_but_keeps_what_was_written(open_page, data_copy):
    shutil.copytree(data_copy / "micro", data_copy / "smaller")
    forget(data_copy, "smaller/*/ladder-12k--*")
    app = open_page("what_if", data_copy)
    large = app.text_input(key="n").value
    app.text_input(key="ratio").set_value("7").run()
    app.selectbox(key="suite").set_value("smaller").run()
    assert not app.exception
    smaller = tenfold(Suite(data_copy, "smaller"))
    assert app.text_input(key="n").value == smaller != large
    assert app.text_input(key="ratio").value == "7"


def test_what_is_held_fixed_is_said_without_a_click(seen_page, suite):
    held = next(c.value for c in seen_page("what_if").caption if "**Held fixed**" in c.value)
    assert f"at {own_ratio(suite):g} tokens per parameter" in held


def test_models_that_nobody_trained_are_never_certified(suite, here):
    """Also in what is downloaded: only D and V of the training give a certificate."""
    assert outlook(suite, here).terms["certified"].all()
    for other in (
        replace(here, tokens_per_parameter=2000.0),
        replace(here, vocab_size=257),
    ):
        view = outlook(suite, other)
        assert not view.terms["certified"].any()
        assert not predictions(view, 1e6)["certified"].any()
    assert not predictions(outlook(suite, here), 1e6)["certified"].any()


def test_the_suites_own_ratio_leaves_uneven_models_as_they_are(new_suite, monkeypatch):
    """Pythia's saved steps lie at 15 to 26 tokens per parameter."""
    models = new_suite.models()
    uneven = models.assign(train_tokens=(models["train_tokens"] * [1.0, 0.8, 1.2]).astype(int))
    monkeypatch.setattr(new_suite, "models", lambda: uneven)
    own = RescaledSuite(new_suite, None, 256).models()
    assert list(own["train_tokens"]) == list(uneven["train_tokens"])
    other = RescaledSuite(new_suite, 7.0, 256).models()
    assert list(other["train_tokens"]) == [round(7.0 * n) for n in models["params_total"]]


def test_the_gaps_own_law_is_a_second_opinion():
    view = synthetic(complexity=lambda n: 2 * (n / 1e5) ** -0.5)
    terms, own = smallest_size(view, 0.1), smallest_size(view, 0.1, ("gap",))
    assert terms.n == own.n == pytest.approx(1e5 * 400, rel=1e-3)
    # Terms that bend one way and the other: their sum is no power law, and the answers differ.
    view = synthetic(complexity=lambda n: 2 * (n / 1e5) ** -0.5, smoothing=lambda n: n**0.02)
    terms, own = smallest_size(view, 1.5), smallest_size(view, 1.5, ("gap",))
    assert terms.n != pytest.approx(own.n, rel=0.1)


def test_a_measured_model_that_meets_the_target_is_named(seen_page, micro_suite):
    app = seen_page("what_if", target="20")
    assert "already meets the target" in markdown(app)
    assert any("A check: one law" in c.value for c in app.caption)
