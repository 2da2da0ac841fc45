"""Units on Ray: a cluster of two nodes that are made to fail."""

import os
import sys
import time
from dataclasses import replace
from pathlib import Path

import pyarrow.parquet as pq
import pytest
import ray
from ray.cluster_utils import Cluster

from compute.base.errors import InputError
from compute.work.machines.choice import choose_machines
from compute.work.machines.devices import check_device
from compute.work.machines.executor import REPORT_EVERY, Finished, Progressed, Started
from compute.work.machines.ray import checks, connection, executor
from compute.work.machines.ray.cluster import RayCluster
from compute.work.machines.ray.connection import task_options
from compute.work.machines.ray.executor import run_units_on_ray
from compute.work.machines.this_machine import ThisMachine
from compute.work.store import SuiteStore
from tests.compute.helpers.odd_stage import odd_unit, tries
from tests.compute.helpers.processes import run_here, wait_for
from tests.compute.helpers.sessions import session_of
from tests.conftest import ROOT, compute_command

pytestmark = [
    pytest.mark.timeout(480),
    pytest.mark.slow,
    pytest.mark.usefixtures("ray_folder"),
]

NODE = {
    "num_cpus": 1,
    "num_gpus": 0,
    "object_store_memory": 100 * 2**20,
    "include_dashboard": False,
}


@pytest.fixture(scope="module")
def nodes(ray_folder):
    """One node of one CPU, and our connection to it."""
    there = Cluster()
    try:
        there.add_node(**NODE)
        joined = RayCluster(there.address, None, ())
        there.second = None
        yield there
        joined.close()
        assert not ray.is_initialized()
    finally:
        ray.shutdown()
        there.shutdown()


@pytest.fixture
def cluster(nodes):
    """Two nodes of one CPU each; Ray takes our word that the second has three GPUs."""
    if nodes.second is None:
        nodes.second = nodes.add_node(**NODE | {"num_gpus": 3})
    return nodes


@pytest.fixture
def workspace(nano_ladder, text_folder, tmp_path):
    found = session_of(tmp_path / "base", nano_ladder, text_folder, workers=2).workspace
    return replace(found, store=SuiteStore(tmp_path / "data", "odd"), cache_dir=tmp_path)


def equal_weights(_unit):
    return 1.0


def test_a_command_runs_on_the_cluster(cluster, nano_run, nano_ladder, text_folder):
    options = ("--executor", "ray", "--address", cluster.address, "--device", "cpu")
    result = run_here(compute_command(nano_run, nano_ladder, text_folder, *options))
    assert result.returncode == 0, result.stdout + result.stderr
    assert "nothing to do" in result.stdout
    assert "2 worker(s) on cpu, " in result.stdout


def test_deaths_are_tried_again_failures_block_and_stopping_ends_the_workers(
    cluster, workspace, tmp_path, monkeypatch
):
    monkeypatch.setattr(executor, "RETRIES", 1)
    raises = odd_unit("raises", tmp_path, error="it cannot be done")
    after = odd_unit("after", tmp_path, needs=(raises,))
    killer = odd_unit("killer", tmp_path, deaths=range(99))
    behind = odd_unit("behind", tmp_path, needs=(killer,))
    long = odd_unit("long", tmp_path, seconds=300.0)
    units = [raises, after, killer, behind, long]
    running = run_units_on_ray(units, workspace, 2, equal_weights)
    events, errors, progress = [], {}, []
    while len(errors) < 2 or len(progress) < 3:
        events.append(event := next(running))
        if isinstance(event, Finished):
            errors[event.unit] = event.error
        if isinstance(event, Progressed):
            assert event.unit is long
            progress.append((time.monotonic(), event.tokens))

    started = [event.unit for event in events if isinstance(event, Started)]
    assert sorted(unit.name for unit in started) == sorted(u.name for u in (raises, killer, long))
    assert errors == {
        raises: "ValueError: it cannot be done",
        killer: "the worker process died 2 times, at last because it was killed or crashed; the "
        "machine may be out of memory",
    }
    assert [len(tries(unit)) for unit in units] == [1, 0, 2, 0, 1]
    assert len(set(tries(killer))) == 2  # on a new worker each time
    moments, counts = zip(*progress, strict=True)
    assert list(counts) == sorted(counts)
    assert len(counts) <= (moments[-1] - moments[0]) / REPORT_EVERY + 2

    running.close()
    (at_work,) = tries(long)
    wait_for(lambda: not Path(f"/proc/{at_work}").exists(), seconds=5)
    found = pq.read_table(workspace.store.folder / "units").to_pylist()
    assert {(row["model_id"], row["status"], row["error"]) for row in found} == {
        (unit.model_id, "failed", error) for unit, error in errors.items()
    }
    assert ray.is_initialized()  # the connection was there before


def test_each_process_of_a_task_sees_the_gpus_it_asked_for(cluster):
    def visible():
        return os.environ["CUDA_VISIBLE_DEVICES"].split(","), os.environ["PYTHONPATH"]

    tasks = [ray.remote(visible).options(**task_options(n)).remote() for n in (1, 2)]
    (one, path), (two, _) = ray.get(tasks, timeout=60)
    assert (len(one), len(two)) == (1, 2)
    assert path.split(os.pathsep)[0] == str(ROOT)


def test_a_unit_that_takes_more_gpus_than_a_machine_has_is_refused(cluster, workspace, tmp_path):
    units = [odd_unit("small", tmp_path), odd_unit("large", tmp_path)]
    events = run_units_on_ray(
        units,
        replace(workspace, device="cuda"),
        2,
        equal_weights,
        gpus=lambda unit: 8 if unit.model_id == "large" else 0.0,
    )
    with pytest.raises(InputError, match="odd large takes 8 GPUs, and no machine"):
        next(events)


@pytest.mark.parametrize(
    ("device", "sentence"),
    [
        ("cuda", "The device 'cuda' cannot be used: the Ray cluster has no GPU."),
        ("cuda:1", "The device 'cuda:1' cannot be asked of Ray"),
    ],
)
def test_devices_that_the_cluster_does_not_have(cluster, monkeypatch, device, sentence):
    monkeypatch.setattr(ray, "cluster_resources", lambda: {"CPU": 2.0})
    with pytest.raises(InputError, match=sentence):
        RayCluster(None, None, ()).device(device)


def test_every_machine_must_see_the_folders(cluster, tmp_path):
    """Through its own number of an open folder no other process sees what this one does."""
    handle = os.open(tmp_path, os.O_RDONLY)
    try:
        alone = Path(f"/proc/self/fd/{handle}/data")
        with pytest.raises(InputError) as refused:
            RayCluster(None, None, (tmp_path, alone)).device("cpu")
    finally:
        os.close(handle)
    host = ray.nodes()[0]["NodeManagerHostname"]
    assert str(refused.value) == (
        f"The machine {host} of the Ray cluster does not see the folder {alone}; all machines "
        "must share it."
    )
    assert not list(tmp_path.iterdir())
    assert RayCluster(None, None, (tmp_path, tmp_path / "new" / "data")).device("cpu") == "cpu"
    assert not list(tmp_path.iterdir())


def test_every_machine_must_run_the_same_code_and_libraries(cluster, monkeypatch):
    machines = RayCluster(None, None, ())
    with monkeypatch.context() as patch:
        patch.setattr(checks, "code_digest", lambda: "of a changed file")
        with pytest.raises(InputError, match="has other code in the folder"):
            machines.device("cpu")
    ours = checks.library_versions()
    monkeypatch.setattr(checks, "library_versions", lambda: ours | {"torch": "1.0"})
    with pytest.raises(InputError) as refused:
        machines.device("cpu")
    assert f"has torch {ours['torch']}, and this one has 1.0; install" in str(refused.value)


def test_what_a_function_raises_there_is_raised_here(cluster):
    with pytest.raises(InputError, match="The device 'tpu9' cannot be used"):
        RayCluster(None, None, ()).call("cpu", check_device, "tpu9")


def test_a_unit_whose_machine_goes_away_is_tried_on_another(cluster, workspace, tmp_path):
    """Last of those that need a second node: it takes it away."""
    gone = tmp_path / "gone"
    units = [odd_unit(name, tmp_path, until=gone) for name in ("one", "two")]
    after = odd_unit("after", tmp_path, needs=units)
    running = run_units_on_ray([*units, after], workspace, 2, equal_weights)
    events = [next(running), next(running)]
    wait_for(lambda: all(tries(unit) for unit in units))
    second, cluster.second = cluster.second, None
    cluster.remove_node(second)
    gone.touch()
    events += running
    assert sorted(len(tries(unit)) for unit in units) == [1, 2]
    ended = {event.unit: event.error for event in events if isinstance(event, Finished)}
    assert ended == dict.fromkeys([*units, after])
    for unit in ended:
        first, *_, last = [event for event in events if event.unit is unit]
        assert isinstance(first, Started)
        assert isinstance(last, Finished)


@pytest.mark.parametrize(("address", "within"), [("127.0.0.1:9", 1.0), ("here", 30.0)])
def test_an_address_where_nothing_answers_is_refused_in_time(
    monkeypatch, tmp_path, nano_ladder, text_folder, address, within
):
    monkeypatch.setattr(ray, "is_initialized", lambda: False)
    monkeypatch.setattr(connection, "ANSWER_WITHIN", within)
    options = ("--executor", "ray", "--address", address)
    start = time.monotonic()
    result = run_here(compute_command(tmp_path, nano_ladder, text_folder, *options))
    assert time.monotonic() - start < within + 15
    assert result.returncode == 2
    assert f"No Ray cluster answers at the address '{address}'" in result.stderr


def test_without_the_package_a_person_is_told_how_to_install_it(monkeypatch):
    monkeypatch.delitem(sys.modules, "compute.work.machines.ray.cluster")
    monkeypatch.setitem(sys.modules, "ray", None)
    with pytest.raises(InputError, match=r"pip install -r compute/ray-requirements\.txt"):
        choose_machines("ray", None, None, ())
    assert isinstance(choose_machines("local", None, None, ()), ThisMachine)


@pytest.mark.parametrize(
    ("choice", "sentence"),
    [
        (("slurm", None, None), "no executor 'slurm'; choose local or ray"),
        (("local", "host:6379", None), "'host:6379' is of a Ray cluster; give --executor ray"),
        (("ray", None, 0), "number of workers must be at least 1, not 0"),
    ],
)
def test_bad_choices_are_named(choice, sentence):
    with pytest.raises(InputError, match=sentence):
        choose_machines(*choice, ())
