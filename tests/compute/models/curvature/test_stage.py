"""The stage as a run carries it out: what it writes, and that it goes on where it stopped."""

import shutil
from dataclasses import replace

import numpy as np
import pyarrow.parquet as pq
import pytest
import torch

import schema
from compute.base.errors import InputError
from compute.base.memory import Memory
from compute.models import language_model
from compute.models.curvature import probe as probes
from compute.session.session import Session
from compute.suites.ladder.ladder_suite import load_ladder
from compute.work.stages import curvature
from compute.work.unit import Unit
from tests.compute.helpers.sessions import session_of
from tests.conftest import MICRO_LADDER

FULL = "hessian-all-f1-w4-p2-s6"


@pytest.fixture
def session(tmp_path, micro_run, micro_ladder, text_folder) -> Session:
    """A finished micro run whose probes may be taken away."""
    shutil.copytree(micro_run / "data", tmp_path / "data")
    shutil.copytree(micro_run / "cache", tmp_path / "cache")
    return session_of(tmp_path, micro_ladder, text_folder)


def unit_of(session: Session, variant: str, quantizer: str | None = None) -> Unit:
    return next(
        unit
        for unit in session.plan.units
        if (unit.stage, unit.model_id, unit.variant) == ("curvature", "ladder-12k", variant)
        and (unit.setting.quantizer if unit.setting else None) == quantizer
    )


def test_every_unit_wrote_both_tables_and_weights_sum_to_one(micro_run):
    spectra = pq.read_table(micro_run / "data/micro/spectra").to_pandas()
    point = [
        field.name
        for field in schema.TABLES["spectra"]
        if field.name not in ("ritz_value", "weight")
    ]
    sums = spectra.groupby(point, dropna=False)["weight"].agg(["sum", "size"])
    assert len(sums) == 2 * (3 + 1 + 1 + 1 + 6 + 1)
    np.testing.assert_allclose(sums["sum"], 1.0, atol=1e-9)
    assert (sums["size"] == 6).all()


def test_means_and_standard_errors_are_those_of_the_probes(micro_run):
    rows = pq.read_table(micro_run / "data/micro/curvature").to_pandas()
    point = [
        *(field.name for field in schema.SETTING_FIELDS),
        *("model_id", "train_fraction", "matrix", "parameters", "windows"),
        *("quantity", "method", "steps"),
    ]
    for _, group in rows.groupby(point, dropna=False):
        single, mean = group[group["probe"].notna()], group[group["probe"].isna()]
        xtrace = single["method"].iloc[0] == "xtrace"
        assert len(single) == single["probes"].iloc[0] == (3 if xtrace else 2)
        assert mean["value"].item() == pytest.approx(single["value"].mean(), abs=1e-12)
        error = single["value"].std(ddof=1) / np.sqrt(2)
        if not xtrace:
            assert mean["standard_error"].item() == pytest.approx(error, abs=1e-12)
    positive = rows[rows["matrix"] == "gauss_newton"]
    below = positive[positive["quantity"] == "trace_negative"]["value"]
    assert below.abs().max() < 1e-4 * positive[positive["quantity"] == "trace"]["value"].max()


def test_states_of_a_model_are_different_and_from_the_same_vectors(session):
    store = session.workspace.store
    values = {}
    for variant in (FULL, "hessian-all-f0.5-w4-p2-s6", "hessian-all-f1-w2-p2-s6"):
        rows = store.read("curvature", unit_of(session, variant)).to_pandas()
        trace = rows[(rows["method"] == "hutchinson") & (rows["probe"] == 0)]
        values[variant] = trace["value"].item()
    rounded = store.read("curvature", unit_of(session, FULL, "rtn")).to_pandas()
    values["rtn"] = rounded.query("method == 'hutchinson' and probe == 0")["value"].item()
    assert len(set(values.values())) == 4
    # One of them by hand, from the checkpoint on the way and the vector of the seed.
    unit = unit_of(session, "hessian-all-f0.5-w4-p2-s6")
    half = round(0.5 * unit.model.steps)
    folder = session.workspace.trajectory(unit) / f"step{half}"
    model = language_model.load(folder, torch.device("cpu"))
    model.set_attn_implementation("eager")
    order = np.random.default_rng(curvature.SEEDS["curvature_windows"])
    chosen = order.permutation(unit.model.train_windows)[:4]
    windows = session.workspace.windows.open().training[chosen]
    ((inputs, targets),) = language_model.batches(windows, 4, torch.device("cpu"))
    loss = torch.nn.functional.cross_entropy(model(inputs).logits.flatten(0, 1), targets.flatten())
    gradient = torch.autograd.grad(loss, list(model.parameters()), create_graph=True)
    flat = torch.cat([g.flatten() for g in gradient])
    signs = probes.rademacher(flat.numel(), curvature.SEEDS["probes"], 0)
    image = torch.autograd.grad(flat @ signs, list(model.parameters()))
    form = torch.dot(torch.cat([i.flatten() for i in image]), signs).item()
    assert values["hessian-all-f0.5-w4-p2-s6"] == pytest.approx(form, rel=1e-3)


def test_an_interrupted_unit_goes_on_with_the_next_probe(session, monkeypatch):
    unit = unit_of(session, FULL)
    folder = session.workspace.probes(unit)
    before = {table: session.workspace.store.read(table, unit).to_pylist() for table in unit.tables}
    shutil.rmtree(folder)
    whole = curvature.run_probe
    made = []

    def stop_at_the_second(product, signs, steps, place):
        if made:
            raise KeyboardInterrupt
        made.append(steps)
        return whole(product, signs, steps, place)

    monkeypatch.setattr(curvature, "run_probe", stop_at_the_second)
    with pytest.raises(KeyboardInterrupt):
        unit.run(session.workspace, lambda tokens: None)
    assert [path.name for path in folder.glob("*/*")] == ["probe-0.npz"]

    def count(product, signs, steps, place):
        made.append(steps)
        return whole(product, signs, steps, place)

    monkeypatch.setattr(curvature, "run_probe", count)
    seen = []
    tables = unit.run(session.workspace, seen.append)
    assert len(made) == 2  # one in each run
    assert seen == sorted(seen)
    assert seen[-1] == unit.work_tokens
    assert {table: rows.to_pylist() for table, rows in tables.items()} == before


@pytest.mark.parametrize(
    ("row", "complaint"),
    [
        ('{ matrix = "fisher" }', "matrix='fisher' is not one of"),
        ('{ parameters = "some" }', "parameters='some' is not one of"),
        ("{ train_fraction = 0.3 }", "train_fraction=0.3 is not one of 0.03125"),
        ("{ train_fraction = 2.0 }", "train_fraction=2.0 does not lie in"),
        ("{ probes = 1 }", "probes=1 is less than 2"),
        ("{ steps = 1 }", "steps=1 is less than 2"),
        ("{ windows = 2.5 }", "windows=2.5 is no whole number"),
        ("{ windows = 100000000 }", "windows=100000000 is more than"),
        ('{ models = ["ladder-1b"] }', "'ladder-1b', which is not there"),
        ('{ quantizer = "rtn", bits = 5 }', "rtn-b5, which is not measured"),
        ('{ quantizer = "rtn", bits = 3, train_fraction = 0.5 }', "only the fully trained model"),
        ("{ windows = 4, probes = 2, steps = 6, tests = 3 }", "is listed twice"),
        ("{ rank = 3 }", "rank"),
    ],
)
def test_a_wrong_row_of_the_preset_is_refused_by_name(tmp_path, row, complaint):
    file = tmp_path / "ladder.toml"
    file.write_text(MICRO_LADDER.replace("curvature = [", f"curvature = [\n  {row},"))
    with pytest.raises(InputError) as caught:
        load_ladder("micro", file)
    assert complaint in str(caught.value)


def test_a_point_that_needs_more_memory_than_there_is_fails_by_name(session, monkeypatch):
    unit = unit_of(session, FULL)
    small = Memory("cpu", 5 * 2**17, 0)
    monkeypatch.setattr(Memory, "of", lambda *machine: small)
    with pytest.raises(ValueError, match="one window of 16 tokens needs"):
        replace(unit).run(session.workspace, lambda tokens: None)


def test_workers_share_the_memory_that_the_stage_plans_with(session):
    shared, alone = (replace(session.workspace, workers=n).memory() for n in (4, 1))
    assert shared.device_bytes == alone.device_bytes // 4
