"""Rows of a suite's file that ask for measurements: a list in a row stands for one each."""

from collections.abc import Iterator
from itertools import product

import schema
from compute.curvature.point import CurvaturePoint
from compute.setting import UNQUANTIZED, Setting


def unrolled(row: dict) -> Iterator[dict]:
    """Every combination of the values that lists in ``row`` stand for."""
    lists = [value if isinstance(value, list) else [value] for value in row.values()]
    for values in product(*lists):
        yield dict(zip(row, values, strict=True))


def settings_of(row: dict) -> Iterator[Setting]:
    """How models are quantized."""
    for values in unrolled(row):
        yield _made_here(Setting(**values))


def points_of(row: dict) -> Iterator[CurvaturePoint]:
    """What is measured of a curvature."""
    of_setting = {field.name for field in schema.SETTING_FIELDS}
    for values in unrolled(row):
        setting = {key: values.pop(key) for key in of_setting & {*values}}
        made = _made_here(Setting(**setting)) if setting else UNQUANTIZED
        yield CurvaturePoint(**values, setting=made)


def _made_here(setting: Setting) -> Setting:
    """Refuse what only a model that comes as a file has.

    Raises:
        ValueError: saying so.
    """
    if setting.quantizer == "gguf":
        raise ValueError("quantizer='gguf' is measured of every GGUF file, and of nothing else")
    return setting
