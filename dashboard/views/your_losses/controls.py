"""Widgets for facts about a visitor's model, tied to the URL; the file itself never is."""

import streamlit as st
from streamlit.delta_generator import DeltaGenerator

from bounds.own_losses import Measurement, UnusableError
from dashboard.analysis.bound.units import NATS, Unit
from dashboard.artifacts.errors import UploadError
from dashboard.export import record
from dashboard.style.escaping import quoted
from dashboard.style.numbers import parse_count
from dashboard.ui.controls import suite_controls
from dashboard.ui.controls.controls import delta_control
from dashboard.ui.controls.links import check_link, forget_complaints
from dashboard.views.your_losses.bounds import ESTIMATE, FIELDS, REAL, Given, sentence

#: Name in links, attribute or label, help.
_NEEDED = (
    ("own_n", "params_total", "All parameters, with embeddings; used only for bits per parameter."),
    (
        "own_d",
        "train_tokens",
        "Tokens of the one training epoch. Without a column `window` the file must cover every "
        "one of them once.",
    ),
    ("own_v", "vocab_size", "Classes of the output distribution."),
    (
        "own_bits",
        "code_bits",
        "Bits of a prefix-free code for the whole evaluated model. Several lengths, separated by "
        "semicolons, are several codes: the bound pays for the choice.",
    ),
)
_START = "Mean training loss of the unquantized model, which the gap subtracts; otherwise the gap "
_START += "subtracts the losses of the file."
_BYTES = "Mean bytes of text per token, to show losses in bits per byte."
#: Key of the session for values of the example's fields.
_OF_EXAMPLE = "own_of_example"

_CODE = "A bound is a certificate only if a decoder restores the evaluated model, and everything "
_CODE += "that it needs, from this many bits."


def controls(defaults: dict[str, str]) -> Given | list[str]:
    """The visitor's statements, or the labels of missing fields.

    Invalid numbers are reported and ignored.

    Args:
        defaults: for empty fields, by their names in links.

    Raises:
        UploadError: a number cannot be used.
    """
    if not any(st.session_state.get(name) or name in st.query_params for name, *_ in _NEEDED):
        for name, value in defaults.items():
            st.session_state[name] = value
    st.session_state[_OF_EXAMPLE] = defaults
    written: dict[str, tuple[float, ...]] = {}
    for pair in (_NEEDED[:2], _NEEDED[2:]):
        for column, (name, attribute, help_text) in zip(_pair_of_columns(), pair, strict=True):
            with column:
                several = attribute == "code_bits"
                written[attribute] = _field(name, FIELDS[attribute], help_text, several)
    left, right = _pair_of_columns()
    with left:
        start = _field("own_start", "Training loss (optional)", _START)
    with right:
        per_token = _field("own_bytes", "Bytes per token (optional)", _BYTES)
    real = _code_control() == REAL
    delta = delta_control()
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
        return suite_controls.unit_control()
    st.caption("Losses are in nats per token; with bytes per token also in bits per byte.")
    return NATS


def _pair_of_columns() -> list[DeltaGenerator]:
    return st.columns(2, vertical_alignment="bottom")


def _field(parameter: str, label: str, help_text: str, several: bool = False) -> tuple[float, ...]:
    """The number in a field, or all of ``several`` separated by semicolons.

    Empty if the field is empty or cannot be read.
    """
    text = st.text_input(
        label,
        key=parameter,
        bind="query-params",
        max_chars=80,
        on_change=forget_complaints,
        help=help_text,
    )
    text = (text or "").strip()
    complaints = st.session_state.setdefault("link_complaints", {})
    complaints.pop(parameter, None)
    if not text:
        return ()
    numbers = [_number(part) for part in (text.split(";") if several else [text])]
    if None in numbers:
        complaints[parameter] = (
            f"{label}: {quoted(text)} is not a number, written like 300k, 1.4B or 2e12; it is "
            "ignored."
        )
        return ()
    record.chosen(parameter, label, text)
    return tuple(numbers)


def _code_control() -> str:
    options = [ESTIMATE, REAL]
    check_link("own_code", options, "“The code length is”")
    chosen = st.selectbox(
        "The code length is",
        options,
        key="own_code",
        bind="query-params",
        on_change=forget_complaints,
        help=_CODE,
    )
    record.chosen("own_code", "The code length is", chosen)
    return chosen


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
