"""What holds of every stage: its place in the schema, and the names under which its files lie."""

from collections import defaultdict
from dataclasses import replace

import pytest

import schema
from compute.base.digest import digest
from compute.suites.ladder.ladder_suite import load_ladder
from compute.suites.ladder.recipe import Recipe
from compute.suites.published.hub_suite import hub_presets, load_hub_suite
from compute.work.stages import LADDER, PUBLISHED
from compute.work.stages.units.hub import hub_units
from compute.work.stages.units.ladder import ladder_units

PRESETS = ("tiny", "small", "mixed", "mixed-sweep", "pythia", "pythia-nonembedding", "cerebras")

#: Of the names and keys of all units of each stage.  A key changes with whatever determines the
#: unit's numbers: a preset, or the ``version`` of a stage.  Any other change of one leaves measured
#: files unused.
KEYS = {
    "train": "bf8f0611e6aa",
    "register": "dc9f22e281b7",
    "trajectory": "9ea2796e9dbf",
    "quantize": "4889069317d4",
    "measure": "1739957adfef",
    "information": "7b09286d0f0d",
    "curvature": "ce273b83fcf3",
    "sweep": "fef2e4a4ea6d",
    "fetch": "1d433714896e",
    "describe": "4d94023f0079",
    "sample": "7597b1c83d72",
    "chain": "c119416e6aa7",
    "requential": "4a4b30aedc67",
}


#: The preset ``tiny``, with a student of each model.
STUDENTS = "tiny with students"


def units_of(preset: str):
    if preset == STUDENTS:
        students = replace(load_ladder("tiny"), requential=Recipe())
        return ladder_units(students, "fingerprint", 1000)
    if preset in hub_presets():
        suite = load_hub_suite(preset)
        return hub_units(suite.models, suite.effort, {"stream": "x"})
    return ladder_units(load_ladder(preset), "fingerprint", 1000)


def test_the_schema_describes_every_stage():
    assert {stage.stage for stage in (*LADDER, *PUBLISHED)} == {*schema.STAGES}


def test_names_and_keys_of_units_stay():
    found = defaultdict(list)
    for preset in PRESETS:
        units = units_of(preset)
        assert len({unit.name for unit in units}) == len(units)
        for unit in units:
            found[unit.stage].append([unit.name, unit.key])
    students = [unit for unit in units_of(STUDENTS) if unit.stage == "requential"]
    found["requential"] = [[unit.name, unit.key] for unit in students]
    assert {stage: digest(keys) for stage, keys in found.items()} == KEYS


@pytest.mark.parametrize("preset", [*PRESETS, STUDENTS])
def test_no_two_units_write_files_of_one_name(preset):
    """A file replaces those of the same table and label: they come from an older recipe."""
    written = [(table, unit.label) for unit in units_of(preset) for table in unit.tables]
    assert len({*written}) == len(written)


@pytest.mark.parametrize("preset", [*PRESETS, STUDENTS])
def test_units_write_tables_of_the_schema_and_need_units_before_them(preset):
    before, made = set(), set()
    for unit in units_of(preset):
        assert {*unit.tables} <= {*schema.MEASURED_TABLES}
        assert {*unit.needs} <= before
        assert {(what, getattr(unit, what)) for what in unit.reads} <= made
        before.add(unit.name)
        made |= {(what, getattr(unit, what)) for what in unit.makes}
