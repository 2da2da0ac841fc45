"""Controls that a bound depends on, together: form, setting, code length, failure probability."""

from collections.abc import Sequence

import streamlit as st

from dashboard.analysis.bound.terms import (
    OF_ONE_SETTING,
    PREQUENTIAL,
    REQUENTIAL,
    Choice,
    codes_of,
)
from dashboard.artifacts.settings import Setting
from dashboard.artifacts.suite import Suite
from dashboard.export import record
from dashboard.style.glossary import CODE_LABELS
from dashboard.ui.controls.registry import BITS, CODE, DELTA, FORM, QUANTIZER

#: Bits of the default setting of a page, if it has a bound for as many models as any.
DEFAULT_BITS = "4"


#: Why quantizer and bitrate have no effect, by the code that has its own setting.
_WHOSE = {
    PREQUENTIAL: "The prequential code belongs to the trained model, before quantization",
    REQUENTIAL: "The requential code belongs to the student, which is not quantized",
}


#: Labels of the rates that are no bits.
_STEPS = {
    "step": "Step, in units of the row's rms",
    "price": "Price of a bit per parameter, nats",
}


def bound_controls(suite: Suite, codes: Sequence[str] = ()) -> Choice:
    """The choices of the controls of a bound; the setting is that of the code, if it has its own.

    Args:
        codes: to choose from; without any, those of ``codes_of``.

    Raises:
        ArtifactError: the suite has no setting at which bounds can be computed.
    """
    form = FORM.ask(suite)
    record.current().forms.append(form)
    setting = setting_control(suite)
    code = code_control(codes or codes_of(suite))
    return Choice(setting, code, DELTA.ask(), form.key).with_code(code)


def quantized_setting(suite: Suite) -> Setting:
    """The setting that quantizer and bitrate show, whatever the code; after ``setting_control``."""
    said = record.said()
    return BITS.options_of(suite, said)[said[BITS.key]]


def code_control(codes: Sequence[str]) -> str:
    """The code length of the model; one of ``codes``."""
    code = CODE.ask({CODE_LABELS[key]: key for key in codes})
    if code in OF_ONE_SETTING:
        st.caption(f"{_WHOSE[code]}: quantizer and bitrate have no effect.")
    return code


def setting_control(suite: Suite) -> Setting:
    """The quantizer, and one of its measured rates, with the resulting bits per parameter.

    The default has a bound for as many models as any.
    """
    QUANTIZER.ask(suite)
    rates = BITS.options_of(suite, record.said())
    # Few bits are at the left; for a grid's steps these are the wide ones.
    reach = {rate: suite.bounded_at(setting) for rate, setting in rates.items()}
    widest = [rate for rate, models in reach.items() if models == max(reach.values())]
    default = DEFAULT_BITS if DEFAULT_BITS in widest else widest[len(widest) // 2]
    label = _STEPS[rates[default].steps_are] if rates[default].step else ""
    setting = BITS.ask(rates, default=default, label=label)
    found, models = suite.bits_per_parameter(setting), len(suite.quantized(setting))
    mean = " (mean over models)" if models > 1 else ""
    st.caption(
        f"Bits per parameter, with all overhead: {found['stored']:.2f} stored, "
        f"**{found['entropy_coded']:.2f} entropy-coded**{mean}."
    )
    return setting
