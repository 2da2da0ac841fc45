"""What the page *Artifacts* asks for: which part, table, rows and file."""

from collections.abc import Sequence
from dataclasses import dataclass

import pandas as pd

import schema
from dashboard.artifacts.suite import Suite
from dashboard.ui.controls.registry import AT, FILE, NUMBER, OF, ONLY, PART, TABLE, WHERE
from dashboard.views.artifacts import file_list
from dashboard.views.artifacts.number_paths import PATHS, NumberPath
from dashboard.views.artifacts.row_filter import Condition, FilterError, parse_filter
from dashboard.views.artifacts.table_rows import Selection, models_in, settings_in

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
    return PART.ask([RUNS, TABLES, FILES, NUMBERS])


def selection_control(suite: Suite) -> Selection:
    """A table and the selection of its rows.

    Raises:
        ArtifactError: a file is damaged.
    """
    table = TABLE.ask(list(schema.TABLES))
    model_id = _model_control(models_in(suite, table))
    settings = settings_in(suite, table)
    setting = _setting_control(list(settings)) if settings else None

    def read(text: str) -> tuple[Condition, ...]:
        try:
            return parse_filter(text, schema.TABLES[table])
        except FilterError as reason:
            sentence = f"This filter cannot be used: {reason}. All rows are shown."
            raise FilterError(sentence) from None

    conditions = WHERE.ask(read, ())
    return Selection(table, model_id, settings.get(setting) if setting else None, conditions)


def files_control(suite: Suite) -> FileChoice:
    """The listed files, and the one to download.

    Raises:
        ArtifactError: a file is damaged.
    """
    table = TABLE.ask([EVERY_TABLE, *schema.TABLES])
    models = sorted({*file_list.files(suite)["model_id"]} - {file_list.SEVERAL})
    model_id = _model_control(models)
    found = file_list.chosen(suite, None if table == EVERY_TABLE else table, model_id)
    there = list(found.loc[found["state"] != "missing", "file"])
    return FileChoice(found, FILE.ask(there) if there else None)


def number_control(suite: Suite) -> NumberChoice:
    """A number, with its model and setting.

    Raises:
        ArtifactError: a file is damaged.
    """
    path = NUMBER.ask({path.label: path for path in PATHS})
    model_id = OF.ask(list(suite.models()["model_id"])[::-1])  # the largest, as pages begin with
    setting = _setting_control([setting.label for setting in suite.measured_settings()])
    return NumberChoice(path, model_id, setting)


def _model_control(models: Sequence[str]) -> str | None:
    """One model, or None for all."""
    return ONLY.ask({EVERY_MODEL: None} | {name: name for name in models})


def _setting_control(settings: Sequence[str]) -> str | None:
    """The name of one setting, or None for all."""
    return AT.ask({EVERY_SETTING: None} | {name: name for name in settings})
