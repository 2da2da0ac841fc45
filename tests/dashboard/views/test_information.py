"""The page *Information* and what it looks at."""

import math

import duckdb
import numpy as np
import pandas as pd
import pyarrow.parquet as pq
import pytest

from bounds import fit_power_law
from bounds.laws.crossing import crossing
from dashboard.analysis.bound.terms import PREQUENTIAL, Choice, bound_terms
from dashboard.analysis.laws.fits import Unfitted
from dashboard.analysis.measured import information
from dashboard.artifacts.settings import Setting
from dashboard.artifacts.suite import Suite
from dashboard.views.information.words import _meeting, _size
from tests.dashboard.ui.test_app import charts, remove, sentences

pytestmark = pytest.mark.slow

GPTQ = Setting("gptq", 4)


def test_the_page_opens_with_its_charts(seen_page):
    app = seen_page("information")
    assert not app.exception
    assert app.title[0].value == "Information"
    assert len(charts(app)) == 8
    assert [i.value for i in app.info if "K(h)/N does not fall" in i.value] or not app.info
    assert any("heuristic, not certified" in m.value for m in app.markdown)
    assert any("paper, Pythia, not measured here" in m.value for m in app.markdown)
    assert len(app.get("download_button")) == 7


def test_controls_move_what_depends_on_them(open_page):
    app = open_page("information")

    def bits():
        frame = app.dataframe[1].value
        return frame[frame["code"] == "entropy_coded"]["total_bits"].sum()

    def bound():
        return app.dataframe[2].value["total_nats"].iloc[-1]

    before = bits(), bound()
    app.select_slider(key="bits").set_value("3").run()
    assert bits() < before[0]
    assert bound() == before[1]  # the prequential code is of the unquantized model
    app.select_slider(key="delta").set_value("1e-12").run()
    assert bound() > before[1]
    app.text_input(key="reach").set_value("1e9").run()
    domain = charts(app)[0]["layer"][0]["encoding"]["x"]["scale"]["domain"]
    assert 1e9 <= domain[1] <= 3e9
    assert not app.exception


@pytest.mark.parametrize("reach", ["1k", "many", "1e20"])
def test_a_reach_that_makes_no_sense_is_one_sentence(seen_page, reach):
    app = seen_page("information", reach=reach)
    assert not app.exception
    assert len(app.warning) == 1
    assert f"`{reach}` is not a number from 11.5k" in app.warning[0].value


def test_recorded_information_is_the_area_under_the_batches(suite):
    frame = information.by_model(suite)
    assert list(frame["model_id"]) == ["ladder-5k", "ladder-6k", "ladder-12k"]
    np.testing.assert_allclose(frame["recomputed_bits"], frame["k_bits"], rtol=1e-9)
    np.testing.assert_allclose(
        frame["k_bits"], frame["bits_per_parameter"] * frame["params_total"], rtol=1e-12
    )
    np.testing.assert_allclose(
        frame["excess_nats"] * frame["train_tokens"], frame["k_bits"] * math.log(2), rtol=1e-12
    )


def test_averaging_batches_keeps_the_area(suite, micro_suite):
    folder = micro_suite / "data/micro/online_losses"
    rows = duckdb.sql(f"FROM '{folder}/ladder-12k*.parquet' ORDER BY tokens_seen").df()
    exact = (rows["loss_nats"] * rows["tokens_seen"].diff().fillna(rows["tokens_seen"][0])).sum()
    for batches in (7, 300, None):
        curve = information.online_curve(suite, "ladder-12k", batches)
        widths = curve["tokens_seen"] - curve["start"]
        assert (curve["loss_nats"] * widths).sum() == pytest.approx(exact, rel=1e-12)
        assert list(curve["start"])[1:] == list(curve["tokens_seen"])[:-1]
    assert len(information.online_curve(suite, "ladder-12k", None)) == len(rows)


def test_the_prequential_code_is_of_the_unquantized_model_and_no_certificate(suite):
    choice = Choice(GPTQ, "stored", 0.05).with_code(PREQUENTIAL)
    terms = bound_terms(suite, choice)
    assert not choice.can_certify
    assert not terms["certified"].any()
    # No gap but what rounding losses up into bins leaves, which is 0 against itself.
    assert np.all(terms["quantization_gap_nats"] == 0)
    known = information.by_model(suite).set_index("model_id")
    for row in terms.itertuples():
        assert row.code_bits == pytest.approx(known.loc[row.model_id, "k_bits"], rel=1e-12)


def test_models_without_information_are_left_out_of_its_bounds(open_page, data_copy):
    remove(data_copy, "micro/information/ladder-12k*")
    suite = Suite(data_copy, "micro")
    terms = bound_terms(suite, Choice(GPTQ, "stored", 0.05).with_code(PREQUENTIAL))
    assert list(terms["model_id"]) == ["ladder-5k", "ladder-6k"]
    app = open_page("information", data_copy)
    assert not app.exception
    remove(data_copy, "micro/information/*")
    app = open_page("information", data_copy)
    assert not app.exception
    assert "no prequential information" in sentences(app)[0]


def test_checkpoints_stand_in_where_there_are_no_online_losses(open_page, data_copy):
    for file in data_copy.glob("micro/information/*"):
        rows = pq.read_table(file)
        kept = rows.filter([m != "online_losses" for m in rows["method"].to_pylist()])
        pq.write_table(kept, file)
    remove(data_copy, "micro/online_losses/*")
    frame = information.by_model(Suite(data_copy, "micro"))
    assert list(frame["method"]) == ["checkpoints"] * 3
    assert frame["recomputed_bits"].isna().all()
    np.testing.assert_allclose(frame["k_bits"], frame["checkpoint_bits"])
    app = open_page("information", data_copy)
    assert not app.exception
    assert any("only from checkpoints" in c.value for c in app.caption)


def test_the_closed_form_of_a_loss_that_follows_it_is_exact(tmp_path, data_copy):
    """Online losses written as 1 + 30/d^0.4: the fit finds B and beta, and the area."""
    for file in data_copy.glob("micro/online_losses/*"):
        rows = pq.read_table(file)
        seen = rows["tokens_seen"].to_numpy()
        law = pq.read_table(file).to_pandas().assign(loss_nats=1 + 30 * seen**-0.4)
        table = rows.from_pandas(law, schema=rows.schema, preserve_index=False)
        pq.write_table(table.replace_schema_metadata(rows.schema.metadata), file)
    frame = information.by_model(Suite(data_copy, "micro"))
    np.testing.assert_allclose(frame["data_exponent"], 0.4, rtol=0.02)
    expected = 30 * 0.4 / 0.6 * frame["train_tokens"] ** 0.6 / math.log(2)
    np.testing.assert_allclose(frame["closed_form_bits"], expected, rtol=0.03)


def test_leaving_out_the_smallest_refits_the_rest():
    sizes = np.array([1e4, 3e4, 1e5, 3e5, 1e6])
    k = np.where(sizes < 2e4, 3.0, 1.0) * sizes**0.7
    frame = pd.DataFrame({"params_total": sizes, "k_bits": k})
    growth = information.without_smallest(frame)
    assert list(growth["left_out"]) == [0, 1, 2]
    assert list(growth["models"]) == [5, 4, 3]
    assert growth["exponent"][0] < 0.67
    assert growth["exponent"][1] == pytest.approx(0.7)
    assert np.all(growth["low"] <= growth["exponent"])
    assert np.all(growth["exponent"] <= growth["high"])


def test_crossings_are_of_the_laws(suite):
    codes = information.by_code(suite, GPTQ)
    laws = information.code_laws(codes, "total_bits")
    found = information.crossings(laws)
    assert set(found) == {"nominal", "stored", "entropy_coded"}
    largest = codes[codes["params_total"] == codes["params_total"].max()].set_index("code")
    for code, met in found.items():
        bits = largest["total_bits"]
        assert met.from_above == (bits["prequential"] > bits[code])
        if met.n < math.inf:
            np.testing.assert_allclose(laws["prequential"].at(met.n), laws[code].at(met.n))
    few = dict.fromkeys(laws, Unfitted("a reason"))
    assert set(information.crossings(few).values()) == {Unfitted("a reason")}


def test_the_side_and_the_way_of_a_crossing_are_said():
    sizes = np.array([1e4, 3e4, 1e5, 3e5])

    def said(one, other):
        return _meeting(crossing(fit_power_law(sizes, one), fit_power_law(sizes, other)), 3e5)

    assert "is above at the largest model and by the laws falls below at N ≈ 1M" in said(
        1e3 * sizes**0.5, sizes
    )
    assert "is below at the largest model and by the laws rises above at N ≈ 1M" in said(
        sizes, 1e3 * sizes**0.5
    )
    apart = said(sizes, 200 * sizes**0.5)
    assert "is above at the largest model, and the laws move apart" in apart
    assert "crossed within the measured sizes, at 40k" in apart


@pytest.mark.parametrize(
    ("n", "text"), [(2.25e10, "22.5B"), (3e17, "3e+17"), (1e40, "beyond 1e30"), (math.inf, "never")]
)
def test_sizes_text(n, text):
    assert _size(n) == text
