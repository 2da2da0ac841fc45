"""The shipped measurements keep what the project promises of them."""

import hashlib
import json
import math
import tomllib

import numpy as np
import pandas as pd
import pytest

from bounds.laws.learning_rate import fit_rate_rule
from dashboard.analysis.bound.terms import Choice, bound_terms
from dashboard.analysis.measured.information import by_model
from dashboard.analysis.measured.quantization import exceptions, rotated
from dashboard.artifacts.manifest import SHIPPED
from dashboard.artifacts.settings import Setting
from dashboard.artifacts.suite import Suite
from dashboard.style.glossary import TERMS
from dashboard.views.curvature.predicted_gap import agreements, predictions, quantizers
from tests.conftest import ROOT
from tools.results import sweep

DATA = ROOT / "data"


@pytest.fixture(scope="module")
def suite():
    return Suite(DATA, SHIPPED)


def test_training_loss_falls_strictly_with_size(suite):
    terms = bound_terms(suite, Choice(Setting("none", 32), "stored", 0.05))
    assert len(terms) >= 7
    assert terms["params_total"].is_monotonic_increasing
    assert np.all(np.diff(terms["measured_train_loss_nats"]) < 0)


def test_every_model_saw_one_epoch_of_twenty_tokens_per_parameter(suite):
    models = suite.every_model()
    assert len(models) >= 7
    ratio = models["train_tokens"] / models["params_total"]
    assert np.all((ratio > 19.98) & (ratio <= 20))
    online = suite.query(
        "SELECT model_id, max(tokens_seen) AS seen, count(*) AS steps FROM online_losses "
        "GROUP BY model_id"
    ).set_index("model_id")
    for model in models.itertuples():
        assert online.loc[model.model_id, "seen"] == model.train_tokens
        assert online.loc[model.model_id, "steps"] >= 1000


def test_at_three_bits_the_certificate_is_neither_violated_nor_empty(suite):
    for form in ("four_term", "geometric"):
        terms = bound_terms(suite, Choice(Setting("gptq", 3), "stored", 0.05, form))
        assert np.all(terms["total_nats"] > terms["measured_heldout_loss_nats"])
        assert np.all(terms["total_nats"] < math.log(256))


def best_gaps(suite, form, code, quantizer):
    """Smallest gap of each model over the measured rates of one quantizer."""
    gaps = [
        bound_terms(suite, Choice(setting, code, 0.05, form)).set_index("model_id")["gap_nats"]
        for setting in suite.settings()
        if setting.quantizer == quantizer
    ]
    assert len(gaps) >= 3
    return pd.concat(gaps, axis=1).min(axis=1)


@pytest.mark.parametrize("form", ["four_term", "geometric"])
def test_gaps_are_counted_from_the_exact_training_loss(suite, form):
    """Not from the histogram's, which is some thousandths larger: those would be missing."""
    terms = bound_terms(suite, Choice(Setting("gptq", 3), "stored", 0.05, form))
    trained = suite.quantized(Setting("none", 32)).set_index("model_id")["train_loss_nats"]
    quantized = suite.quantized(Setting("gptq", 3)).set_index("model_id")["train_loss_nats"]
    for row in terms.itertuples():
        exact = trained[row.model_id]
        assert row.gap_nats == pytest.approx(row.total_nats - exact, abs=1e-12)
        assert row.quantization_gap_nats == pytest.approx(
            quantized[row.model_id] - exact, abs=1e-12
        )
        assert sum(getattr(row, term.nats) for term in TERMS) == pytest.approx(row.total_nats)
        binned = suite.train_losses(Setting("none", 32))[row.model_id].mean_loss_nats
        assert 0.002 < binned - exact < 0.005


def test_the_geometric_form_is_at_least_12_percent_below_the_papers_at_its_best(suite):
    """Both with stored size, each at its own best measured bitrate, on every model."""
    paper = best_gaps(suite, "four_term", "stored", "gptq")
    ours = best_gaps(suite, "geometric", "stored", "gptq")
    assert len(ours) == len(suite.models())
    assert np.all(ours <= 0.88 * paper)


def test_grid_steps_entropy_coded_certify_a_fifth_less_than_the_papers_form_with_gptq(suite):
    """On the two largest models, each at its own best rate."""
    paper = best_gaps(suite, "four_term", "stored", "gptq")
    ours = best_gaps(suite, "geometric", "entropy_coded", "gptq_step")
    largest = list(suite.models()["model_id"])[-2:]
    assert np.all(ours[largest] <= 0.8 * paper[largest])


@pytest.mark.parametrize("bits", [3, 4])
def test_error_feedback_loses_less_than_rounding_to_nearest(suite, bits):
    losses = {
        quantizer: suite.quantized(Setting(quantizer, bits)).set_index("model_id")
        for quantizer in ("rtn", "gptq")
    }
    both = losses["gptq"].merge(losses["rtn"], on="model_id", suffixes=("_gptq", "_rtn"))
    assert len(both) >= 5
    assert np.all(both["train_loss_nats_gptq"] < both["train_loss_nats_rtn"])


def test_from_three_bits_on_feedback_wins_on_the_proxy_but_for_listed_exceptions(suite):
    """An exception can only come from the ends of a clipped grid, and must be listed."""
    layers = suite.query("SELECT * FROM layers WHERE quantizer != 'rtn' AND kind = 'linear'")
    steps = layers[layers["quantizer"] == "gptq_step"]
    assert np.all(steps["proxy_loss"] < steps["rounding_proxy_loss"])
    clipped = layers[(layers["quantizer"] != "gptq_step") & (layers["bits"] >= 3)]
    lost = clipped["proxy_loss"] > clipped["rounding_proxy_loss"] * (1 + 1e-9)
    assert lost.mean() < 0.02
    assert len(exceptions(suite)) == lost.sum()


def test_every_file_is_shorter_entropy_coded_than_stored(suite):
    sizes = suite.query("SELECT entropy_coded_bits, stored_bits FROM quantized")
    assert np.all(sizes["entropy_coded_bits"] < sizes["stored_bits"])


def test_rounding_up_into_bins_costs_less_than_five_thousandths(suite):
    cost = suite.query(
        """
        SELECT q.model_id, q.bits, sum(h.loss_nats * h.tokens) / sum(h.tokens)
               - any_value(q.train_loss_nats) AS cost
        FROM loss_histograms h JOIN quantized q
            ON h.model_id = q.model_id AND h.quantizer = q.quantizer
            AND h.bits IS NOT DISTINCT FROM q.bits AND h.step IS NOT DISTINCT FROM q.step
            AND h.group_size IS NOT DISTINCT FROM q.group_size
        WHERE split = 'train' GROUP BY q.model_id, q.quantizer, q.bits, q.step
        """
    )
    assert len(cost) >= 7 * 5
    assert np.all((cost["cost"] > 0) & (cost["cost"] < 0.005))


def test_the_manifest_lists_exactly_the_files_that_are_there():
    suite_folder = DATA / SHIPPED
    listed = json.loads((suite_folder / "manifest.json").read_text())["files"]
    present = {p.relative_to(suite_folder).as_posix(): p for p in suite_folder.glob("*/*.parquet")}
    assert listed.keys() == present.keys()
    for name, path in present.items():
        assert hashlib.sha256(path.read_bytes()).hexdigest() == listed[name]["sha256"], name
    assert sum(path.stat().st_size for path in present.values()) < 25e6


def test_every_size_has_five_settings_on_all_of_its_training_tokens(suite):
    whole = suite.query(
        """
        SELECT model_id, count(*) AS settings FROM quantized JOIN models USING (model_id)
        WHERE train_tokens_evaluated = train_tokens GROUP BY model_id
        """
    ).set_index("model_id")["settings"]
    models = suite.models()["model_id"]
    assert set(whole.index) == set(suite.every_model()["model_id"])
    assert whole.min() >= 5
    assert whole[models[:4]].min() >= 16


def test_every_quantizer_was_run_at_the_four_smallest_sizes(suite):
    found = suite.query("SELECT DISTINCT model_id, quantizer, bits FROM quantized")
    for model in suite.models()["model_id"][:4]:
        of_model = found[found["model_id"] == model]
        for quantizer in ("rtn", "gptq", "gptq_actorder", "ldlq", "ldlq_rotated"):
            bits = set(of_model[of_model["quantizer"] == quantizer]["bits"])
            assert {2, 3, 4, 6} <= bits, (model, quantizer)


def test_nothing_shipped_failed(suite):
    assert list(suite.query("SELECT DISTINCT status FROM units")["status"]) == ["ok"]


def test_curvature_of_every_size_has_a_standard_error(suite):
    models = list(suite.models()["model_id"])
    for matrix in ("hessian", "gauss_newton"):
        for quantity in ("trace", "trace_sqrt"):
            rows = suite.query(
                """
                FROM curvature WHERE matrix = ? AND parameters = 'all' AND quantity = ?
                AND train_fraction = 1 AND quantizer = 'none' AND probe IS NULL
                """,
                [matrix, quantity],
            )
            assert set(models) == set(rows["model_id"])
            assert np.all(rows["standard_error"] > 0)
            assert np.all(rows["value"] > 0)


def test_rotation_can_be_judged_at_every_size_but_the_largest(suite):
    assert rotated(suite) == list(suite.models()["model_id"])[:-1]


def test_spectra_of_every_size_and_training_share_are_distributions(suite):
    rows = suite.query(
        """
        SELECT model_id, train_fraction, count(DISTINCT probe) AS probes,
               sum(weight) / count(DISTINCT (probe, probes)) AS total
        FROM spectra WHERE matrix = 'hessian' AND parameters = 'all' AND quantizer = 'none'
          AND windows = 32
        GROUP BY ALL
        """
    )
    fractions = rows.groupby("model_id")["train_fraction"].agg(set)
    models = list(suite.models()["model_id"])
    over_training = {1 / 32, 1 / 16, 1 / 8, 1 / 4, 1 / 2, 1.0}
    assert all(over_training <= fractions[model] for model in models[:4])
    assert all(1.0 in fractions[model] for model in models)
    assert rows["probes"].min() >= 4
    np.testing.assert_allclose(rows["total"], 1.0, atol=1e-9)


def test_the_gauss_newton_matrix_is_never_negative_and_bracketed(suite):
    rows = suite.query(
        """
        SELECT quantity, method, model_id, parameters, windows, probes, probe, steps, value
        FROM curvature WHERE matrix = 'gauss_newton' AND probe IS NOT NULL
        """
    )
    below = rows[rows["quantity"] == "trace_negative"]["value"]
    assert below.abs().max() < 1e-3
    keys = ["model_id", "parameters", "windows", "probes", "probe", "steps"]
    roots = rows[rows["quantity"] == "trace_sqrt"].pivot(index=keys, columns="method")["value"]
    assert np.all(roots["radau"] < roots["gauss"])
    # Ever more steps close the bracket from both sides.
    for _, group in roots.groupby(keys[:-1]):
        assert group["radau"].is_monotonic_increasing
        assert group["gauss"].is_monotonic_decreasing


def test_second_moments_of_the_layers_predict_gaps_beyond_the_bits(suite):
    """RESULTS.md says that, with every quantizer, they explain more than the bits alone do."""
    chosen = quantizers(suite)
    assert {"rtn", "gptq"} <= set(chosen.values())
    for quantizer in chosen.values():
        found = agreements(predictions(suite, quantizer))
        layers, bits_alone = (found[key][0] for key in ("layers", "bits_alone"))
        assert layers.r_squared > 0.85, quantizer
        assert layers.r_squared > bits_alone.r_squared, quantizer
        assert layers.within_r_squared > 0, quantizer


def test_recorded_information_is_the_area_of_the_online_losses_within_a_percent(suite):
    models = by_model(suite)
    assert len(models) == len(suite.models())
    assert np.all(models["method"] == "online_losses")
    np.testing.assert_allclose(models["recomputed_bits"], models["k_bits"], rtol=0.01)


def test_checkpoints_at_pythias_spacing_give_the_area_within_their_error(suite):
    models = by_model(suite)
    off = (models["checkpoint_bits"] / models["k_bits"] - 1).abs()
    assert np.all(off <= models["checkpoint_error_bits"] / models["k_bits"])
    assert off.max() < 0.03


def test_learning_rates_are_those_of_the_rule_through_the_shipped_sweep():
    _, rows = sweep.read_sweep(DATA, SHIPPED)
    best = sweep.optima(sweep.by_rate(rows))
    law = fit_rate_rule(list(best), [found.rate for found in best.values()])
    preset = tomllib.loads((ROOT / "compute/suites/ladder.toml").read_text())["presets"]["mixed"]
    rule = preset["learning_rate"]
    assert rule["exponent"] == pytest.approx(law.exponent, abs=0.005)
    assert rule["rate"] == pytest.approx(law.at(rule["params"]), rel=0.01)


def test_sizes_under_half_a_million_have_three_seeds(suite):
    models = suite.every_model()
    small = models[models["params_total"] < 500_000]
    assert list(small.groupby("params_total")["seed"].agg(sorted)) == [[0, 1, 2]] * 4
