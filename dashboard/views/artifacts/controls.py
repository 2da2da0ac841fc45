"""Widgets of the page *Artifacts*, tied to the URL: which part, table, rows and file."""

from collections.abc import Sequence
from dataclasses import dataclass

import pandas as pd
import streamlit as st

import schema
from dashboard.artifacts.suite import Suite
from dashboard.export import record
from dashboard.ui.controls import links
from dashboard.views.artifacts import file_list
from dashboard.views.artifacts.number_paths import PATHS, NumberPath
from dashboard.views.artifacts.row_filter import (
    HELP,
    MOST_CHARACTERS,
    Condition,
    FilterError,
    parse_filter,
)
from dashboard.views.artifacts.table_rows import Selection, models_in, pages, settings_in

RUNS, TABLES, FILES, NUMBERS = "What was run", "Tables", "Files", "Where numbers come from"

EVERY_MODEL, EVERY_SETTING, EVERY_TABLE = "every model", "every setting", "every table"


@dataclass(frozen=True, eq=False)
class FileChoice:
    """Files that are listed, and the one to download (None without one)."""

    found: pd.DataFrame
    file: str | None


@dataclass(frozen=True)
class NumberChoice:
    """A number of one model; ``setting`` is its name, or None for every one."""

    path: NumberPath
    model_id: str
    setting: str | None


def part_control() -> str:
    """The part of the page to show; only that one is computed."""
    parts = [RUNS, TABLES, FILES, NUMBERS]
    links.check_link("part", parts, "the part of the page")
    links.keep_possible("part", parts, RUNS)
    chosen = st.radio(
        "Show", parts, key="part", bind="query-params", on_change=links.change_options
    )
    record.chosen("part", "Show", chosen)
    return chosen


def selection_control(suite: Suite) -> Selection:
    """A table and the selection of its rows.

    Raises:
        ArtifactError: a file is damaged.
    """
    table = option_control("table", "Table", list(schema.TABLES), "One of the artifacts' tables.")
    model_id = _model_control(models_in(suite, table))
    settings = settings_in(suite, table)
    setting = _setting_control(list(settings)) if settings else None
    conditions = _filter_control(table)
    return Selection(table, model_id, settings.get(setting) if setting else None, conditions)


def files_control(suite: Suite) -> FileChoice:
    """The listed files, and the one to download.

    Raises:
        ArtifactError: a file is damaged.
    """
    table = option_control(
        "table", "Table", [EVERY_TABLE, *schema.TABLES], "Lists a table's files."
    )
    models = sorted({*file_list.files(suite)["model_id"]} - {file_list.SEVERAL})
    model_id = _model_control(models)
    found = file_list.chosen(suite, None if table == EVERY_TABLE else table, model_id)
    there = list(found.loc[found["state"] != "missing", "file"])
    if not there:
        return FileChoice(found, None)
    return FileChoice(found, option_control("file", "File", there, "The file to download."))


def number_control(suite: Suite) -> NumberChoice:
    """A number, with its model and setting.

    Raises:
        ArtifactError: a file is damaged.
    """
    paths = {path.label: path for path in PATHS}
    path = paths[option_control("number", "Number", list(paths), "A number that the pages show.")]
    models = list(suite.models()["model_id"])[::-1]  # the largest, which pages show first
    model_id = option_control("of", "Model", models, "The model of the number.")
    labels = [setting.label for setting in suite.measured_settings()]
    setting = _setting_control(labels)
    return NumberChoice(path, model_id, setting)


def _model_control(models: Sequence[str]) -> str | None:
    """One model, or None for all."""
    chosen = option_control("only", "Rows of", [EVERY_MODEL, *models], "Shows one model only.")
    return None if chosen == EVERY_MODEL else chosen


def _setting_control(settings: Sequence[str]) -> str | None:
    """The name of one setting, or None for all."""
    chosen = option_control("at", "At", [EVERY_SETTING, *settings], "Shows one setting only.")
    return None if chosen == EVERY_SETTING else chosen


def option_control(parameter: str, label: str, options: Sequence[str], help_text: str) -> str:
    """One of some options, the first by default; a change returns to the first page of rows."""
    links.check_link(parameter, options, f"“{label}”")
    links.keep_possible(parameter, options, options[0])
    chosen = st.selectbox(
        label,
        options,
        key=parameter,
        bind="query-params",
        on_change=_other_rows,
        help=help_text,
    )
    record.chosen(parameter, label, chosen)
    return chosen


def _filter_control(table: str) -> tuple[Condition, ...]:
    """Conditions that a visitor wrote; none, and a sentence, if they cannot be read."""
    text = st.text_input(
        "Rows where",
        key="where",
        bind="query-params",
        max_chars=MOST_CHARACTERS,
        placeholder="bits <= 4; layer ~ attention",
        on_change=_other_rows,
        help=HELP,
    )
    complaints = st.session_state.setdefault("link_complaints", {})
    complaints.pop("where", None)
    try:
        conditions = parse_filter(text or "", schema.TABLES[table])
    except FilterError as reason:
        complaints["where"] = f"This filter cannot be used: {reason}. All rows are shown."
        return ()
    if conditions:
        record.chosen("where", "Rows where", text)
    return conditions


def page_control(rows: int) -> int:
    """The page of so many rows, from 1."""
    last = pages(rows)
    if last == 1:
        return 1
    chosen = st.pagination(last, key="sheet", bind="query-params")
    record.chosen("sheet", "Page", str(chosen))
    return chosen


def _other_rows() -> None:
    links.change_options()
    if "sheet" in st.session_state:
        st.session_state["sheet"] = 1
