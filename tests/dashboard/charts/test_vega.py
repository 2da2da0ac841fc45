"""Charts are as Altair makes them, and a mistake in them is found when it is asked for."""

import json

import altair as alt
import pandas as pd
import pytest
from altair.utils.schemapi import SchemaValidationError
from streamlit.testing.v1 import AppTest

from dashboard.charts import vega


@pytest.fixture
def frame():
    return pd.DataFrame(
        {"n": [1.0, 10.0], "low": [1.0, 2.0], "high": [3.0, 4.0], "name": ["a", "b"]}
    )


def pictures(make, layer, concat, frame, detail="name"):
    """The same charts by either maker: rows shared and not, names, values, a choice, rows apart."""
    base = make(frame).encode(x=alt.X("n:Q", scale=alt.Scale(type="log")))
    pale = alt.condition(alt.datum.name == "a", alt.value(1.0), alt.value(0.5))
    area = base.mark_area(clip=True).encode(y="low:Q", y2="high:Q", tooltip=["name:N"])
    marks = base.mark_bar().encode(y=alt.Y("high:Q", title="nats"), opacity=pale, y2=alt.datum(0))
    other = make(frame.assign(n=2.0)).mark_rule().encode(x=alt.value("width"), y="low:Q")
    chosen = base.transform_filter(alt.datum.low > 1).mark_point().encode(y="low:Q", detail=detail)
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


def drawn_both_ways():
    """The same charts by Streamlit from Altair's, and from what is written of ours."""
    import altair as alt
    import pandas as pd
    import streamlit as st

    from dashboard.charts import vega
    from tests.dashboard.charts.test_vega import pictures

    rows = {"n": [1.0, 10.0], "low": [1, 2], "high": [3.0, 4.0], "name": ["a", None]}
    frame = pd.DataFrame(rows, index=[3, 5])
    for chart in pictures(vega.Chart, vega.layer, vega.concat, frame, "name:N"):
        st.vega_lite_chart(spec=chart.written())
    for chart in pictures(alt.Chart, alt.layer, alt.concat, frame, "name:N"):
        st.altair_chart(chart)


def test_what_is_written_is_drawn_as_altairs_own():
    app = AppTest.from_function(drawn_both_ways).run()
    assert not app.exception
    drawn = [shown(element.proto) for element in app.get("vega_lite_chart")]
    half = len(drawn) // 2
    assert half == 4
    assert drawn[:half] == drawn[half:]
    assert [len(rows) for _, rows in drawn[:half]] == [1, 1, 2, 2]


def shown(proto):
    """Specification and rows that the browser gets, data sets by their place instead of a name."""
    text = json.dumps(json.loads(proto.spec), sort_keys=True)
    datasets = sorted(proto.datasets, key=lambda each: text.index(each.name))
    for place, each in enumerate(datasets):
        text = text.replace(each.name, str(place))
    return text, [each.data.data for each in datasets]


def test_a_chart_is_written_once_and_stays_as_it_was(frame):
    *_, chart = pictures(vega.Chart, vega.layer, vega.concat, frame, "name:N")
    before = chart.to_dict()
    assert chart.written() is chart.written()
    assert chart.to_dict() == before
    other = chart.properties(title="another")
    assert other.written()["title"] == "another"
    assert "title" not in chart.written()


def test_a_mistake_is_found_when_asked_for(frame):
    wrong = vega.Chart(frame).mark_bar().encode(x=alt.X("n:Q", axis=alt.Axis(tickCount="many")))
    with pytest.raises(SchemaValidationError, match="many"):
        vega.layer(wrong).to_dict(validate=True)
