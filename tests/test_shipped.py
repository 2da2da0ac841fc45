"""The shipped measurements keep what the project promises of them."""

import hashlib
import json
import math

import numpy as np
import pytest

from dashboard.artifacts import Setting, Suite
from dashboard.terms import Choice, bound_terms
from dashboard.text import TERMS
from tests.conftest import ROOT

DATA = ROOT / "data"


@pytest.fixture(scope="module")
def suite():
    return Suite(DATA, "ladder")


def test_training_loss_falls_strictly_with_size(suite):
    terms = bound_terms(suite, Choice(Setting("none", 32), "stored", 0.05))
    assert len(terms) >= 5
    assert terms["params_total"].is_monotonic_increasing
    assert np.all(np.diff(terms["measured_train_loss_nats"]) < 0)


def test_every_model_saw_one_epoch_of_twenty_tokens_per_parameter(suite):
    models = suite.models()
    ratio = models["train_tokens"] / models["params_total"]
    assert np.all((ratio > 19.98) & (ratio <= 20))
    online = suite.query(
        "SELECT model_id, max(tokens_seen) AS seen, count(*) AS steps FROM online_losses "
        "GROUP BY model_id"
    ).set_index("model_id")
    for model in models.itertuples():
        assert online.loc[model.model_id, "seen"] == model.train_tokens
        assert online.loc[model.model_id, "steps"] >= 1000


def test_terms_sum_to_the_total_for_every_model_and_setting(suite):
    for setting in suite.settings():
        for code in ("stored", "nominal"):
            terms = bound_terms(suite, Choice(setting, code, 1e-6))
            total = sum(terms[term.key] for term in TERMS)
            np.testing.assert_allclose(total, terms["total_nats"], atol=1e-12)


def test_at_four_bits_the_certificate_is_neither_violated_nor_empty(suite):
    terms = bound_terms(suite, Choice(Setting("rtn", 4), "stored", 0.05))
    assert np.all(terms["total_nats"] > terms["measured_heldout_loss_nats"])
    assert np.all(terms["total_nats"] < math.log(256))


def test_rounding_up_into_bins_costs_less_than_five_thousandths(suite):
    cost = suite.query(
        """
        SELECT q.model_id, q.bits, sum(h.loss_nats * h.tokens) / sum(h.tokens)
               - any_value(q.train_loss_nats) AS cost
        FROM loss_histograms h JOIN quantized q USING (model_id, quantizer, bits)
        WHERE split = 'train' GROUP BY q.model_id, q.bits
        """
    )
    assert len(cost) == 30
    assert np.all((cost["cost"] > 0) & (cost["cost"] < 0.005))


def test_the_manifest_lists_exactly_the_files_that_are_there():
    listed = {
        name: entry
        for name, entry in json.loads((DATA / "manifest.json").read_text())["files"].items()
        if name.startswith("ladder/")
    }
    present = {p.relative_to(DATA).as_posix(): p for p in DATA.glob("ladder/*/*.parquet")}
    assert listed.keys() == present.keys()
    for name, path in present.items():
        assert hashlib.sha256(path.read_bytes()).hexdigest() == listed[name]["sha256"], name
    assert sum(path.stat().st_size for path in present.values()) < 25e6


def test_nothing_shipped_failed(suite):
    assert list(suite.query("SELECT DISTINCT status FROM units")["status"]) == ["ok"]
