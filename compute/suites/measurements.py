"""Measurements as people write them: rows of a suite's file, and names such as ``gptq:4:128``."""

import re
from collections.abc import Iterable, Iterator
from itertools import product

import schema
from compute.base.errors import InputError
from compute.base.setting import UNQUANTIZED, Setting, quantizers_with
from compute.suites.curvature_point import CurvaturePoint

#: Quantizers that have a step where others have bits, and those that have a fixed width.
_STEPPED, _FIXED = quantizers_with("step"), {"none": 32, "cast": 16}

#: Seed of a quantizer that draws at random, where a name does not say it.
_QUANTIZER_SEED = 0


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


def settings_named(texts: Iterable[str]) -> tuple[Setting, ...]:
    """Settings such as ``gptq:3,4`` or ``rtn:8,gptq:4:128``, the unquantized model before them.

    A name is NAME:BITS, with the size of its groups after another colon where weights share a scale
    in groups; ``gptq_step`` and both kinds of ``watersic`` have a step in place of bits, ``cast``
    and ``none`` have nothing.
    What begins with a digit belongs to the quantizer before it.

    Raises:
        InputError: naming what is no setting.
    """
    found, quantizer = [UNQUANTIZED], None
    for text in texts:
        for part in text.split(","):
            name, *numbers = part.strip().split(":")
            if quantizer and re.match(r"[\d.]", name):
                name, numbers = quantizer, [name, *numbers]
            found.append(_setting(name, numbers, part))
            quantizer = name
    return tuple(dict.fromkeys(found))


def setting_name(setting: Setting) -> str:
    """What ``settings_named`` reads as this setting."""
    if setting.quantizer in _FIXED:
        return setting.quantizer
    rate = setting.bits if setting.step is None else f"{setting.step!r}"
    groups = "" if setting.group_size is None else f":{setting.group_size}"
    return f"{setting.quantizer}:{rate}{groups}"


def _setting(name: str, numbers: list[str], part: str) -> Setting:
    seed = _QUANTIZER_SEED if name == "ldlq_rotated" else None
    try:
        if name in _FIXED and not numbers:
            return Setting(name, bits=_FIXED[name])
        if len(numbers) not in (1, 2):
            raise ValueError("it is not NAME:BITS or NAME:BITS:GROUP")
        group = int(numbers[1]) if len(numbers) == 2 else None
        if name in _STEPPED:
            return Setting(name, step=float(numbers[0]), group_size=group)
        return Setting(name, bits=int(numbers[0]), group_size=group, quantizer_seed=seed)
    except ValueError as error:
        raise InputError(
            f"--quantizers {part.strip()!r} is no setting: {error}; write gptq:4, gptq:4:128 for "
            "groups of 128 weights, or gptq_step:0.7."
        ) from None
