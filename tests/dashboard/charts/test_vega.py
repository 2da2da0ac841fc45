"""Charts are as Altair makes them, and a mistake in them is found when it is asked for."""

import altair as alt
import pandas as pd
import pytest
from altair.utils.schemapi import SchemaValidationError

from dashboard.charts import vega


@pytest.fixture
def frame():
    return pd.DataFrame(
        {"n": [1.0, 10.0], "low": [1.0, 2.0], "high": [3.0, 4.0], "name": ["a", "b"]}
    )


def pictures(make, layer, concat, frame):
    """The same charts by either maker: rows shared and not, names, values, a choice, rows apart."""
    base = make(frame).encode(x=alt.X("n:Q", scale=alt.Scale(type="log")))
    pale = alt.condition(alt.datum.name == "a", alt.value(1.0), alt.value(0.5))
    area = base.mark_area(clip=True).encode(y="low:Q", y2="high:Q", tooltip=["name:N"])
    marks = base.mark_bar().encode(y=alt.Y("high:Q", title="nats"), opacity=pale, y2=alt.datum(0))
    other = make(frame.assign(n=2.0)).mark_rule().encode(x=alt.value("width"), y="low:Q")
    chosen = base.transform_filter(alt.datum.low > 1).mark_point().encode(y="low:Q", detail="name")
    inside = layer(area, marks).properties(height=140, title="Inside")
    yield marks
    yield layer(area, marks)
    yield layer(inside, other, chosen).properties(height=200)
    yield concat(inside, layer(other, chosen), marks, columns=2, spacing=3)


def test_specifications_are_altairs_own(frame):
    light = list(pictures(vega.Chart, vega.layer, vega.concat, frame))
    own = list(pictures(alt.Chart, alt.layer, alt.concat, frame))
    assert [chart.to_dict(validate=True) for chart in light] == [c.to_dict() for c in own]
    row = [make(*charts, spacing=4) for make, charts in ((vega.hconcat, light), (alt.hconcat, own))]
    assert row[0].to_dict() == row[1].to_dict()


def test_parts_stay_as_they_were(frame):
    one, two, three, four = pictures(vega.Chart, vega.layer, vega.concat, frame)
    before = [chart.to_dict() for chart in (one, two, three)]
    for chart in (three, four):
        vega.layer(one, two).properties(height=7)
        vega.hconcat(chart, one, spacing=1).to_dict()
    assert [chart.to_dict() for chart in (one, two, three)] == before


def test_a_mistake_is_found_when_asked_for(frame):
    wrong = vega.Chart(frame).mark_bar().encode(x=alt.X("n:Q", axis=alt.Axis(tickCount="many")))
    with pytest.raises(SchemaValidationError, match="many"):
        vega.layer(wrong).to_dict(validate=True)
