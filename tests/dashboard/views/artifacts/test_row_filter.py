"""What a visitor writes is a condition with bound values, or a sentence: never a statement."""

from datetime import UTC, datetime

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

import schema
from dashboard.artifacts.suite import Suite
from dashboard.views.artifacts.row_filter import MOST_CHARACTERS, FilterError, parse_filter
from dashboard.views.artifacts.table_rows import Selection

UNITS, LAYERS = schema.TABLES["units"], schema.TABLES["layers"]
INFORMATION = schema.TABLES["information"]


@pytest.mark.parametrize(
    ("text", "columns", "sql", "value"),
    [
        ("bits <= 4", LAYERS, '"bits" <= ?', 4),
        ("bits=4", LAYERS, '"bits" IS NOT DISTINCT FROM ?', 4),
        ("rows > 1.5k", LAYERS, '"rows" > ?', 1500),
        ("trace_h >= -1e-3", LAYERS, '"trace_h" >= ?', -0.001),
        ("step = null", LAYERS, '"step" IS NOT DISTINCT FROM ?', None),
        ("step != NULL", LAYERS, '"step" IS DISTINCT FROM ?', None),
        ("layer ~ Attention", LAYERS, 'contains(lower("layer"), lower(?))', "Attention"),
        ("layer = a = b", LAYERS, '"layer" IS NOT DISTINCT FROM ?', "a = b"),
        ("layer != null", LAYERS, '"layer" IS DISTINCT FROM ?', None),
        ("certified = FALSE", INFORMATION, '"certified" IS NOT DISTINCT FROM ?', False),
        ("finished_at < 2026-01-31", UNITS, '"finished_at" < ?', datetime(2026, 1, 31, tzinfo=UTC)),
        ("  status\t=\tfailed ", UNITS, '"status" IS NOT DISTINCT FROM ?', "failed"),
    ],
)
def test_conditions(text, columns, sql, value):
    (found,) = parse_filter(text, columns)
    assert (found.sql, found.value) == (sql, value)


def test_several_conditions_and_none():
    assert len(parse_filter("bits = 4; ;layer ~ mlp;", LAYERS)) == 2
    assert parse_filter("", LAYERS) == parse_filter(" ; ", LAYERS) == ()


@pytest.mark.parametrize(
    ("text", "sentence"),
    [
        ("bits", "`bits` is not a condition"),
        ("bits like 4", "is not a condition"),
        ("1 = 1", "no column `1`"),
        ("bits = 4 OR 1 = 1", "bits is a number, not `4 OR 1 = 1`"),
        ("bits = 4); DROP TABLE units", "bits is a number, not `4)`"),
        ("colour = red", "no column `colour`"),
        ('"bits" = 4', "is not a condition"),
        ("bits ~ 4", "~ is for text, and bits is not text"),
        ("layer < 4", "layer is text"),
        ("bits = four", "bits is a number, not `four`"),
        ("bits = nan", "bits is a number, not `nan`"),
        ("bits = 1e999", "bits is a number"),
        ("bits = --4", "bits is a number"),
        ("bits = ", "bits is a number, not (empty)"),
        ("bits < null", "bits is a number, not `null`"),
        ("bits = `![x](//e.co)`", "not `'![x](//e.co)'`"),
        (";".join(["bits = 4"] * 9), "at most 8 conditions"),
        ("x" * (MOST_CHARACTERS + 1), "at most 200 characters"),
    ],
)
def test_what_is_no_condition_is_a_sentence(text, sentence):
    with pytest.raises(FilterError, match=r".") as found:
        parse_filter(text, LAYERS)
    assert sentence in str(found.value)


@pytest.mark.parametrize(
    ("text", "columns", "sentence"),
    [
        ("certified = 1", INFORMATION, "certified is true or false"),
        ("finished_at > yesterday", UNITS, "finished_at is a time like 2026-01-31"),
        ("finished_at > 9", UNITS, "finished_at is a time"),
        ("finished_at > 9999-12-31T23:59-10:00", UNITS, "finished_at is a time"),
        ("finished_at > 0001-01-01T00:00+10:00", UNITS, "finished_at is a time"),
    ],
)
def test_other_types_have_their_own_sentence(text, columns, sentence):
    with pytest.raises(FilterError) as found:
        parse_filter(text, columns)
    assert sentence in str(found.value)


HOSTILE = st.text(max_size=60) | st.sampled_from(
    [
        "layer = '; DROP TABLE layers; --",
        "layer ~ %' OR '1'='1",
        "layer = \x00",
        "layer ~ \\",
        "layer = $1",
        "layer = ?",
        "bits = 99999999999999999999999999",
        "bits < -1e300",
        "kind != 😀",
        "model_id=../../etc/passwd",
        "layer ~ " + "a" * 190,
    ]
)


@pytest.mark.slow
@settings(max_examples=40)
@given(text=HOSTILE, operator=st.sampled_from([" = ", " ~ ", " < ", "; bits >= "]))
def test_hostile_text_is_a_sentence_or_a_query_that_changes_nothing(suite, text, operator):
    before = _rows_of(suite)
    for written in (text, f"layer{operator}{text}"):
        try:
            conditions = parse_filter(written, LAYERS)
        except FilterError:
            continue
        for condition in conditions:
            assert condition.sql.count("?") == 1
            names = [f'"{name}"' for name in LAYERS.names]
            assert any(name in condition.sql for name in names)
        selection = Selection("layers", conditions=conditions)
        count = selection.count(suite)
        assert count == selection.rows(suite).num_rows <= before
    assert _rows_of(suite) == before


def _rows_of(suite: Suite) -> int:
    return int(suite.fresh("SELECT count(*) AS n FROM layers", None)["n"][0])
