"""Models that differ by their seed: one of each size is shown, with the range over the others."""

import pytest

from dashboard.analysis.bound.seeds import every_seed, spread
from dashboard.analysis.bound.terms import Choice, best_setting, bound_terms
from dashboard.artifacts.settings import Setting
from dashboard.artifacts.suite import Suite

CHOICE = Choice(Setting("rtn", 4), "stored", 0.05)


@pytest.fixture(scope="module")
def seeds(repeated) -> Suite:
    return Suite(repeated, "micro")


def test_the_first_seed_of_each_size_is_shown_and_all_are_at_hand(seeds):
    assert list(seeds.models()["model_id"]) == ["ladder-5k", "ladder-6k", "ladder-12k"]
    every = seeds.every_model().set_index("model_id")["repeats"]
    assert every["ladder-5k-seed1"] == every["ladder-5k"] == "ladder-5k"
    assert every["ladder-6k"] == "ladder-6k"
    assert list(bound_terms(seeds, CHOICE)["model_id"]) == list(seeds.models()["model_id"])


def test_the_range_is_from_the_lowest_to_the_highest_bound(seeds):
    rows = every_seed(seeds, CHOICE)
    assert list(rows["model_id"]) == ["ladder-5k", "ladder-5k-seed1"]
    first = bound_terms(seeds, CHOICE).set_index("model_id").loc["ladder-5k", "total_nats"]
    found = spread(rows, "total_nats").iloc[0]
    assert (found["model_id"], found["seeds"]) == ("ladder-5k", 2)
    assert found["low"] == first
    assert found["low"] < found["high"] < found["low"] + 0.2
    assert found["sd"] == pytest.approx((found["high"] - found["low"]) / 2**0.5)


def test_any_seed_can_be_asked_for(seeds):
    terms = bound_terms(seeds, CHOICE, ["ladder-5k-seed1"])
    assert list(terms["model_id"]) == ["ladder-5k-seed1"]
    setting, gap = best_setting(seeds, CHOICE, "ladder-5k-seed1")
    assert setting in seeds.settings()
    assert gap > 0


def test_a_suite_of_one_seed_has_no_ranges(suite):
    assert every_seed(suite, CHOICE).empty
    assert spread(every_seed(suite, CHOICE), "total_nats").empty


def test_the_page_says_how_wide_the_widest_range_is(repeated, seen_app):
    app = seen_app(repeated, bits="4")
    assert not app.exception
    captions = " ".join(c.value for c in app.caption)
    assert "Sizes trained with several seeds (ladder-5k)" in captions
    assert list(app.dataframe[0].value["model_id"]) == ["ladder-5k", "ladder-6k", "ladder-12k"]


@pytest.mark.parametrize(
    "page", ["loss_variation", "quantization", "curvature", "information", "scaling_laws"]
)
def test_no_other_page_shows_a_size_twice(repeated, seen_page, page):
    app = seen_page(page, repeated)
    assert not app.exception
    for table in app.dataframe:
        assert "ladder-5k-seed1" not in table.value.to_string()


def test_models_without_a_bound_at_a_setting_are_named(data_copy, open_app):
    """Losses on part of the training tokens give a mean, and no bound."""
    for file in data_copy.glob("micro/loss_histograms/ladder-12k--gptq-b4--*"):
        file.unlink()
    app = open_app(data_copy, quantizer="gptq", bits="4")
    assert not app.exception
    assert list(app.dataframe[0].value["model_id"]) == ["ladder-5k", "ladder-6k"]
    assert any("No bound at" in c.value and "ladder-12k" in c.value for c in app.caption)
