"""What does not fit a machine, its disk or the time: skipped with the reason, and what needs it."""

import copy
import shutil
from collections import namedtuple
from dataclasses import replace

import pyarrow.parquet as pq
import pytest

from compute.base.memory import Memory
from compute.base.terminal import console
from compute.commands import run
from compute.commands.console import show_plan
from compute.models.placement import arithmetic
from compute.session import hub_session
from compute.session.request import Request
from compute.session.smaller_effort import smaller_requests
from compute.suites.published.hub_suite import load_hub_suite
from compute.work.left_out import shortages
from compute.work.machines.executor import Finished
from compute.work.machines.perform import perform
from compute.work.machines.this_machine import ThisMachine
from compute.work.stages.units.hub import hub_units
from compute.work.workspace import Workspace
from tests.compute.helpers.published_runs import carried_out, opened
from tests.tiny_models import CONTEXT

GB = 10**9

#: 80 GB of GPU, 128 GB beside it.
CARD = Memory("cuda", 80 * GB, 128 * GB)


def suite_units(preset: str = "pythia"):
    suite = load_hub_suite(preset)
    return hub_units(suite.models, replace(suite.effort, curvature=()), {"stream": "x"})


@pytest.mark.parametrize("preset", ["pythia", "cerebras"])
def test_what_one_large_card_holds(preset):
    """12 and 13 billion parameters in bfloat16 are 24 and 26 GB, and 47 and 51 GB in float32."""
    units = suite_units(preset)
    models = {unit.model_id: unit.model for unit in units}
    out = shortages(units, CARD, CARD, weight_bytes=2)
    stages = {(u.stage, u.model_id) for u in units if u.name in out}
    assert not {model for stage, model in stages if stage == "fetch"}
    small = {model_id for model_id, model in models.items() if model.params_total < 5e9}
    assert not small & {model for _, model in stages}


@pytest.mark.parametrize("weight_bytes", [2, 4])
def test_a_unit_takes_more_than_its_weights_and_larger_models_more(weight_bytes):
    units = suite_units()
    for device in ("cuda", "cuda:1", "cpu"):
        taken: dict[str, list[int]] = {}
        for unit in units:
            if unit.stage in ("sample", "chain", "quantize"):
                size = unit.model.params_total
                on_device, beside = unit.memory(device, weight_bytes)
                assert on_device > weight_bytes * size
                assert (beside > 4 * size * 0.99) == (device != "cpu")
                taken.setdefault(unit.label.partition("--")[2] + unit.stage, []).append(on_device)
        for sizes in taken.values():
            assert sizes == sorted(sizes)


def test_memory_grows_with_the_vocabulary():
    """In every part that holds logits, the output layer, or its codes."""
    units = [unit for unit in suite_units() if unit.model_id == "pythia-70m"]
    model = units[0].model
    larger = replace(model, config=copy.deepcopy(model.config))
    larger.config.vocab_size = 4 * model.config.vocab_size
    more = (larger.config.vocab_size - model.config.vocab_size) * model.config.hidden_size
    for unit in units:
        if unit.stage in ("sample", "chain", "quantize"):
            for device in ("cpu", "cuda"):
                before = sum(unit.memory(device, 4))
                after = sum(replace(unit, model=larger).memory(device, 4))
                assert after - before > 8 * more, unit.name


def test_every_unit_that_needs_one_that_does_not_fit_is_left_out_with_the_reason():
    units = suite_units()
    tight = Memory("cuda", 4 * GB, 64 * GB)
    out = shortages(units, tight, tight, weight_bytes=2)
    by_name = {unit.name: unit for unit in units}
    assert out
    for name, reason in out.items():
        needed = [other for other in by_name[name].needs if other in out]
        if needed:
            assert reason == out[needed[0]]
        else:
            on_device, beside = by_name[name].memory("cuda", 2)
            where = "on cuda" if on_device > tight.usable_device_bytes else "beside the GPU"
            assert where in reason
            assert "GiB" in reason
    for unit in units:
        if unit.name not in out:
            on_device, beside = unit.memory("cuda", 2)
            assert on_device <= tight.usable_device_bytes
            assert beside <= tight.usable_host_bytes
            assert not {*unit.needs} & {*out}


def test_without_memory_beside_the_card_even_fetching_is_left_out():
    units = suite_units()
    little = Memory("cuda", 80 * GB, 2 * GB)
    out = shortages(units, little, little, weight_bytes=2)
    assert "fetch pythia-12b" in out
    assert "beside the GPU" in out["fetch pythia-12b"]
    assert "describe pythia-14m" not in out


def little_memory(monkeypatch, size: int) -> None:
    monkeypatch.setattr(
        Workspace, "memory", lambda self, all_cards=False: Memory("cpu", size, size)
    )


@pytest.fixture
def in_process(monkeypatch):
    """Units of a run are carried out here instead of by workers."""

    def run_units(self, units, workspace, workers, weight, gpus):
        out: set[str] = set()
        for unit in units:
            if out & {*unit.needs}:
                out.add(unit.name)
                continue
            ended = perform(unit, workspace, lambda tokens: None)
            out |= {unit.name} if ended.error else set()
            yield Finished(unit, ended.error, ended.seconds)

    class Shown:
        def __call__(self, event):
            pass

        __enter__ = lambda self: self  # noqa: E731
        __exit__ = lambda self, *error: None  # noqa: E731

    monkeypatch.setattr(ThisMachine, "run_units", run_units)
    monkeypatch.setattr(run, "progress_of", lambda units, seconds, workers: Shown())


def printed(action) -> tuple[object, str]:
    with console.capture() as captured:
        result = action()
    return result, " ".join(captured.get().split())


def test_a_run_with_skipped_units_succeeds_and_says_why(
    on_miniature, tmp_path, monkeypatch, in_process
):
    session = opened(on_miniature, tmp_path, only=("pythia-70m",))
    needs = {
        unit.name: unit.memory("cpu", arithmetic("cpu").itemsize)[0]
        for unit in session.plan.units
        if unit.stage != "curvature"
    }
    stages = {unit.name: unit.stage for unit in session.plan.units}
    least = min(size for name, size in needs.items() if stages[name] == "quantize")
    others = max(size for name, size in needs.items() if stages[name] != "quantize")
    assert others < least
    usable = Memory("cpu", 10**9, 0).usable_device_bytes / 10**9
    little_memory(monkeypatch, int((least + others) / 2 / usable))
    session = opened(on_miniature, tmp_path, only=("pythia-70m",))
    quantized = {"rtn-b4", "gptq-b3", "gptq_step-step1.0"}
    expected = {f"{s} pythia-70m--{q}" for s in ("quantize", "sample") for q in quantized}
    assert {*session.skipped} == expected
    reasons = session.skipped
    assert reasons["sample pythia-70m--rtn-b4"] == reasons["quantize pythia-70m--rtn-b4"]
    ended, words = printed(lambda: run.run(session))
    assert ended == 0
    assert "skipped quantize pythia-70m--rtn-b4 and 5 more: needs about" in words
    left = {unit.stage for unit in session.plan.units}
    assert left == {"fetch", "describe", "sample", "chain", "information"}
    records = pq.read_table(tmp_path / "data/pythia/units").to_pylist()
    told = {(r["stage"], r["quantizer"]): r["error"] for r in records if r["status"] == "skipped"}
    assert len(told) == len(expected)
    assert told["sample", "rtn"] == reasons["sample pythia-70m--rtn-b4"]
    little_memory(monkeypatch, 10**12)  # what was skipped is still to be done
    again = opened(on_miniature, tmp_path, only=("pythia-70m",))
    assert {unit.name for unit in again.plan.todo} >= expected
    assert again.skipped == {}


def test_a_run_with_a_failed_unit_does_not_succeed(own_miniature, tmp_path, in_process):
    file = own_miniature.folder / "suites.toml"
    file.write_text(file.read_text().replace("params_total = 16832", "params_total = 16833"))
    session = opened(own_miniature, tmp_path, only=("pythia-70m",), without=("curvature", "chain"))
    ended, words = printed(lambda: run.run(session))
    assert ended == 1
    assert "failed describe pythia-70m: ValueError: EleutherAI/pythia-70m at step16 has" in words
    again = opened(own_miniature, tmp_path, only=("pythia-70m",), without=("curvature", "chain"))
    ended, words = printed(lambda: run.run(again))
    assert ended == 1
    assert "failed before describe pythia-70m" in words


def test_what_is_done_is_not_skipped_on_a_smaller_machine(pythia_run, on_miniature, monkeypatch):
    """A plan elsewhere for what a large machine has measured: all is done, nothing is left out."""
    base = pythia_run.session.workspace.store.data_dir.parent
    little_memory(monkeypatch, 1000)
    session = opened(on_miniature, base)
    assert session.skipped == {}
    assert len(session.plan.done) == len(session.plan.units) == 33


def test_models_beyond_the_hours_are_left_out_whole(on_miniature, tmp_path, monkeypatch):
    monkeypatch.setattr(
        hub_session.hub_estimate, "unit_seconds", lambda memory, speeds: lambda unit: 36.0
    )
    session = opened(on_miniature, tmp_path, hours=0.23)  # 11 units of a model are 0.11 hours
    assert {u.model_id for u in session.plan.todo} == {"pythia-70m", "pythia-160m"}
    assert set(session.skipped.values()) == {"the run would take longer than 0.23 hours"}
    assert len(session.skipped) == 11
    assert opened(on_miniature, tmp_path, hours=0.34).skipped == {}


Usage = namedtuple("Usage", "total used free")


def test_models_that_the_disk_has_no_room_for_are_left_out(on_miniature, tmp_path, monkeypatch):
    """And those whose weights are there already are not."""
    monkeypatch.setattr(shutil, "disk_usage", lambda path: Usage(0, 0, 1_500_000))
    assert opened(on_miniature, tmp_path).skipped == {}
    sizes = {"pythia-70m": 1_000_000, "pythia-160m": 600_000, "pythia-410m": 400_000}
    monkeypatch.setattr(hub_session.HubSession, "downloads", sizes)
    session = opened(on_miniature, tmp_path)
    assert {name.split()[1].partition("--")[0] for name in session.skipped} == {"pythia-160m"}
    assert set(session.skipped.values()) == {"needs 0.6 MB of disk, but would have 0.5 MB"}


def test_the_plan_says_what_a_run_takes(on_miniature, tmp_path):
    session = opened(on_miniature, tmp_path)
    seconds = session.unit_seconds(session.plan.todo)
    assert all(0 < seconds(unit) < 3600 for unit in session.plan.todo)
    _, words = printed(lambda: show_plan(session, seconds, 60.0))
    for model, step, download in (("70m", 16, "0 MB"), ("160m", 32, "0 MB")):
        assert f"pythia-{model}" in words
        assert f"step{step}" in words
        assert download in words
    assert "Windows are drawn from the tokens of its training" in words
    assert "17 earlier checkpoints" in words
    assert "--without chain leaves all of them out" in words
    assert "To do: 33 units" in words


def test_the_plan_of_a_stand_in_says_that_nothing_is_certified(on_miniature, tmp_path):
    session = opened(on_miniature, tmp_path, "cerebras")
    _, words = printed(lambda: show_plan(session, lambda unit: 1.0, 60.0))
    assert "monology/pile-uncopyrighted, which stands in for the training text: no bound" in words
    assert "earlier checkpoints" not in words


def test_a_done_run_says_so(pythia_run, on_miniature, in_process):
    base = pythia_run.session.workspace.store.data_dir.parent
    ended, words = printed(lambda: run.run(opened(on_miniature, base)))
    assert ended == 0
    assert "Everything is finished; nothing to do." in words
    assert carried_out(on_miniature, opened(on_miniature, base)).errors == {}


def slow(monkeypatch, seconds_of) -> None:
    """The machine is as slow as this."""
    monkeypatch.setattr(hub_session.hub_estimate, "unit_seconds", lambda memory, speeds: seconds_of)


def own(there, tmp_path, **wanted):
    """A session on a user's own model and text."""
    model = {"model": str(there.folder / "my-model"), "train_tokens": 2000}
    return opened(there, tmp_path, None, corpus=there.folder / "my-text", **model | wanted)


def test_a_run_of_days_is_offered_smaller_and_the_offer_can_be_asked_for(
    on_miniature, tmp_path, monkeypatch
):
    """Scoring costs an hour a window, so only a smaller number of windows helps."""
    hour_a_window = 3600 / CONTEXT
    slow(
        monkeypatch, lambda unit: 1.0 + hour_a_window * unit.work_tokens * (unit.stage == "sample")
    )
    wanted = {"windows": 4096, "without": ()}
    _, words = printed(lambda: run.estimate_and_show(own(on_miniature, tmp_path, **wanted)))
    assert "With less effort, about" in words
    command = words.partition("on this machine: ")[2].partition(" curvature of")[0]
    asked = dict(zip(command.split()[4::2], command.split()[5::2], strict=True))
    assert asked["--windows"] == "64"
    assert asked["--quantizers"] == "gptq:4:128"
    assert asked["--model"].endswith("my-model")
    assert asked["--train-tokens"] == "2000"
    assert "--without chain --without curvature" in command


def test_an_offer_of_several_models_leaves_out_the_larger_ones(on_miniature, tmp_path, monkeypatch):
    slow(monkeypatch, lambda unit: 3600.0)
    _, words = printed(lambda: run.estimate_and_show(opened(on_miniature, tmp_path, hours=None)))
    assert "--hours 10" in words
    assert "--preset pythia" in words


def test_a_short_run_is_offered_nothing(on_miniature, tmp_path, monkeypatch):
    slow(monkeypatch, lambda unit: 60.0)
    _, words = printed(lambda: run.estimate_and_show(opened(on_miniature, tmp_path)))
    assert "With less effort" not in words


def test_an_offer_never_asks_for_more_than_the_person_did():
    asked = Request(model=("x",), windows=100, calibration=8, quantizers=("rtn:4",))
    for smaller in smaller_requests(asked):
        assert smaller.windows <= 100
        assert smaller.calibration == 8
        assert smaller.quantizers == ("rtn:4",)
    least = [*smaller_requests(Request(model=("x",)))][-1]
    assert [*smaller_requests(least)] == []


def test_what_workers_have_no_room_for_together_is_said_to_fit_one(
    on_miniature, tmp_path, monkeypatch
):
    session = opened(on_miniature, tmp_path, only=("pythia-70m",), without=(), workers=2)
    unit = next(unit for unit in session.plan.units if unit.stage == "curvature")
    needed = unit.forecast(Memory("cpu", GB, GB)).fit.device_bytes
    room = int(1.2 * needed / Memory("cpu", 100, 0).usable_device_bytes * 100)
    monkeypatch.setattr(
        Workspace,
        "memory",
        lambda self, all_cards=False: Memory("cpu", room // self.workers, 0),
    )
    monkeypatch.setattr("compute.work.stages.model_memory.PROCESS_BYTES", 0)  # more than curvature
    session = opened(on_miniature, tmp_path, only=("pythia-70m",), without=(), workers=2)
    reasons = {name.split()[0]: reason for name, reason in session.skipped.items()}
    assert "2 workers share the memory, and --workers 1 makes room" in reasons["curvature"]
    alone = opened(on_miniature, tmp_path, only=("pythia-70m",), without=(), workers=1)
    assert not any(name.startswith("curvature") for name in alone.skipped)


def test_tokenizing_is_planned_once(on_miniature, tmp_path):
    session = own(on_miniature, tmp_path)
    size = sum(path.stat().st_size for path in (on_miniature.folder / "my-text").iterdir())
    assert 0.9 * size <= session.tokenizing.bytes <= size  # each distinct file once
    assert 0 < session.preparation_seconds < 60
    said = "of text are tokenized first, once: about"
    assert any(said in line for line in session.about)
    _, words = printed(lambda: session.prepared())
    assert "ok Tokenizing my-text" in words
    again = own(on_miniature, tmp_path)
    assert again.tokenizing.bytes == again.preparation_seconds == 0
    assert not any(said in line for line in again.about)


def test_tokenizing_a_dataset_is_planned_once_too(on_miniature, tmp_path):
    session = opened(on_miniature, tmp_path, "cerebras")
    assert session.tokenizing.bytes > 0
    session.prepared()
    assert opened(on_miniature, tmp_path, "cerebras").tokenizing.bytes == 0
    exact = opened(on_miniature, tmp_path)
    assert exact.tokenizing.bytes == 0
