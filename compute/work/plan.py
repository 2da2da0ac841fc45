"""Which units of a suite are still to be done."""

from dataclasses import dataclass
from pathlib import Path

from compute.work.unit import Unit
from compute.work.workspace import Workspace


@dataclass(frozen=True)
class Plan:
    """The units of a run by what is to happen to them, each in order.

    Attributes:
        units: all of them.
        done: their files are there.
        failed: name -> recorded error of those that failed before and are left alone.
        blocked: names of those that need a failed one, directly or not.
        todo: to be run.
    """

    units: list[Unit]
    done: list[Unit]
    failed: dict[str, str]
    blocked: list[str]
    todo: list[Unit]


def make_plan(units: list[Unit], workspace: Workspace, retry_failed: bool) -> Plan:
    """Sort out which units remain.

    A unit whose checkpoint or coded model has left the cache is run again, to the same bytes,
    if a unit that is to be run reads it.
    """
    states = workspace.store.states(units)
    failed = {n: error for n, (state, error) in states.items() if state == "failed"}
    if retry_failed:
        failed = {}
    blocked: list[str] = []
    for unit in units:  # dependencies come first
        if states[unit.name][0] == "missing" and {*unit.needs} & {*failed, *blocked}:
            blocked.append(unit.name)
    out = {*failed, *blocked}
    todo: list[Unit] = []
    wanted: set[Path] = set()  # what units to be run will read and the cache does not hold
    for unit in reversed(units):  # dependents come first
        made = {workspace.cached(unit, what) for what in unit.makes}
        if unit.name not in out and (states[unit.name][0] != "done" or made & wanted):
            todo.insert(0, unit)
            wanted |= {p for what in unit.reads if not (p := workspace.cached(unit, what)).exists()}
    names = {unit.name for unit in todo} | out
    done = [unit for unit in units if unit.name not in names]
    return Plan(units, done, failed, blocked, todo)


def units_to_make(unit: Unit, units: list[Unit], workspace: Workspace) -> list[Unit]:
    """``unit`` and, before it, those that make what it reads and the cache does not hold."""
    missing = {p for what in unit.reads if not (p := workspace.cached(unit, what)).exists()}
    makers = [
        other
        for other in units
        if missing & {workspace.cached(other, what) for what in other.makes}
    ]
    before = [earlier for maker in makers for earlier in units_to_make(maker, units, workspace)]
    return [*before, unit]
