"""A unit's own peak, what is free, and memory that is given back."""

import gc
import sys
import weakref

import pytest
import torch

from compute.base import process_memory
from compute.base.process_memory import (
    free_bytes,
    give_back,
    keep_loaded,
    peak_bytes,
    reset_peak,
)
from compute.work.machines import perform
from compute.work.machines.executor import _Room
from compute.work.schedule import Schedule
from compute.work.stages.stage import Stage
from tests.compute.helpers.odd_stage import IdleUnit, idle_unit

MIB = 2**20

on_linux = pytest.mark.skipif(sys.platform != "linux", reason="the system tells no peak of its own")


def unit(name: str) -> IdleUnit:
    return idle_unit("quantize", name)


@on_linux
def test_the_peak_is_that_since_the_last_reset():
    before = peak_bytes()
    held = torch.ones(64 * MIB // 4)
    assert peak_bytes() >= before + 60 * MIB or peak_bytes() >= 64 * MIB
    del held
    give_back()
    reset_peak()
    after = peak_bytes()
    held = torch.ones(96 * MIB // 4)
    grown = peak_bytes() - after
    assert 90 * MIB < grown < 128 * MIB
    del held
    give_back()
    reset_peak()
    assert peak_bytes() < after + 32 * MIB


@on_linux
def test_free_memory_is_less_than_there_is_and_shrinks_with_what_is_taken():
    free = free_bytes()
    assert 0 < free < 2**45
    held = torch.ones(256 * MIB // 4)
    assert free_bytes() < free + 128 * MIB  # others on this machine come and go
    del held


class Knot:
    """An object that only a collection can free."""

    def __init__(self):
        self.itself = self


def test_a_units_garbage_is_freed_and_what_was_loaded_is_exempt():
    keep_loaded()
    exempt = gc.get_freeze_count()
    assert exempt > 10_000
    knot = weakref.ref(Knot())
    give_back()
    assert knot() is None
    assert gc.get_freeze_count() > 0.99 * exempt


def test_a_unit_that_takes_more_than_is_free_is_refused_in_one_sentence(monkeypatch):
    monkeypatch.setattr(Stage, "host_bytes", lambda unit, device: 7 * 2**30)
    monkeypatch.setattr(process_memory, "free_bytes", lambda: 3 * 2**30)

    class Somewhere:
        device = "cpu"

    with pytest.raises(MemoryError, match="needs about 7 GiB of memory, and 3 GiB are free now;"):
        perform.check_memory(unit("a"), Somewhere())
    monkeypatch.setattr(process_memory, "free_bytes", lambda: 8 * 2**30)
    perform.check_memory(unit("a"), Somewhere())
    monkeypatch.setattr(process_memory, "free_bytes", lambda: None)  # the system does not say
    perform.check_memory(unit("a"), Somewhere())


def test_a_unit_waits_for_room_and_a_smaller_one_goes_first(monkeypatch):
    sizes = {"large": 5, "middle": 4, "small": 2}
    monkeypatch.setattr(Stage, "host_bytes", lambda unit, _: sizes[unit.model_id])
    monkeypatch.setattr("compute.base.process_memory.free_bytes", lambda: 7)
    units = [unit(name) for name in sizes]
    schedule = Schedule(units, lambda unit: sizes[unit.model_id])
    room = _Room("cpu")
    first = schedule.take(lambda unit: room.fits(unit, []))
    assert first.model_id == "large"
    second = schedule.take(lambda unit: room.fits(unit, [first]))
    assert second.model_id == "small"
    assert schedule.take(lambda unit: room.fits(unit, [first, second])) is None
    assert schedule.take(lambda unit: room.fits(unit, [second])).model_id == "middle"
    assert room.fits(unit("large"), [])
