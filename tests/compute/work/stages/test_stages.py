"""What holds of every stage: its place in the schema, and the names under which its files lie."""

import pytest

import schema
from compute.base.digest import digest
from compute.suites.ladder.ladder_suite import load_ladder
from compute.suites.published.hub_suite import load_hub_suite
from compute.work.stages import LADDER, PUBLISHED
from compute.work.stages.units.hub import hub_units
from compute.work.stages.units.ladder import ladder_units

#: Of the names and keys of all units.  A key changes with whatever determines the unit's numbers: a
#: preset, or the ``version`` of a stage.  Whatever else changes one leaves measured files unused.
KEYS = {
    "tiny": "ecdee3c2cdee",
    "small": "bdc7e641b63a",
    "mixed": "2d897e6bea0c",
    "mixed-sweep": "fef2e4a4ea6d",
    "pythia": "b54917904700",
    "pythia-nonembedding": "18a58df02587",
    "cerebras": "338e18380d5a",
}


def units_of(preset: str):
    if preset in ("pythia", "pythia-nonembedding", "cerebras"):
        suite = load_hub_suite(preset)
        return hub_units(suite.models, suite.effort, {"stream": "x"})
    return ladder_units(load_ladder(preset), "fingerprint", 1000)


def test_the_schema_describes_every_stage():
    assert {stage.stage for stage in (*LADDER, *PUBLISHED)} == {*schema.STAGES}


@pytest.mark.parametrize("preset", KEYS)
def test_names_and_keys_of_units_stay(preset):
    units = units_of(preset)
    assert len({unit.name for unit in units}) == len(units)
    assert digest([[unit.name, unit.key] for unit in units]) == KEYS[preset]


@pytest.mark.parametrize("preset", KEYS)
def test_units_write_tables_of_the_schema_and_need_units_before_them(preset):
    before, made = set(), set()
    for unit in units_of(preset):
        assert {*unit.tables} <= {*schema.MEASURED_TABLES}
        assert {*unit.needs} <= before
        assert {(what, getattr(unit, what)) for what in unit.reads} <= made
        before.add(unit.name)
        made |= {(what, getattr(unit, what)) for what in unit.makes}
