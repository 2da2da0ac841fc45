"""Tables on screen: headers are words with units, numbers are rounded, bounds never down."""

import json

import pandas as pd
import pytest

from dashboard.export.record import Table
from dashboard.style.headers import header
from dashboard.ui.drawing import table_look
from dashboard.views.artifacts.controls import FILES, NUMBERS, RUNS
from tests.dashboard.helpers.views import record_of


def headers(element) -> list[str]:
    """The words over the columns of a table."""
    config = json.loads(element.proto.columns or "{}")
    return [config.get(name, {}).get("label") or name for name in element.value.columns]


def check_headers(app) -> None:
    """Every table of a page has words over its columns, and its record has the same."""
    shown = [headers(element) for element in app.dataframe]
    assert not [words for each in shown for words in each if "_" in words]
    kept = [part for part in record_of(app).parts if isinstance(part, Table)]
    assert [list(part.headers.values()) for part in kept] == shown


@pytest.mark.parametrize("part", [RUNS, FILES, NUMBERS])
def test_headers_of_the_parts_of_a_page_are_words(seen_page, part):
    """Of other pages: ``tests/dashboard/test_every_page.py``."""
    check_headers(seen_page("artifacts", part=part))


@pytest.mark.parametrize("unit", ["nats per token", "bits per byte"])
def test_headers_state_the_unit_of_their_values(seen_page, unit):
    (shown,) = (headers(element) for element in seen_page("bound_explorer", unit=unit).dataframe)
    assert {f"bound, {unit}", f"gap, standard error, {unit}", f"training loss, {unit}"} <= {*shown}
    other = {"nats per token": "bits per byte", "bits per byte": "nats per token"}[unit]
    always_nats = ("C: code", "C: confidence")
    assert not [h for h in shown if h.endswith(other) and not h.startswith(always_nats)]


def test_words_of_columns():
    words = "held-out loss, standard error, bits per byte"
    assert header("measured_heldout_se_bits_per_byte") == words
    assert header("trace_sqrt_low") == "Tr √, from"
    assert header("quantizer") == "quantizer"


def test_numbers_are_rounded_but_bounds_keep_their_digits():
    frame = pd.DataFrame(
        {"total_nats": [2.00004], "gap_se_nats": [0.1], "code_bits": [123456.0], "seed": [1234]}
    )
    config = table_look.column_config(frame, {})
    formats = {
        name: column["type_config"]["format"]
        for name, column in config.items()
        if "type_config" in column and "format" in (column["type_config"] or {})
    }
    assert formats == {
        "gap_se_nats": "%.4g",
        "code_bits": "localized",
        "seed": "%d",
    }


def test_bounds_are_shown_rounded_up_and_keep_their_values():
    frame = pd.DataFrame({"total_nats": [2.00000049, 1.25], "train_loss_nats": [1.00000049, 1.0]})
    shown = table_look.printed(frame)
    assert shown.data.equals(frame)
    cells = shown._translate(False, False)["body"]
    assert [row[1]["display_value"] for row in cells] == ["2.000001", "1.250000"]
    assert table_look.printed(frame[["train_loss_nats"]]) is not shown
