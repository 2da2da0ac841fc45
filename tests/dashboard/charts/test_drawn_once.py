"""A chart that was drawn before is shown again, and nothing else passes for it."""

import dataclasses

import pandas as pd
import pytest

from bounds import fit_power_law
from dashboard.charts import drawn_once as module
from dashboard.charts import vega
from dashboard.charts.drawn_once import drawn_once


@pytest.fixture(autouse=True)
def none_kept(monkeypatch):
    monkeypatch.setattr(module, "_kept", type(module._kept)())


@pytest.fixture
def drawn():
    """Arguments of every chart that was really drawn."""
    return []


@pytest.fixture
def draw(drawn):
    @drawn_once
    def draw(frame, law=None, *, unit="nats"):
        """Points."""
        drawn.append((frame, law, unit))
        return vega.Chart(frame).mark_point(size=len(drawn)).encode(x="n:Q")

    return draw


def frame(**columns):
    return pd.DataFrame({"n": [1.0, 2.0, 4.0], "name": ["a", "b", None]} | columns)


def test_equal_arguments_are_drawn_once(draw, drawn):
    law = fit_power_law([1.0, 2.0, 4.0], [3.0, 2.0, 1.5])
    same = dataclasses.replace(law, draws=law.draws.copy())
    charts = [draw(frame(), law), draw(frame(), same), draw(frame().copy(), law)]
    assert len(drawn) == 1
    assert all(chart is charts[0] for chart in charts)
    assert draw.__doc__ == "Points."


def test_anything_else_is_drawn(draw, drawn):
    law = fit_power_law([1.0, 2.0, 4.0], [3.0, 2.0, 1.5])
    nearly = law.draws.copy()
    nearly[-1, 0] += 1e-15 * nearly[-1, 0]
    calls = [
        ((frame(),), {}),
        ((frame(n=[1.0, 2.0, 4.0 + 1e-15]),), {}),
        ((frame(n=[1, 2, 4]),), {}),
        ((frame(name=["a", "b", "c"]),), {}),
        ((frame()[["name", "n"]],), {}),
        ((frame().set_index("name", drop=False),), {}),
        ((frame().iloc[:2],), {}),
        ((frame(), law), {}),
        ((frame(), dataclasses.replace(law, draws=nearly)), {}),
        ((frame(),), {"unit": "bits"}),
    ]
    charts = [draw(*values, **named) for values, named in calls]
    assert len({id(chart) for chart in charts}) == len(drawn) == len(calls)


def test_another_function_draws_its_own(draw):
    @drawn_once
    def bars(frame):
        return vega.Chart(frame).mark_bar().encode(x="n:Q")

    assert bars(frame()).to_dict()["mark"]["type"] == "bar"
    assert draw(frame()).to_dict()["mark"]["type"] == "point"


def test_what_failed_is_tried_again():
    @drawn_once
    def fail(frame):
        raise ValueError(frame["name"][0])

    for _ in range(2):
        with pytest.raises(ValueError, match="a"):
            fail(frame())


def test_those_shown_last_are_kept(draw, drawn, monkeypatch):
    monkeypatch.setattr(module, "MOST_KEPT", 2)
    for n in (1.0, 2.0, 1.0, 3.0, 1.0):
        draw(frame(n=n))
    assert len(drawn) == 3
    draw(frame(n=2.0))
    assert len(drawn) == 4
