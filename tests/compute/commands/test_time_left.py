"""Which unit goes first, and how long a run still takes."""

import pytest

from compute.base.setting import UNQUANTIZED, Setting
from compute.commands.time_left import TimeLeft
from compute.suites.ladder.ladder_suite import load_ladder
from compute.suites.published.hub_suite import load_hub_suite
from compute.work.schedule import Schedule
from compute.work.stages.units.hub import hub_units
from compute.work.stages.units.ladder import ladder_units
from tests.compute.helpers.odd_stage import idle_unit as unit

RTN, GPTQ = Setting("rtn", bits=4), Setting("gptq", bits=4)


def in_order(units, weight):
    """The order in which one worker takes them."""
    schedule = Schedule(units, weight)
    taken = []
    while (ready := schedule.take()) is not None:
        taken.append(ready)
        schedule.ended_well(ready)
    return taken


def published(models=3):
    suite = load_hub_suite("pythia")
    return hub_units(suite.models[:models], suite.effort, {"stream": "x"})


def ladder():
    return ladder_units(load_ladder("tiny"), "fingerprint", 1000)


@pytest.mark.parametrize("units", [published(), ladder()], ids=["published", "ladder"])
def test_what_shows_something_comes_before_everything_heavier(units):
    """Model by model: its row of `models` and the unquantized losses, then the rest."""
    models = list(dict.fromkeys(u.model_id for u in units))
    taken = in_order(units, lambda unit: 1.0 + unit.work_tokens)
    assert {u.name for u in taken} == {u.name for u in units}
    place = {u.name: index for index, u in enumerate(taken)}
    assert all(place[need] < place[u.name] for u in units for need in u.needs)
    shown = [u for u in units if u.stage in ("describe", "register")]
    shown += [u for u in units if u.stage in ("sample", "measure") and u.setting == UNQUANTIZED]
    assert len(shown) == 2 * len(models)
    last = max(place[u.name] for u in shown)
    before = {u.stage for u in taken[: last + 1]} - {u.stage for u in shown}
    assert before <= {"fetch", "train", "quantize"}
    assert {u.setting for u in taken[: last + 1] if u.stage == "quantize"} <= {UNQUANTIZED}
    first = [taken[: last + 1].index(u) for u in shown if u.model_id == models[0]]
    assert max(first) < min(place[u.name] for u in shown if u.model_id == models[1])


def test_after_them_the_heaviest_chain_goes_first():
    light, heavy = unit("quantize", setting=RTN), unit("quantize", setting=GPTQ)
    after = unit("sample", setting=RTN, needs=(light.name,))
    early = unit("describe", early=True)
    weights = {light.name: 1.0, heavy.name: 5.0, after.name: 9.0, early.name: 0.1}
    taken = in_order([light, heavy, after, early], lambda u: weights[u.name])
    assert taken == [early, light, after, heavy]


def test_before_anything_has_ended_it_is_what_was_planned():
    units = [unit("quantize", f"m{i}", GPTQ) for i in range(6)]
    assert TimeLeft(units, lambda u: 10.0, workers=2)() == pytest.approx(30.0)


def test_units_of_a_kind_take_as_long_as_those_before():
    """Planned a hundredfold too slow, as seen on a first unit; another kind keeps its plan."""
    units = [unit("quantize", f"m{i}", GPTQ) for i in range(5)] + [unit("sample", "m0", RTN)]
    left = TimeLeft(units, lambda u: 100.0 if u.stage == "quantize" else 7.0, workers=1)
    left.ended(units[0], 1.0)
    assert left() == pytest.approx(4 * 1.0 + 7.0)
    left.ended(units[1], 3.0)
    assert left() == pytest.approx(3 * 2.0 + 7.0)


def test_the_model_of_the_costs_says_how_units_of_a_kind_compare():
    small, large = unit("sample", "small", RTN), unit("sample", "large", RTN)
    planned = {small.name: 1.0, large.name: 50.0}
    left = TimeLeft([small, large], lambda u: planned[u.name], workers=1)
    left.ended(small, 0.5)
    assert left() == pytest.approx(25.0)
    left.progressed(large, 0.2)
    assert left() == pytest.approx(20.0)


def test_quantizers_are_told_apart_and_a_new_one_is_like_the_others():
    rtn, other, gptq = (
        unit("quantize", "a", RTN),
        unit("quantize", "b", RTN),
        unit("quantize", "a", GPTQ),
    )
    left = TimeLeft([rtn, other, gptq], lambda u: 10.0, workers=1)
    left.ended(rtn, 20.0)
    assert left() == pytest.approx(20.0 + 20.0)
    left.ended(gptq, 5.0)
    assert left() == pytest.approx(20.0)


def test_a_failed_unit_says_nothing_of_the_others_and_no_chain_is_shortened():
    first, second = unit("fetch"), unit("describe", needs=("fetch m",))
    third = unit("sample", needs=("fetch m", "describe m"))
    left = TimeLeft([first, second, third], lambda u: 4.0, workers=8)
    assert left() == pytest.approx(12.0)
    left.ended(first, None)
    assert left() == pytest.approx(8.0)
