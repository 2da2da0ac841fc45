"""The page *Scaling laws* and what it looks at."""

import numpy as np
import pandas as pd
import pytest

from bounds.laws.published import PUBLISHED
from dashboard.analysis.bound.losses import Losses
from dashboard.analysis.bound.terms import Choice, bound_terms
from dashboard.analysis.laws.fits import formula, held_out_of, law_of
from dashboard.analysis.laws.published import published_curves, sizes_as_counted
from dashboard.analysis.measured.quantities import quantities
from dashboard.artifacts.settings import Setting
from dashboard.views.scaling_laws import data, frontier, pythia
from tests.dashboard.ui.test_app import charts, remove

pytestmark = pytest.mark.slow

CHOICE = Choice(Setting("gptq", 4), "stored", 0.05)
BY_KEY = {law.key: law for law in PUBLISHED}


def test_the_page_opens_with_every_quantity(seen_page):
    app = seen_page("scaling_laws")
    assert not app.exception
    assert not [*app.warning, *app.error]
    assert app.title[0].value == "Scaling laws"
    assert len(charts(app)) == 6
    shown = set(app.dataframe[0].value["quantity"])
    assert {
        "Training loss",
        "Loss variation Σ (paper's form)",
        "Information per parameter K(h)/N",
        "Tr(√), Hessian",
        "Bits per parameter, entropy-coded",
        "Quantization gap, GPTQ, 3 bits",
        "Quantization gap, GPTQ, 4 bits",
        "Term: complexity",
        "Gap (bound − training loss)",
    } <= shown
    assert app.code[0].value.startswith("y = ")


@pytest.mark.parametrize(
    ("control", "key", "value", "quantity"),
    [
        ("select_slider", "bits", "3", "Term: complexity"),
        ("select_slider", "delta", "1e-12", "Bound"),
        ("segmented_control", "code", "nominal", "Term: complexity"),
        ("selectbox", "form", "paper, four terms", "Term: smoothing"),
    ],
)
def test_laws_and_extrapolated_terms_follow_in_the_same_interaction(
    open_page, control, key, value, quantity
):
    app = open_page("scaling_laws")

    def law():
        frame = app.dataframe[0].value.set_index("quantity")
        return frame.loc[quantity, "law"]

    def far_out():
        tables = {tuple(d.value.columns): d.value for d in app.dataframe}
        stacked = next(frame for columns, frame in tables.items() if "bottom" in columns)
        return stacked[stacked["part"] == "extrapolated"]["value"].sum()

    before = law(), far_out()
    getattr(app, control)(key=key).set_value(value).run()
    assert not app.exception
    assert law() != before[0]
    assert far_out() != before[1]


def test_a_floor_needs_more_sizes_than_these_and_says_so(open_page):
    app = open_page("scaling_laws")
    app.selectbox(key="law").set_value("power law with a floor").run()
    assert not app.exception
    assert len(app.info) == 1
    assert "at least 4 sizes, and 3 were measured here" in app.info[0].value
    assert {"ladder-5k", "ladder-6k", "ladder-12k"} < {*app.dataframe[0].value}


def test_the_copied_line_is_the_law():
    frame = pd.DataFrame({"params_total": [1e4, 1e5, 1e6, 1e7], "value": [3.0, 2.2, 1.9, 1.7]})
    for floor in (False, True):
        law = law_of(frame, "value", floor)
        for n in (3e4, 1e9):
            assert eval(formula(law), {"N": n}) == pytest.approx(float(law.at(n)), rel=1e-4)


def test_the_overview_predicts_the_largest_from_the_rest(suite):
    found = quantities(suite, CHOICE)
    table = data.overview(found, floor=False).set_index("quantity")
    assert table["models"].iloc[0] == 3
    # Two sizes are left: no law, and the table is empty instead of wrong.
    assert table["predicted"].isna().all()
    frame = pd.DataFrame(
        {"params_total": [1e4, 1e5, 1e6, 1e7], "value": np.array([1e4, 1e5, 1e6, 1e7]) ** -0.5}
    )
    frame.loc[3, "value"] *= 2
    held = held_out_of(frame, "value")
    assert held.relative_error == pytest.approx(-0.5)


def test_values_are_those_of_the_other_pages(suite):
    found = {q.label: q.values.set_index("model_id")["value"] for q in quantities(suite, CHOICE)}
    terms = bound_terms(suite, CHOICE).set_index("model_id")
    for label, key in (("Bound", "total_nats"), ("Term: smoothing", "smoothing_nats")):
        pd.testing.assert_series_equal(found[label], terms[key], check_names=False)
    sizes = suite.quantized(CHOICE.setting).set_index("model_id")["stored_bits"]
    expected = sizes / suite.models().set_index("model_id")["params_total"]
    pd.testing.assert_series_equal(
        found["Bits per parameter, stored"].sort_index(), expected.sort_index(), check_names=False
    )


def test_stacked_terms_add_up_to_the_laws(suite):
    terms = Losses.in_nats(bound_terms(suite, CHOICE)).table
    frame = data.stacked(terms, False, 1e7)
    far = frame[np.isclose(frame["params_total"], 1e7)]
    assert set(far["part"]) == {"extrapolated"}
    laws = [law_of(terms, key) for key in far["key"]]
    assert far["top"].max() == pytest.approx(sum(float(law.at(1e7)) for law in laws), rel=1e-9)
    inside = frame[frame["part"] == "measured range"]["params_total"]
    assert inside.min() == pytest.approx(terms["params_total"].min())
    assert inside.max() == pytest.approx(terms["params_total"].max())


def test_loss_against_compute_ends_at_six_n_d(suite):
    curves, ends = frontier.loss_by_compute(suite), frontier.chosen(suite)
    for row in ends.itertuples():
        curve = curves[curves["model_id"] == row.model_id]
        assert row.flops == 6 * row.params_total * row.train_tokens
        # The last point is the mean of the batches in the last bin.
        assert 0.85 * row.flops < curve["flops"].max() <= row.flops
        assert curve["loss_nats"].iloc[0] > curve["loss_nats"].iloc[-1]


def test_pythias_choices_lie_near_twenty_tokens_a_parameter():
    frame = pythia.choices()
    ratio = frame["train_tokens"] / frame["params_total"]
    assert len(frame) == 10
    assert ratio.between(15, 26).all()
    assert frame["params_total"].is_monotonic_increasing
    assert ratio.iloc[-1] == pytest.approx(20.0, abs=0.05)


def test_published_curves_are_marked_outside_their_range(suite):
    paper = ("finzi_information",)
    curves = published_curves("information_bits", suite.models(), 1e12, 20, keys=paper)
    inside = curves[curves["inside"]]["params_total"]
    assert inside.between(70_426_624, 11_846_072_320).all()
    assert not curves[curves["params_total"] < 7e7]["inside"].any()
    assert curves["part"].nunique() == 3
    half = published_curves(
        "information_bits", suite.models(), 1e12, 20, per_parameter=True, keys=paper
    )
    np.testing.assert_allclose(half["value"], curves["value"] / curves["params_total"])


def test_a_law_without_embeddings_gets_what_it_counts(suite):
    models = suite.models()
    counted = sizes_as_counted(BY_KEY["kaplan"], models["params_total"].to_numpy(float), models)
    np.testing.assert_allclose(counted, models["params_nonembedding"], rtol=1e-9)
    # Three narrow models of almost one width: the share goes on as between the last two.
    ladder = models.assign(params_total=[1e4, 1e5, 1e6], params_embedding=[9e3, 6e4, 3e5])
    far = np.array([1e9, 1e12])
    np.testing.assert_allclose(
        sizes_as_counted(BY_KEY["kaplan"], far, ladder) / far, 1 - 0.3 * 0.5 ** np.array([3, 6])
    )
    np.testing.assert_array_equal(sizes_as_counted(BY_KEY["hoffmann"], far, models), far)


def test_a_suite_that_is_still_being_measured_shows_what_it_has(open_page, data_copy):
    remove(data_copy, "micro/*/ladder-12k--*")
    for table in ("online_losses", "information", "curvature", "spectra", "checkpoint_losses"):
        remove(data_copy, f"micro/{table}/*")
    app = open_page("scaling_laws", data_copy)
    assert not app.exception
    assert "at least 3 sizes, and 2 were measured here" in app.info[0].value
    shown = app.dataframe[0].value
    assert {"ladder-5k", "ladder-6k"} < {*shown}
    assert "ladder-12k" not in shown


def test_one_quantity_of_each_group_drawn_large(open_page, suite):
    app = open_page("scaling_laws")
    found = quantities(suite, CHOICE)
    assert app.selectbox(key="quantity").options == [q.label for q in found]
    for label in {q.group: q.label for q in found}.values():
        app.selectbox(key="quantity").set_value(label).run()
        assert not app.exception
