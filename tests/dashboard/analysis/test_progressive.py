"""The line of the models on the way: its numbers, what it is told apart from, and its absence."""

import json
import shutil
from urllib.parse import urlencode

import numpy as np
import pyarrow.compute as pc
import pyarrow.parquet as pq
import pytest

from bounds import TokenLosses
from bounds.printed import upper_text
from bounds.progressive import progressive_bound
from dashboard.analysis.bound import progressive
from dashboard.analysis.bound.losses import Losses
from dashboard.analysis.bound.terms import Choice, bound_terms
from dashboard.analysis.bound.units import BITS, NATS
from dashboard.artifacts.errors import ArtifactError
from dashboard.artifacts.settings import Setting
from dashboard.artifacts.suite import Suite
from dashboard.charts.bound_charts import stacked_terms
from dashboard.ui.notes.progressive_words import ANOTHER_STATEMENT
from dashboard.views.overview import charts
from dashboard.views.overview.data import at_best, best_choice
from tests.dashboard.ui.test_app import sentences
from tests.data.micro_suite import PUBLISHED

pytestmark = pytest.mark.slow

CHOICE = Choice(Setting("rtn", 4), "stored", 0.05)
ABSENT = "this suite has no histogram of online losses"


def remove_online(data):
    """Make of a copy what was measured before online losses were kept as histograms."""
    found = 0
    for file in data.glob("micro/loss_histograms/*.parquet"):
        if pq.read_table(file, columns=["split"])["split"][0].as_py() == "online":
            file.unlink()
            found += 1
    assert found == 3
    return data


def from_files(folder, model_id, delta=0.05):
    """The bound of one model, from Parquet and ``bounds`` alone."""
    cells = pq.read_table(folder / "loss_histograms").to_pandas()
    cells = cells[(cells["model_id"] == model_id) & (cells["split"] == "online")]
    steps = pq.read_table(folder / "online_losses").to_pandas()
    steps = steps[steps["model_id"] == model_id].sort_values("tokens_seen")
    mean = np.average(steps["loss_nats"], weights=np.diff(steps["tokens_seen"], prepend=0))
    cells = cells.sort_values(["entropy_nats", "loss_nats"])
    return progressive_bound(
        mean,
        TokenLosses(*(cells[key].to_numpy() for key in ("loss_nats", "entropy_nats", "tokens"))),
        train_tokens=int(cells["tokens"].sum()),
        vocab_size=256,
        failure_probability=delta,
    )


def words(app):
    return " ".join(element.value for element in [*app.markdown, *app.caption])


def test_the_numbers_are_those_of_the_files(suite, micro_suite):
    rows = progressive.on_the_way(suite, 0.05, NATS)
    assert list(rows["model_id"]) == ["ladder-5k", "ladder-6k", "ladder-12k"]
    in_bits = progressive.on_the_way(suite, 0.05, BITS)
    surer = progressive.on_the_way(suite, 1e-9, NATS)
    for place, row in rows.iterrows():
        expected = from_files(micro_suite / "data/micro", row["model_id"])
        assert row["total"] == pytest.approx(expected.total_nats, rel=1e-12)
        assert row["online_loss"] == pytest.approx(expected.training_loss_nats, rel=1e-12)
        assert row["gap"] == pytest.approx(row["total"] - row["online_loss"])
        assert row["online_loss"] < row["total"] < surer["total"][place]
        assert row["certified"]
        factor = BITS.of_nats(row["bytes_per_token"])
        for key in ("online_loss", "total", "gap"):
            assert in_bits[key][place] == pytest.approx(factor * row[key])


def test_bounds_of_the_final_model_do_not_see_online_losses(suite, data_copy):
    before = bound_terms(suite, CHOICE)
    tokens = suite.models().set_index("model_id").at["ladder-5k", "train_tokens"]
    assert suite.train_losses(Setting("none", 32))["ladder-5k"].total_tokens == tokens
    without = Suite(remove_online(data_copy), "micro")
    after = bound_terms(without, CHOICE)
    assert before.equals(after)
    assert suite.settings() == without.settings()
    unquantized = Setting("none", 32)
    assert suite.joint_losses(unquantized, "ladder-5k", 0.5).equals(
        without.joint_losses(unquantized, "ladder-5k", 0.5)
    )


def test_overview_draws_one_more_line_of_its_own_kind(suite):
    view = at_best(suite, best_choice(suite, 0.05), NATS)
    spec = charts.claim(view, NATS, 200).to_dict()
    online = [la["mark"] for la in spec["layer"] if la["mark"].get("color") == progressive.COLOUR]
    assert [mark["type"] for mark in online] == ["line", "point"]
    assert online[1]["shape"] == "triangle-up"
    assert online[1]["filled"] is True
    texts = [row["text"] for rows in spec["datasets"].values() for row in rows if "text" in row]
    value = view.on_the_way["total"].iloc[-1]
    assert f"{progressive.SHORT_LABEL} {upper_text(value, 2)}" in texts


def test_both_pages_say_what_it_is_and_what_it_is_not(seen_page, suite):
    rows = progressive.on_the_way(suite, 0.05, NATS).set_index("model_id")
    for page in ("overview", "bound_explorer"):
        app = seen_page(page)
        assert not app.exception
        assert not sentences(app)
        total = upper_text(rows["total"]["ladder-12k"])
        assert f"{total} nats per token for ladder-12k" in words(app)
        assert ANOTHER_STATEMENT in words(app)
        assert "(with probability 0.95)" in words(app)


def test_the_explorer_has_a_triangle_for_every_model(suite):
    terms = Losses.in_nats(bound_terms(suite, CHOICE)).table
    rows = progressive.on_the_way(suite, 0.05, NATS)
    for online, expected in ((rows, 3), (rows.head(0), 0), (None, 0), (rows.head(1), 1)):
        spec = stacked_terms(terms, terms, "ladder-5k", on_the_way=online).to_dict()
        drawn = {
            row["model_id"]
            for data in spec["datasets"].values()
            for row in data
            if row.get("what") == progressive.LABEL
        }
        assert len(drawn) == expected
        assert (progressive.LABEL in json.dumps(spec["layer"])) == bool(expected)


def test_beside_another_view_both_charts_have_it_and_the_legend_names_it(seen_page):
    app = seen_page("bound_explorer", beside=urlencode({"quantizer": "GPTQ", "bits": "3"}))
    assert not app.exception
    assert f"▲</span> {progressive.LABEL}" in words(app)
    for chart in app.get("vega_lite_chart")[:2]:
        assert progressive.LABEL in chart.proto.spec


def test_a_suite_from_before_says_that_it_has_none(open_page, data_copy):
    remove_online(data_copy)
    for page in ("overview", "bound_explorer"):
        app = open_page(page, data_copy)
        assert not app.exception
        assert not sentences(app)
        assert ABSENT in words(app)
        assert progressive.LABEL not in json.dumps(
            [c.proto.spec for c in app.get("vega_lite_chart")]
        )


def test_a_sampled_suite_has_none(seen_page, sampled_suites):
    assert progressive.on_the_way(Suite(sampled_suites, "sampled"), 0.05, NATS).empty
    assert ABSENT in words(seen_page("overview", sampled_suites, suite="sampled"))


def online_file(data, model_id="ladder-12k"):
    return next(
        file
        for file in data.glob(f"micro/loss_histograms/{model_id}--*.parquet")
        if pq.read_table(file, columns=["split"])["split"][0].as_py() == "online"
    )


def test_losses_that_miss_a_token_are_one_sentence(open_page, data_copy):
    file = online_file(data_copy)
    rows = pq.read_table(file)
    pq.write_table(rows.slice(1), file)
    with pytest.raises(ArtifactError, match="online losses of ladder-12k cannot be used"):
        progressive.on_the_way(Suite(data_copy, "micro"), 0.05, NATS)
    app = open_page("overview", data_copy)
    assert not app.exception
    assert "online losses of ladder-12k" in sentences(app)[0]


def test_losses_that_are_none_are_one_sentence(data_copy):
    file = online_file(data_copy)
    rows = pq.read_table(file)
    place = rows.column_names.index("loss_nats")
    changed = rows.set_column(place, "loss_nats", pc.negate(rows["loss_nats"]))
    pq.write_table(changed.replace_schema_metadata(rows.schema.metadata), file)
    with pytest.raises(ArtifactError, match="must be finite"):
        progressive.on_the_way(Suite(data_copy, "micro"), 0.05, NATS)


def test_without_the_losses_of_batches_the_mean_is_the_binned_one(data_copy, suite):
    for file in data_copy.glob("micro/online_losses/*"):
        file.unlink()
    binned = progressive.on_the_way(Suite(data_copy, "micro"), 0.05, NATS)
    exact = progressive.on_the_way(suite, 0.05, NATS)
    assert np.all(binned["online_loss"] - exact["online_loss"] > 0)
    assert np.all(binned["online_loss"] - exact["online_loss"] < 0.005)
    assert list(binned["total"]) == list(exact["total"])


def test_losses_of_a_second_training_are_told_and_their_gap_is_not_too_small(
    suite, open_page, tmp_path
):
    """As where a model was trained once more for its histogram, on a machine that rounds otherwise:
    files of one unit, of two runs."""
    own = progressive.on_the_way(suite, 0.05, NATS)
    assert own["trained_again_on"].isna().all()
    shutil.copytree(PUBLISHED, tmp_path / "micro")
    origins = tmp_path / "micro/provenance/ladder-6k.parquet"
    rows = pq.read_table(origins)
    splits = pq.read_table(tmp_path / "micro/loss_histograms/ladder-6k.parquet")["split"]
    devices = [
        "another card"
        if row["table_name"] == "loss_histograms" and splits[row["first_row"]].as_py() == "online"
        else row["device"]
        for row in rows.to_pylist()
    ]
    assert devices.count("another card") == 1
    place = rows.schema.get_field_index("device")
    pq.write_table(rows.set_column(place, rows.field(place), [devices]), origins)
    again = progressive.on_the_way(Suite(tmp_path, "micro"), 0.05, NATS)
    assert list(again["trained_again_on"].fillna("")) == ["", "another card", ""]
    assert list(again["total"]) == list(own["total"])
    mean, exact = again["online_loss"], own["online_loss"]
    assert mean[0] == exact[0]
    assert exact[1] - 0.01 < mean[1] < exact[1]
    assert "second training with the same text, recipe and seeds (another card)" in words(
        open_page("bound_explorer", tmp_path)
    )
