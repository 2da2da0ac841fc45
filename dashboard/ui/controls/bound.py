"""Controls that a bound depends on, together: form, setting, code length, failure probability."""

from collections.abc import Sequence

import streamlit as st

from dashboard.analysis.bound.terms import CODES, Choice
from dashboard.artifacts.settings import Setting
from dashboard.artifacts.suite import Suite
from dashboard.export import record
from dashboard.style.glossary import CODE_LABELS
from dashboard.ui.controls.registry import BITS, CODE, DELTA, FORM, QUANTIZER

#: Bits of the setting that a page begins with, if it has a bound for as many models as any.
DEFAULT_BITS = "4"


def bound_controls(suite: Suite, codes: Sequence[str] = tuple(CODES)) -> Choice:
    """What the controls say of a bound.

    Raises:
        ArtifactError: the suite has no setting that bounds can be computed at.
    """
    form = FORM.ask(suite)
    record.current().forms.append(form)
    setting = setting_control(suite)
    return Choice(setting, code_control(codes), DELTA.ask(), form.key)


def code_control(codes: Sequence[str] = tuple(CODES)) -> str:
    """Which code length stands for the information in the model; one of ``codes``."""
    return CODE.ask({CODE_LABELS[key]: key for key in codes})


def setting_control(suite: Suite) -> Setting:
    """Which quantizer, and at which of the rates that were measured with it; at first at one that
    has a bound for as many models as any.  Below, what it comes to, everything included."""
    QUANTIZER.ask(suite)
    rates = BITS.options_of(suite, record.said())
    # Few bits lie left; of a grid's steps, that is the wide ones.
    reach = {rate: suite.bounded_at(setting) for rate, setting in rates.items()}
    widest = [rate for rate, models in reach.items() if models == max(reach.values())]
    default = DEFAULT_BITS if DEFAULT_BITS in widest else widest[len(widest) // 2]
    label = "Step, in units of the row's rms" if rates[default].step else ""
    setting = BITS.ask(rates, default=default, label=label)
    found, models = suite.bits_per_parameter(setting), len(suite.quantized(setting))
    mean = " (mean over models)" if models > 1 else ""
    st.caption(
        f"Bits per parameter, everything included: {found['stored']:.2f} stored, "
        f"**{found['entropy_coded']:.2f} entropy-coded**{mean}."
    )
    return setting
