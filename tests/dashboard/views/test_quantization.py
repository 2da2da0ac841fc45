"""The page *Quantization* and what it is made of."""

import functools
import json
from dataclasses import replace

import numpy as np
import pytest

from dashboard.analysis.bound.terms import Choice, bound_terms
from dashboard.analysis.measured import quantization
from dashboard.artifacts.settings import UNQUANTIZED, Setting, setting_of


@pytest.fixture
def open_quantization(open_page):
    """Follow a link to the page."""
    return functools.partial(open_page, "quantization")


def test_the_page_opens_with_every_chart_and_table(open_quantization):
    app = open_quantization()
    assert not app.exception
    assert not [*app.warning, *app.error]
    # No LDLQ in this suite, so one of eight charts is a sentence instead.
    assert len(app.get("vega_lite_chart")) == 7
    assert "LDLQ both with and without rotation" in app.info[0].value
    assert len(app.dataframe) >= 3
    assert len(app.get("download_button")) == 11


def test_a_model_left_unquantized_has_sentences_instead_of_gap_and_layers(open_quantization):
    app = open_quantization()
    app.selectbox(key="quantizer").set_value("Float formats").run()
    assert not app.exception
    texts = " ".join(info.value for info in app.info)
    assert "no gap to show" in texts
    assert "No layer was quantized to a grid" in texts


def test_the_ring_is_at_the_smallest_bound_of_the_model(open_quantization, suite):
    app = open_quantization()
    app.segmented_control(key="code").set_value("entropy-coded").run()
    specs = [json.loads(element.proto.spec) for element in app.get("vega_lite_chart")]
    rings = [s for s in specs if "best" in json.dumps(s)]
    assert len(rings) == 1
    bounds = quantization.bounds_by_rate(suite, Choice(Setting("rtn", 4), "entropy_coded", 0.05))
    of_model = bounds[
        (bounds["model_id"] == "ladder-12k") & (bounds["quantizer"] != "Float formats")
    ]
    best = of_model[of_model["total_nats"] == of_model["total_nats"].min()]
    assert len(best) == 1
    assert any(
        best["setting"].item() in c.value and "The ring marks" in c.value for c in app.caption
    )


def test_gaps_are_differences_of_full_means_or_of_the_sampled_pairs(suite):
    gaps = quantization.gaps(suite)
    assert set(gaps["quantizer"]) == {"Round to nearest", "GPTQ", "Grid-step GPTQ"}
    table = suite.query("SELECT * FROM quantized").set_index(["model_id", "quantizer", "bits"])
    whole = gaps.set_index(["model_id", "setting"]).loc[("ladder-12k", "GPTQ, 3 bits")]
    rows = table["train_loss_nats"]
    expected = rows["ladder-12k", "gptq", 3] - rows["ladder-12k", "none", 32]
    assert whole["quantization_gap_nats"] == pytest.approx(expected, abs=1e-12)
    assert whole["measured"] == "all training tokens"
    sampled = gaps.set_index(["model_id", "setting"]).loc[
        ("ladder-12k", "Round to nearest, 6 bits")
    ]
    assert (
        sampled["quantization_gap_nats"] == table.loc[("ladder-12k", "rtn", 6), "paired_gap_nats"]
    )
    assert sampled["measured"] == "sampled windows"
    assert np.all(gaps["gap_se_nats"] > 0)
    # The pairs are drawn from the same windows: they agree within their error.
    whole_rows = gaps[gaps["measured"] == "all training tokens"]
    pairs = [table.loc[(m, "gptq", 3), "paired_gap_nats"] for m in ("ladder-5k", "ladder-6k")]
    means = whole_rows.set_index(["model_id", "setting"])["quantization_gap_nats"]
    errors = whole_rows.set_index(["model_id", "setting"])["gap_se_nats"]
    for model, pair in zip(("ladder-5k", "ladder-6k"), pairs, strict=True):
        key = (model, "GPTQ, 3 bits")
        assert abs(means[key] - pair) < 5 * errors[key]


def test_bounds_by_rate_are_those_of_the_explorer(suite):
    choice = Choice(Setting("gptq", 3), "entropy_coded", 0.01)
    bounds = quantization.bounds_by_rate(suite, choice)
    assert len(bounds) == 3 * len(suite.settings())
    for setting in suite.settings():
        terms = bound_terms(suite, replace(choice, setting=setting))
        here = bounds[bounds["setting"] == setting.label]
        assert list(here["total_nats"]) == list(terms["total_nats"])
        assert list(here["total_bits"]) == list(terms["code_bits"])


def test_layers_of_a_setting_are_its_own(suite):
    layers = quantization.layers(suite, Setting("gptq_step", step=0.7), "ladder-6k")
    assert len(layers) == 2 * 4 + 2
    assert set(layers["step"]) == {0.7}
    linear = layers[layers["kind"] == "linear"]
    assert np.all(linear["feedback_ratio"] < 1)
    assert np.all(layers[layers["kind"] == "embedding"]["feedback_ratio"] == 1)


def test_what_is_spent_adds_up_to_the_file(suite, open_quantization):
    setting = Setting("gptq_step", step=0.7)
    for row in suite.quantized(setting).itertuples():
        spent = quantization.spending(suite, setting, row.model_id)
        parts = spent[["codes_bits", "table_bits", "scale_bits"]]
        assert spent["share_of_file"].sum() == pytest.approx(1)
        assert spent["share_of_file"].is_monotonic_decreasing
        np.testing.assert_allclose(
            parts.sum(axis=1), spent["bits_per_weight"] * spent["weights"], rtol=1e-12
        )
        # The file has a header, too, and ends with a whole word.
        assert 0 <= row.entropy_coded_bits - parts.to_numpy().sum() < 512
    assert quantization.spending(suite, UNQUANTIZED, "ladder-6k").empty
    app = open_quantization(quantizer="Grid-step GPTQ")
    assert not app.warning
    largest = quantization.spending(suite, setting, "ladder-12k")
    whole = (largest["bits_per_weight"] * largest["weights"]).sum() / 8
    assert any(f"file has {whole:,.0f} bytes" in caption.value for caption in app.caption)


def test_exceptions_are_exactly_the_layers_that_rounding_wins(suite):
    found, counts = quantization.exceptions(suite), quantization.feedback_counts(suite)
    layers = suite.query("SELECT * FROM layers WHERE quantizer != 'rtn' AND kind = 'linear'")
    lost = layers["proxy_loss"] > layers["rounding_proxy_loss"] * (1 + 1e-9)
    assert len(found) == counts["lost"] == lost.sum()
    assert counts["layers"] == len(layers)  # of 2 quantizers, 2 rates each
    assert counts["two_bits"] == 0
    assert counts["step_layers"] == (layers["quantizer"] == "gptq_step").sum()
    assert counts["step_lost"] == 0
    if len(found):
        assert np.all(found["loss / rounding"] > 1)


def test_settings_survive_the_way_through_a_table():
    settings = [
        Setting("gptq", 3, 32),
        Setting("gptq_step", step=0.7),
        Setting("ldlq_rotated", 2, quantizer_seed=5),
    ]
    for setting in settings:
        row = {
            "quantizer": setting.quantizer,
            "bits": float("nan") if setting.bits is None else float(setting.bits),
            "group_size": setting.group_size,
            "step": setting.step,
            "quantizer_seed": setting.quantizer_seed,
        }
        assert setting_of(row) == setting
    assert len({setting.label for setting in settings}) == 3
    assert len({setting.slug for setting in settings}) == 3


def test_a_suite_without_anything_on_a_grid_still_opens(open_quantization, data_copy):
    for table in ("quantized", "loss_histograms", "layers"):
        for file in (data_copy / "micro" / table).glob("*.parquet"):
            if "none" not in file.name:
                file.unlink()
    app = open_quantization(data_copy)
    assert not app.exception
    texts = " ".join(info.value for info in app.info)
    assert "no gap to show" in texts
    assert any("No linear layer was quantized" in caption.value for caption in app.caption)


def test_a_suite_scored_on_samples_only_is_a_sentence(open_app, data_copy):
    for file in (data_copy / "micro/quantized").glob("*.parquet"):
        if "rtn-b6" not in file.name and "none" not in file.name:
            file.unlink()
    for file in (data_copy / "micro/loss_histograms").glob("*.parquet"):
        file.unlink()
    app = open_app(data_copy)
    assert not app.exception
    assert "no setting was scored on all training tokens" in app.error[0].value
