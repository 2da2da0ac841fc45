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
from compute.work.machines.ray import checks, connection
from compute.work.machines.ray.cluster import RayCluster
from compute.work.machines.ray.connection import connected, task_options
from compute.work.machines.ray.executor import run_units_on_ray
from compute.work.machines.this_machine import ThisMachine
from compute.work.store import SuiteStore
from tests.compute.helpers.odd_stage import odd_unit, tries
from tests.compute.helpers.processes import wait_for
from tests.compute.helpers.sessions import session_of
from tests.conftest import ROOT, compute_command, run_compute

pytestmark = [
    pytest.mark.timeout(480),
    pytest.mark.slow,
    pytest.mark.usefixtures("ray_folder"),
]

STORE = 100 * 2**20


@pytest.fixture(scope="module")
def cluster(ray_folder):
    """Two nodes of one CPU each, and a connection to them."""
    node = {"num_cpus": 1, "num_gpus": 0, "object_store_memory": STORE, "include_dashboard": False}
    nodes = Cluster()
    try:
        nodes.add_node(**node)
        nodes.second = nodes.add_node(**node)
        ray.init(nodes.address, logging_level="ERROR", log_to_driver=False)
        yield nodes
    finally:
        ray.shutdown()
        nodes.shutdown()


@pytest.fixture
def workspace(nano_ladder, text_folder, tmp_path):
    found = session_of(tmp_path / "base", nano_ladder, text_folder, workers=2).workspace
    return replace(found, store=SuiteStore(tmp_path / "data", "odd"), cache_dir=tmp_path)


def rows(workspace) -> dict[str, dict]:
    """Of the table ``units``, by model."""
    table = pq.read_table(workspace.store.folder / "units").to_pylist()
    return {row["model_id"]: row for row in table}


def equal_weights(_unit):
    return 1.0


def test_a_command_joins_a_cluster_that_runs(cluster, nano_run, nano_ladder, text_folder):
    options = ("--executor", "ray", "--address", cluster.address)
    result = run_compute(compute_command(nano_run, nano_ladder, text_folder, *options))
    assert result.returncode == 0, result.stdout + result.stderr
    assert "nothing to do" in result.stdout
    assert "2 worker(s) on cpu, " in result.stdout


def test_deaths_are_tried_again_and_failures_block_what_needs_them(cluster, workspace, tmp_path):
    raises = odd_unit("raises", tmp_path, error="it cannot be done")
    after = odd_unit("after", tmp_path, needs=(raises,))
    killer = odd_unit("killer", tmp_path, deaths=range(99))
    behind = odd_unit("behind", tmp_path, needs=(killer,))
    dies_twice = odd_unit("dies_twice", tmp_path, deaths=(1, 2))
    last = odd_unit("last", tmp_path, needs=(dies_twice,), seconds=2.5)
    units = [raises, after, killer, behind, dies_twice, last]
    events = list(run_units_on_ray(units, workspace, 2, equal_weights))

    started = [event.unit for event in events if isinstance(event, Started)]
    errors = {event.unit: event.error for event in events if isinstance(event, Finished)}
    assert sorted(unit.name for unit in started) == sorted(unit.name for unit in errors)
    assert errors[raises] == "ValueError: it cannot be done"
    assert errors[killer] == (
        "the worker process died 3 times, at last because it was killed or crashed; the machine "
        "may be out of memory"
    )
    assert errors[dies_twice] is errors[last] is None
    assert not {after, behind} & set(started)
    assert [len(tries(unit)) for unit in units] == [1, 0, 3, 0, 3, 1]
    assert len(set(tries(killer))) == 3  # on a new worker each time
    found = rows(workspace)
    assert {name: row["error"] for name, row in found.items()} == {
        unit.model_id: error for unit, error in errors.items()
    }
    assert {row["status"] for row in found.values()} == {"ok", "failed"}

    of_last = [event for event in events if event.unit is last]
    progress = [event.tokens for event in of_last if isinstance(event, Progressed)]
    assert isinstance(of_last[0], Started)
    assert isinstance(of_last[-1], Finished)
    assert progress == sorted(progress)
    assert 2 <= len(progress) <= 2.5 / REPORT_EVERY + 1


def test_a_unit_whose_machine_goes_away_is_tried_on_another(cluster, workspace, tmp_path):
    units = [odd_unit(name, tmp_path, seconds=3.0) for name in ("one", "two")]
    events = run_units_on_ray(units, workspace, 2, equal_weights)
    found = [next(events), next(events)]
    wait_for(lambda: all(tries(unit) for unit in units))
    cluster.remove_node(cluster.second)
    try:
        found += events
    finally:
        cluster.second = cluster.add_node(num_cpus=1, num_gpus=0, object_store_memory=STORE)
    assert sorted(len(tries(unit)) for unit in units) == [1, 2]
    ended = [event for event in found if isinstance(event, Finished)]
    assert [event.error for event in ended] == [None, None]


def test_stopping_ends_the_workers_and_keeps_a_connection_that_was_there(
    cluster, workspace, tmp_path
):
    units = [odd_unit(name, tmp_path, seconds=100.0) for name in ("one", "two", "three")]
    events = run_units_on_ray(units, workspace, 2, equal_weights)
    assert isinstance(next(events), Started)
    assert isinstance(next(events), Started)
    wait_for(lambda: all(tries(unit) for unit in units[:2]))
    events.close()
    pids = [pid for unit in units for pid in tries(unit)]
    assert len(pids) == 2
    wait_for(lambda: not any(Path(f"/proc/{pid}").exists() for pid in pids), seconds=5)
    assert not workspace.store.folder.exists()
    assert ray.is_initialized()


def test_each_process_of_a_task_sees_the_gpus_it_asked_for(cluster):
    """Ray takes our word for how many there are."""
    node = cluster.add_node(num_cpus=1, num_gpus=3, object_store_memory=STORE)

    def visible():
        return os.environ["CUDA_VISIBLE_DEVICES"].split(","), os.environ["PYTHONPATH"]

    try:
        wait_for(lambda: ray.cluster_resources().get("GPU") == 3)
        tasks = [ray.remote(visible).options(**task_options(n)).remote() for n in (1, 2)]
        (one, path), (two, _) = ray.get(tasks, timeout=60)
    finally:
        cluster.remove_node(node)
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
def test_devices_that_the_cluster_does_not_have(cluster, device, sentence):
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


@pytest.mark.parametrize("address", ["127.0.0.1:9", "here"])
def test_an_address_where_nothing_answers_is_refused_in_time(monkeypatch, address):
    monkeypatch.setattr(ray, "is_initialized", lambda: False)
    monkeypatch.setattr(connection, "ANSWER_WITHIN", 4.0)
    start = time.monotonic()
    with (
        pytest.raises(InputError, match=f"No Ray cluster answers at the address '{address}'"),
        connected(address, None),
    ):
        pass
    assert time.monotonic() - start < 15


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
