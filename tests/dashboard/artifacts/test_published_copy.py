"""The app opens a published copy as it opens the suite itself: the same rows and words."""

import re
from pathlib import Path

import pandas as pd
import pytest

import schema
from dashboard.analysis.bound.terms import Choice, bound_terms
from dashboard.artifacts.settings import Setting
from dashboard.artifacts.suite import Suite
from tests.data.micro_suite import PUBLISHED


@pytest.fixture
def both(micro_suite) -> tuple[Path, Path]:
    """Folders of the micro suite as it was measured, and of its published copy."""
    return micro_suite / "data", PUBLISHED.parent


def tables_of(suite: Suite) -> dict[str, pd.DataFrame]:
    """Every row of every table that units write, and all that pages ask of a suite."""
    found = {table: suite.query(f"FROM {table} ORDER BY ALL") for table in schema.MEASURED_TABLES}
    found["models, by size"] = suite.models()
    found["information, one a model"] = suite.information()
    for setting in suite.measured_settings():
        found[f"quantized at {setting.label}"] = suite.quantized(setting)
        found[f"layers at {setting.label}"] = suite.layers(setting, "ladder-12k")
    for setting in suite.settings():
        found[f"squares at {setting.label}"] = suite.joint_losses(setting, "ladder-12k", 0.25)
        found[f"terms at {setting.label}"] = bound_terms(suite, Choice(setting, "stored", 0.05))
    return found


def assert_same_answers(measured: Suite, published: Suite) -> None:
    """To every question; means, whose sums may be taken in any order, to rounding."""
    ours, theirs = tables_of(measured), tables_of(published)
    assert ours.keys() == theirs.keys()
    assert len(ours) > 20
    for question, rows in ours.items():
        pd.testing.assert_frame_equal(
            rows.reset_index(drop=True), theirs[question].reset_index(drop=True), check_exact=True
        )
    assert measured.settings() == published.settings()
    for setting in measured.settings():
        mean = measured.bits_per_parameter(setting)
        assert published.bits_per_parameter(setting) == pytest.approx(mean, rel=1e-14)
    for key in schema.PROVENANCE_KEYS:
        short = key.removeprefix("boundscape.")
        assert measured.provenance(short) == published.provenance(short)


def test_every_query_has_the_same_answer(both):
    assert_same_answers(*(Suite(data, "micro") for data in both))


def test_the_explorer_shows_the_same_totals_and_the_same_origin(both, seen_app):
    measured, published = (seen_app(data, suite="micro") for data in both)
    assert not published.exception
    shown = published.dataframe[0].value
    pd.testing.assert_frame_equal(shown, measured.dataframe[0].value, check_exact=True)
    suite = Suite(both[1], "micro")
    terms = bound_terms(suite, Choice(Setting("gptq", 4), "stored", 0.05))
    assert list(shown["total_nats"]) == list(terms["total_nats"])
    captions = [
        [re.sub(r"Artifacts [0-9a-f]{12}$", "", caption.value) for caption in app.caption]
        for app in (measured, published)
    ]
    assert captions[0] == captions[1]
    assert any(f"schema {schema.SCHEMA_VERSION}" in caption for caption in captions[1])


def test_what_was_measured_by_many_revisions_says_so(open_app, monkeypatch):
    revisions = {"code_revision": ["aaaa", "bbbb", "cccc"], "schema_version": ["1.4", "1.5"]}
    monkeypatch.setattr(Suite, "provenance", lambda suite, key: revisions.get(key, []))
    caption = next(c for c in open_app(PUBLISHED.parent).caption if "Code" in c.value)
    assert "Code aaaa and 2 others, schema 1.4 and 1.5  \nunknown" in caption.value
    assert "Code revisions, most frequent first: aaaa, bbbb, cccc" in caption.proto.help
