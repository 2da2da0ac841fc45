"""The page *Curvature* and what it is made of."""

import json
import shutil

import numpy as np
import pytest

from bounds.prediction import agreement
from bounds.spectrum import positive_root, trace_of
from dashboard import curvature, predicted_gap
from dashboard.artifacts import Suite


@pytest.fixture(scope="module")
def suite(micro_run):
    return Suite(micro_run / "data", "micro")


@pytest.fixture(scope="module")
def traces(suite):
    return curvature.traces(suite)


def opened(open_app, **options):
    return open_app(**options).switch_page("pages/curvature.py").run()


def test_the_page_opens_with_every_chart_and_table(open_app):
    app = opened(open_app)
    assert not app.exception
    assert not [*app.warning, *app.error, *app.info]
    specs = [json.loads(element.proto.spec) for element in app.get("vega_lite_chart")]
    # Two spectra, three panels in one, two of predictions, two over training, two over windows
    # and two of convergence.
    assert len(specs) == 11
    assert {"Traces", "Spectra", "Predicted gaps"} == {tab.label for tab in app.tabs}
    assert len(app.get("download_button")) == 6


def test_the_other_matrix_says_what_was_not_measured_of_it(open_app):
    app = opened(open_app)
    app.segmented_control(key="matrix").set_value("Gauss–Newton").run()
    assert not app.exception
    assert len(app.info) == 3  # spectra over training, traces over training, and over windows
    assert all("Gauss–Newton matrix was measured at one value only" in i.value for i in app.info)


def test_controls_are_in_the_link_and_a_wrong_one_is_said(open_app):
    app = opened(open_app, matrix="Gauss–Newton", bandwidth="0.5")
    assert app.segmented_control(key="matrix").value == "Gauss–Newton"
    assert app.select_slider(key="bandwidth").value == "0.5"
    app = open_app(matrix="Fisher", predicted="Magic")
    app.switch_page("pages/curvature.py").run()
    assert not app.exception


def test_a_suite_without_curvature_says_so(open_app, data_copy):
    for table in ("curvature", "spectra"):
        shutil.rmtree(data_copy / "micro" / table)
    app = opened(open_app, data=data_copy)
    assert not app.exception
    assert "no measurements of curvature" in app.info[0].value


def test_a_damaged_file_is_named(open_app, data_copy):
    file = next((data_copy / "micro/spectra").glob("*.parquet"))
    file.write_bytes(file.read_bytes()[:100])
    app = opened(open_app, data=data_copy)
    assert not app.exception
    assert file.name in app.error[0].value


def test_traces_are_the_means_in_the_table(suite, traces):
    assert len(traces) == 3 + 1 + 1 + 1 + 6 + 1
    table = suite.query(
        "SELECT * FROM curvature WHERE probe IS NULL AND model_id = 'ladder-12k' AND "
        "matrix = 'hessian' AND parameters = 'all' AND train_fraction = 0.5"
    )
    row = traces[(traces["train_fraction"] == 0.5)].iloc[0]
    wanted = {
        "trace": ("trace", "xtrace", 2),
        "trace_sqrt": ("trace_sqrt", "radau", 6),
    }
    keyed = table.set_index(["quantity", "method", "steps"])
    for column, key in wanted.items():
        found = keyed.loc[[key]]
        assert row[column] == found["value"].item()
        assert row[f"{column}_se"] == found["standard_error"].item()
        assert row[f"{column}_high"] == pytest.approx(row[column] + 2 * row[f"{column}_se"])
    assert row["evenness"] == pytest.approx(
        row["trace_sqrt"] ** 2 / (row["dimension"] * row["trace"])
    )


def test_views_hold_one_point_per_model_and_value(traces):
    assert list(curvature.whole_models(traces, "hessian")["model_id"]) == [
        "ladder-5k",
        "ladder-6k",
        "ladder-12k",
    ]
    training = curvature.over_training(traces, "hessian")
    assert list(training[training["model_id"] == "ladder-12k"]["train_fraction"]) == [0.5, 1.0]
    windows = curvature.over_windows(traces, "hessian")
    assert list(windows[windows["model_id"] == "ladder-12k"]["windows"]) == [2, 4]
    settings = curvature.over_settings(traces, "hessian")
    of_model = settings[settings["model_id"] == "ladder-12k"]["setting"]
    assert set(of_model) == {"32 bits (float32)", "Round to nearest, 3 bits"}
    assert curvature.whole_models(traces[:0], "hessian").empty


def test_a_density_is_the_mean_of_its_probes_with_two_standard_errors(suite):
    nodes = curvature.spectra(suite, "ladder-12k", "hessian")
    assert set(nodes["windows"]) == {2, 4}
    chosen = nodes[(nodes["windows"] == 4) & (nodes["train_fraction"] == 1.0)]
    frame = curvature.densities(chosen, "train_fraction", 0.2)
    width = frame["place"].iloc[1] - frame["place"].iloc[0]
    assert frame["density"].sum() * width == pytest.approx(1.0, abs=0.01)
    middle = (frame["low"] + frame["high"]) / 2
    np.testing.assert_allclose(middle, frame["density"])


def test_convergence_ends_at_the_estimate_that_is_shown(suite, traces):
    steps = curvature.by_steps(suite, "ladder-12k", "hessian")
    last = steps[(steps["method"] == "radau") & (steps["steps"] == 6)]
    shown = curvature.whole_models(traces, "hessian").set_index("model_id")
    assert last["value"].item() == shown.loc["ladder-12k", "trace_sqrt"]
    probes = curvature.by_probes(suite, "ladder-12k", "hessian")
    assert probes.groupby("quantity")["value"].last().to_dict() == {
        "trace": pytest.approx(1.0),
        "trace_sqrt": pytest.approx(1.0),
    }


def test_gauss_rules_of_the_spectra_give_the_stored_roots(suite):
    """Two tables, one quadrature."""
    nodes = curvature.spectra(suite, "ladder-6k", "hessian")
    size = int(
        suite.query(
            "SELECT dimension FROM curvature WHERE model_id = 'ladder-6k' "
            "AND parameters = 'all' LIMIT 1"
        )["dimension"][0]
    )
    stored = suite.query(
        "SELECT probe, value FROM curvature WHERE model_id = 'ladder-6k' AND parameters = 'all' "
        "AND method = 'gauss' AND quantity = 'trace_sqrt' AND steps = 6 AND probe IS NOT NULL"
    ).set_index("probe")["value"]
    for probe, group in nodes.groupby("probe"):
        found = trace_of(positive_root, group["ritz_value"], group["weight"], size)
        assert found == pytest.approx(stored[probe], rel=1e-9)


def test_predictions_are_those_of_the_formula(suite, traces):
    frame = predicted_gap.predictions(suite, "rtn")
    assert set(frame["bits"]) == {3, 4, 6}
    row = frame[(frame["model_id"] == "ladder-6k") & (frame["bits"] == 4)].iloc[0]
    point = traces[
        (traces["model_id"] == "ladder-6k")
        & (traces["parameters"] == "quantized")
        & (traces["matrix"] == "gauss_newton")
    ].iloc[0]
    layers = suite.query(
        "SELECT * FROM layers WHERE model_id = 'ladder-6k' AND quantizer = 'rtn' AND bits = 4"
    )
    size = layers["rows"] * layers["columns"]
    assert size.sum() == point["dimension"]
    squared = (size * layers["mean_squared_weight"]).sum() / size.sum()
    scale = squared / 15**2
    assert row["whole_gauss_newton"] == pytest.approx(
        scale * point["trace_sqrt"] ** 2 / point["dimension"]
    )
    assert row["no_feedback"] == pytest.approx(scale * point["trace"])
    linear = layers[layers["kind"] == "linear"]
    layerwise = (
        linear["rows"]
        * linear["mean_squared_weight"]
        * linear["trace_sqrt_h"] ** 2
        / linear["columns"]
    ).sum() / 15**2
    assert row["layers"] == pytest.approx(layerwise)


def test_one_constant_is_fitted_to_clear_gaps_from_three_bits_on(suite):
    frame = predicted_gap.predictions(suite, "rtn")
    frame = frame.assign(clear=True, quantization_gap_nats=frame["quantization_gap_nats"].abs())
    fine, every = predicted_gap.agreements(frame)["whole_hessian"]
    wanted = agreement(frame["whole_hessian"], frame["quantization_gap_nats"])
    assert fine == every == wanted
    scaled = predicted_gap.scaled(frame, "whole_hessian", fine.constant)
    assert np.log(scaled["ratio"]).mean() == pytest.approx(0.0, abs=1e-9)
    none = predicted_gap.agreements(frame.assign(clear=False))
    assert all(isinstance(found, str) for found in none.values())
