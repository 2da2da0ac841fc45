"""Any model size, on every page: chosen, flagged, and read off the laws."""

import pandas as pd
import pytest

from dashboard.analysis.bound.losses import Losses
from dashboard.analysis.bound.terms import Choice, bound_terms
from dashboard.analysis.laws.fits import law_of
from dashboard.analysis.laws.outlook import BOUND, GAP, Outlook, law_estimate
from dashboard.analysis.laws.sizes import ANOTHER, chosen_size, default_size, standing
from dashboard.artifacts.settings import Setting
from dashboard.style.numbers import number_label, times_label

MODELS = pd.DataFrame(
    {"model_id": ["small", "middle", "large"], "params_total": [1_000, 10_000, 1_000_000]}
)
PAGES = ("bound_explorer", "loss_variation", "quantization", "curvature", "information")


@pytest.mark.parametrize(
    ("params", "nearest", "measured"),
    [
        (10_000, "middle", True),
        (10_020, "middle", True),
        (10_100, "middle", False),
        (90_000, "middle", False),
        (110_000, "large", False),
        (1e13, "large", False),
        (1, "small", False),
    ],
)
def test_the_nearest_measured_model_stands_in(params, nearest, measured):
    size = chosen_size(MODELS, params)
    assert (size.model_id, size.measured) == (nearest, measured)
    assert size.at == (None if measured else params)


def test_how_a_size_stands_to_those_measured():
    assert standing(5e4, 1e3, 1e6) == ("between measured sizes", False)
    assert standing(2e9, 1e3, 1e6) == ("2,000× beyond the largest measured model", True)
    assert standing(500, 1e3, 1e6) == ("2× below the smallest measured model", True)
    assert default_size(MODELS) == "10M"
    assert times_label(30e6) == "30 million"
    assert [number_label(x) for x in (0.5, 0, 1234.5, 0.00123)] == [
        "0.500",
        "0.000",
        "1,230",
        "0.00123",
    ]


@pytest.mark.parametrize("page", PAGES)
def test_every_page_reads_any_size_off_its_laws_and_says_so(open_page, page):
    app = open_page(page, model=ANOTHER, n="3M")
    assert not app.exception
    assert not app.warning
    markdown = " ".join(m.value for m in app.markdown)
    assert "3M parameters: no model of this size was measured" in markdown
    assert "extrapolated: 260× beyond the largest measured model" in markdown
    assert any(metric.value.startswith("≈ ") for metric in app.metric)
    assert any("Nothing read off a law is certified" in c.value for c in app.caption)
    app.text_input(key="n").set_value("7k").run()
    assert not app.exception
    assert "predicted between measured sizes" in " ".join(m.value for m in app.markdown)
    app.text_input(key="n").set_value("a lot").run()
    assert not app.exception
    assert "`a lot` is not a number from 1k to 10T" in app.warning[0].value


def test_the_explorer_says_at_another_size_what_the_laws_do(open_app, suite):
    terms = bound_terms(suite, Choice(Setting("gptq", 4), "stored", 0.05))
    view = Outlook.of(Losses.in_nats(terms).table)
    app = open_app()
    app.select_slider(key="model").set_value(ANOTHER).run()
    app.text_input(key="n").set_value("3M").run()
    bound, gap, training = (view.estimate(k, 3e6) for k in (BOUND, GAP, BOUND[:1]))
    shown = [metric.value for metric in app.metric[:3]]
    assert shown == [f"≈ {number_label(x.value)}" for x in (bound, gap, training)]
    law = law_of(terms, "training_loss_nats")
    assert law_estimate(law, 3e6).value == float(law.at(3e6)) == training.value


def test_a_measured_size_is_never_called_predicted(seen_app):
    app = seen_app(model="ladder-6k")
    assert not any("no model of this size" in m.value for m in app.markdown)
    assert not any(metric.value.startswith("≈") for metric in app.metric)
