"""The page *Curvature* and what it is made of."""

import functools
import json
import re
import shutil

import numpy as np
import pandas as pd
import pyarrow as pa
import pyarrow.parquet as pq
import pytest

from bounds.curvature.spectrum import positive_root, spectral_density, trace_of
from dashboard.analysis.measured import curvature
from dashboard.views.curvature import predicted_gap


@pytest.fixture(scope="module")
def traces(suite):
    return curvature.traces(suite)


@pytest.fixture
def open_curvature(open_page):
    """Follow a link to the page."""
    return functools.partial(open_page, "curvature")


def test_the_page_opens_with_every_chart_and_table(open_curvature):
    app = open_curvature()
    assert not app.exception
    assert not [*app.warning, *app.error, *app.info]
    specs = [json.loads(element.proto.spec) for element in app.get("vega_lite_chart")]
    # Two spectra, three panels in one, two of predictions, two over training, two over windows
    # and two of convergence.
    assert len(specs) == 11
    assert {"Traces", "Spectra", "Predicted gaps"} == {tab.label for tab in app.tabs}
    assert len(app.get("download_button")) == 7


def test_the_other_matrix_says_what_was_not_measured_of_it(open_curvature):
    app = open_curvature()
    app.segmented_control(key="matrix").set_value("Gauss–Newton").run()
    assert not app.exception
    assert any("Over training the Gauss–Newton matrix was not" in c.value for c in app.caption)
    headings = [heading.value for heading in app.subheader]
    assert "Share of training" not in headings
    assert "Number of training windows" not in headings


def test_a_model_measured_at_the_end_alone_says_which_were_measured_before(open_curvature):
    app = open_curvature()
    app.select_slider(key="model").set_value("ladder-5k").run()
    said = [c.value for c in app.caption if "Over training" in c.value]
    assert said == [
        "Over training the Hessian matrix was not measured here; it was measured for ladder-12k."
    ]


def test_controls_are_in_the_link_and_a_wrong_one_is_said(open_curvature):
    app = open_curvature(matrix="Gauss–Newton", bandwidth="0.5")
    assert app.segmented_control(key="matrix").value == "Gauss–Newton"
    assert app.select_slider(key="bandwidth").value == "0.5"
    app = open_curvature(matrix="Fisher", predicted="Magic")
    assert not app.exception
    assert any("the matrix `Fisher`" in warning.value for warning in app.warning)


def forget(data, table: str, condition: str) -> None:
    """Take rows out of every file of a table, as if they had not been measured yet."""
    for file in (data / "micro" / table).glob("*.parquet"):
        rows = pq.read_table(file)
        frame = rows.to_pandas().query(f"not ({condition})")
        if frame.empty:
            file.unlink()
        else:
            kept = pa.Table.from_pandas(frame, rows.schema, preserve_index=False)
            pq.write_table(kept.replace_schema_metadata(rows.schema.metadata), file)


@pytest.mark.parametrize(
    ("table", "condition", "shown"),
    [
        ("curvature", "model_id == 'ladder-5k' and method == 'xtrace'", True),
        ("curvature", "train_fraction == 1", False),
        ("curvature", "parameters == 'all'", False),
        ("spectra", "train_fraction == 1", False),
        ("curvature", "model_id != 'ladder-12k'", True),
        ("layers", "model_id != ''", True),
        ("quantized", "quantizer != 'none'", True),
    ],
)
def test_a_suite_that_is_being_measured_shows_what_there_is(
    open_curvature, data_copy, table, condition, shown
):
    forget(data_copy, table, condition)
    app = open_curvature(data_copy)
    assert not app.exception
    assert not app.error
    has_charts = len(app.get("vega_lite_chart")) > 0
    assert has_charts == shown
    if not shown:
        assert "no measurements" in app.info[0].value


def test_a_suite_without_curvature_says_so(open_curvature, data_copy):
    for table in ("curvature", "spectra"):
        shutil.rmtree(data_copy / "micro" / table)
    app = open_curvature(data_copy)
    assert not app.exception
    assert "no measurements of a trained model's curvature" in app.info[0].value


def test_a_damaged_file_is_named(open_curvature, data_copy):
    file = next((data_copy / "micro/spectra").glob("*.parquet"))
    file.write_bytes(file.read_bytes()[:100])
    app = open_curvature(data_copy)
    assert not app.exception
    assert file.name in app.error[0].value


def test_traces_are_the_means_in_the_table(suite, traces):
    assert len(traces) == 3 + 1 + 1 + 1 + 6 + 1
    table = suite.query(
        "SELECT * FROM curvature WHERE probe IS NULL AND model_id = 'ladder-12k' AND "
        "matrix = 'hessian' AND parameters = 'all' AND train_fraction = 0.5"
    )
    row = traces[(traces["train_fraction"] == 0.5)].iloc[0]
    keyed = table.set_index(["quantity", "method", "steps"]).sort_index()
    root = keyed.loc["trace_sqrt", "radau", 6]
    assert row["trace_sqrt"] == root["value"].item()
    assert row["trace_sqrt_se"] == root["standard_error"].item()
    top = root["value"].item() + root["quadrature_error"].item()
    assert row["trace_sqrt_top"] == pytest.approx(top)
    # Two products of Hutchinson's, six of XTrace's.
    signs, tests = keyed.loc["trace", "hutchinson", 1], keyed.loc["trace", "xtrace", 2]
    assert row["trace"] == pytest.approx((signs["value"].item() + 3 * tests["value"].item()) / 4)
    errors = signs["standard_error"].item(), 3 * tests["standard_error"].item()
    assert row["trace_se"] == pytest.approx(np.hypot(*errors) / 4)
    for column in ("trace", "trace_sqrt"):
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
    frame = curvature.densities(chosen, "train_fraction", 0.2, 1e-3)
    width = frame["place"].iloc[1] - frame["place"].iloc[0]
    assert frame["density"].sum() * width == pytest.approx(1.0, abs=0.01)
    curves = [
        spectral_density(p["ritz_value"], p["weight"], frame["place"], 0.2, 1e-3)
        for _, p in chosen.groupby("probe")
    ]
    np.testing.assert_allclose(frame["density"], np.mean(curves, axis=0))
    error = np.std(curves, axis=0, ddof=1) / np.sqrt(2)
    np.testing.assert_allclose(frame["high"] - frame["density"], 2 * error, atol=1e-12)


def test_the_axis_of_a_spectrum_tells_the_eigenvalues_that_are_drawn(open_curvature):
    """Labels and curve must share one axis: the label v is where the curve's v is."""
    app = open_curvature()
    for element in app.get("vega_lite_chart")[:2]:
        spec = json.loads(element.proto.spec)
        text = json.dumps(spec, ensure_ascii=False)
        labels = json.loads(
            re.search(r'"labelExpr": "(\{.*?\})\[format', text)[1].replace('\\"', '"')
        )
        frames = [pa.ipc.open_stream(d.data.data).read_pandas() for d in element.proto.datasets]
        curve = next(f for f in frames if "eigenvalue" in f)
        for place, label in labels.items():
            number = float(place.replace("−", "-"))
            drawn = np.interp(number, curve["place"], curve["eigenvalue"], np.nan, np.nan)
            value = float(label.replace("−", "-"))
            if np.isfinite(drawn):
                assert drawn == pytest.approx(value, rel=0.2, abs=1e-6)


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


def table_of_gaps() -> pd.DataFrame:
    """Four models at 2 to 5 bits whose gaps follow one predictor from 3 bits on, and jump at 2."""
    rows = []
    for model, size in enumerate((1e4, 2e4, 4e4, 8e4)):
        for bits in (2, 3, 4, 5):
            scale = (2.0**bits - 1.0) ** -2
            gap = 3.0 * scale * size**-0.5 * (2.5 if bits == 2 else 1.0)
            rows.append(
                {"model_id": f"m{model}", "params_total": size, "bits": bits, "clear": True}
                | {"quantization_gap_nats": gap, "low": gap, "high": gap}
                | {"whole_gauss_newton": scale * size**-0.5, "whole_hessian": np.nan}
                | {"layers": scale, "no_feedback": scale * size**0.5, "bits_alone": scale}
            )
    return pd.DataFrame(rows)


def test_one_constant_is_fitted_to_clear_gaps_from_three_bits_on():
    frame = table_of_gaps()
    frame.loc[frame["bits"] == 5, ["clear", "quantization_gap_nats"]] = [False, 1e9]
    found = predicted_gap.agreements(frame)
    fine, every = found["whole_gauss_newton"]
    assert fine.constant == pytest.approx(3.0)
    assert fine.r_squared == pytest.approx(1.0)
    assert fine.within_r_squared == pytest.approx(1.0)
    assert every.r_squared < 1.0
    assert every.constant > 3.0
    assert found["bits_alone"][0].within_r_squared == pytest.approx(0.0)
    assert found["no_feedback"][0].within_r_squared < 0
    assert found["whole_hessian"].reason == "not measured"
    two = frame[frame["model_id"].isin(["m0", "m1"])]
    assert "at least 3 models, not 2" in predicted_gap.agreements(two)["layers"].reason


def test_the_jump_at_two_bits_is_told_from_the_scatter_of_the_others():
    frame = table_of_gaps()
    jump = predicted_gap.jump_at_coarse_rates(
        predicted_gap.scaled(frame, "whole_gauss_newton", 3.0)
    )
    assert jump.factor == pytest.approx(2.5)
    assert jump.fine_factor == pytest.approx(1.0)
    assert jump.models == 4
    fine = frame[frame["bits"] > 2]
    assert predicted_gap.jump_at_coarse_rates(predicted_gap.scaled(fine, "layers", 1.0)) is None
