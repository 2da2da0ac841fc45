"""Widgets for facts about a visitor's model, tied to the URL; the file itself never is."""

import streamlit as st
from streamlit.delta_generator import DeltaGenerator

from bounds.own_losses import Measurement, UnusableError
from dashboard.analysis.bound.units import NATS, Unit
from dashboard.artifacts.errors import UploadError
from dashboard.style.escaping import quoted
from dashboard.style.numbers import parse_count
from dashboard.ui.controls.control import Text
from dashboard.ui.controls.registry import (
    BYTES_PER_TOKEN,
    CODE_BITS,
    CODE_IS,
    DELTA,
    PARAMS_TOTAL,
    TRAIN_TOKENS,
    TRAINING_LOSS,
    UNIT,
    VOCAB_SIZE,
)
from dashboard.views.your_losses.bounds import ESTIMATE, FIELDS, REAL, Given, sentence

#: Fields that must be filled in, by the attribute of a measurement that they give.
_NEEDED = {
    "params_total": PARAMS_TOTAL,
    "train_tokens": TRAIN_TOKENS,
    "vocab_size": VOCAB_SIZE,
    "code_bits": CODE_BITS,
}

#: Where a session keeps what was written into the fields for the example.
_OF_EXAMPLE = "upload_example"


def controls(defaults: dict[str, str]) -> Given | list[str]:
    """The visitor's statements, or the labels of missing fields.

    Invalid numbers are reported and ignored.

    Args:
        defaults: for empty fields, by their names in links.

    Raises:
        UploadError: a number cannot be used.
    """
    fields = [field.key for field in _NEEDED.values()]
    if not any(st.session_state.get(name) or name in st.query_params for name in fields):
        for name, value in defaults.items():
            st.session_state[name] = value
    st.session_state[_OF_EXAMPLE] = defaults
    written: dict[str, tuple[float, ...]] = {}
    columns = [*_pair_of_columns(), *_pair_of_columns()]
    for column, (attribute, field) in zip(columns, _NEEDED.items(), strict=True):
        with column:
            written[attribute] = _numbers(field, several=field is CODE_BITS)
    left, right = _pair_of_columns()
    with left:
        start = _numbers(TRAINING_LOSS)
    with right:
        per_token = _numbers(BYTES_PER_TOKEN)
    real = CODE_IS.ask([ESTIMATE, REAL]) == REAL
    delta = DELTA.ask()
    missing = [FIELDS[attribute] for attribute, numbers in written.items() if not numbers]
    if missing:
        return missing
    codes = written.pop("code_bits")
    counts = {key: _whole(FIELDS[key], number) for key, (number,) in written.items()}
    try:
        measurement = Measurement(
            **counts,
            code_bits=codes,
            failure_probability=delta,
            training_loss_nats=start[0] if start else None,
        )
    except UnusableError as error:
        raise UploadError(sentence(error)) from None
    return Given(measurement, real, _positive("Bytes per token", *per_token) if per_token else None)


def forget_example() -> None:
    """Empty the fields with values of the example, which may not be true of a file.

    Call it before the fields are drawn, as callbacks are.
    """
    for name, value in st.session_state.pop(_OF_EXAMPLE, {}).items():
        if st.session_state.get(name) == value:
            st.session_state[name] = ESTIMATE if name == "own_code" else ""


def unit_control(given: Given | list[str]) -> Unit:
    """The unit of losses: bits per byte only if the bytes of a token are known."""
    if isinstance(given, Given) and given.bytes_per_token:
        return UNIT.ask()
    st.caption("Losses are in nats per token; with bytes per token also in bits per byte.")
    return NATS


def _pair_of_columns() -> list[DeltaGenerator]:
    return st.columns(2, vertical_alignment="bottom")


def _numbers(field: Text, several: bool = False) -> tuple[float, ...]:
    """The number in a field, or all of ``several`` separated by semicolons.

    Empty if the field is empty or cannot be read.
    """

    def read(text: str) -> tuple[float, ...]:
        numbers = tuple(_number(part) for part in (text.split(";") if several else [text]))
        if None in numbers:
            raise ValueError(
                f"{field.label}: {quoted(text)} is not a number, written like 300k, 1.4B or 2e12; "
                "it is ignored."
            )
        return numbers

    return field.ask(read, ())


def _number(text: str) -> float | None:
    """A number as people write it, None if it is not a number.

    Negative numbers are accepted, so that the range check reports them.
    """
    bare = text.strip()
    negative = bare.startswith(("-", "−"))
    value = parse_count(bare[1:] if negative else bare)
    return -value if negative and value is not None else value


def _whole(label: str, value: float) -> int:
    if value != round(value):
        raise UploadError(f"{label} must be a whole number, not {value:g}.")
    return round(value)


def _positive(label: str, value: float) -> float:
    if not value > 0:
        raise UploadError(f"{label} must be greater than 0, not {value:g}.")
    return value
