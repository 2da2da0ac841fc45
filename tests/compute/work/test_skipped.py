"""A unit that is skipped has a record with the reason, unless that would hide what was measured."""

import dataclasses

import pyarrow.parquet as pq
import pytest

from compute.work.machines.perform import Outcome, record, record_skipped
from compute.work.store import SuiteStore
from tests.compute.helpers.odd_stage import Odd, odd_unit
from tests.compute.helpers.sessions import session_of


@pytest.fixture
def workspace(tmp_path, nano_ladder, text_folder):
    found = session_of(tmp_path / "base", nano_ladder, text_folder).workspace
    return dataclasses.replace(found, store=SuiteStore(tmp_path / "data", "odd"))


def records(workspace) -> list[tuple[str, str]]:
    rows = pq.read_table(workspace.store.folder / "units").to_pylist()
    return sorted((row["status"], row["error"]) for row in rows)


def with_other_key(unit: Odd) -> Odd:
    """The same label after a change of the code."""

    class Later(Odd):
        version = Odd.version + 1

    fields = {field.name: getattr(unit, field.name) for field in dataclasses.fields(unit)}
    return Later(**fields)


def test_the_reason_is_recorded_and_the_unit_counts_as_missing(workspace, tmp_path):
    unit = odd_unit("large", tmp_path)
    record_skipped(unit, workspace, "it needs 80 GiB")
    assert records(workspace) == [("skipped", "it needs 80 GiB")]
    assert workspace.store.state(unit) == ("missing", "it needs 80 GiB")
    record_skipped(unit, workspace, "it needs 90 GiB")  # a skipped one may be skipped again
    assert records(workspace) == [("skipped", "it needs 90 GiB")]


@pytest.mark.parametrize(("error", "status"), [(None, "ok"), ("it broke", "failed")])
def test_what_an_earlier_version_measured_is_not_hidden(workspace, tmp_path, error, status):
    unit = odd_unit("large", tmp_path)
    record(unit, workspace, Outcome(error, 1.0))
    later = with_other_key(unit)
    assert later.key != unit.key
    assert later.label == unit.label
    record_skipped(later, workspace, "it needs 80 GiB")
    assert records(workspace) == [(status, error)]
    assert workspace.store.state(later) == ("missing", None)


def test_the_record_of_a_longer_label_says_nothing_of_this_one(workspace, tmp_path):
    record(odd_unit("large--rtn-b4", tmp_path), workspace, Outcome(None, 1.0))
    record_skipped(odd_unit("large", tmp_path), workspace, "it needs 80 GiB")
    assert records(workspace) == [("ok", None), ("skipped", "it needs 80 GiB")]
