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
        yield Setting(**values)


def points_of(row: dict) -> Iterator[CurvaturePoint]:
    """What is measured of a curvature."""
    of_setting = {field.name for field in schema.SETTING_FIELDS}
    for values in unrolled(row):
        setting = {key: values.pop(key) for key in of_setting & {*values}}
        yield CurvaturePoint(**values, setting=Setting(**setting) if setting else UNQUANTIZED)
