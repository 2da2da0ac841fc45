"""Widgets tied to the URL: every control is a query parameter, and a link restores the view.

Streamlit writes an option into the URL as its label, so labels and values are the same here.
"""

import math
from collections.abc import Sequence

import streamlit as st

from dashboard.analysis.bound.terms import CODES, PREQUENTIAL, Choice
from dashboard.analysis.laws.fits import SHAPES
from dashboard.artifacts.errors import ArtifactError
from dashboard.artifacts.settings import QUANTIZERS, Setting
from dashboard.artifacts.suite import Suite
from dashboard.export import record
from dashboard.style.escaping import quoted
from dashboard.style.glossary import CODE_LABELS
from dashboard.style.inequalities import forms_of
from dashboard.ui.controls.links import (
    change_options,
    check_link,
    forget_complaints,
    keep_possible,
    required,
)

#: Steps of the failure probability: 1, 2 and 5 in every decade from 1e-12 up to 0.5.
DELTAS = tuple(float(f"{digit}e{exponent}") for exponent in range(-12, 0) for digit in (1, 2, 5))
DEFAULT_DELTA = 0.05
DEFAULT_BITS = 4

#: Whether every model is at its own best setting or all are at the chosen one.
BEST, CHOSEN = "best measured", "as chosen"

#: Steps of the bandwidth of a spectrum, in decades.
BANDWIDTHS = (0.03, 0.05, 0.1, 0.15, 0.2, 0.3, 0.5)
DEFAULT_BANDWIDTH = 0.2


_PREQUENTIAL_HELP = (
    "**prequential**: the area between the losses while the model was trained and its final loss, "
    "a heuristic for what the unquantized model holds; it is not a certificate."
)


_FORMS_HELP = (
    "Each form holds by itself: fix one beforehand. Quoting whichever of seven comes out smallest "
    "would cost log2(7) = 2.8 bits more in the code."
)

_SAMPLED_HELP = (
    "Only sampled windows of this suite's training text were scored. One form can be certified "
    "from them: its summand lies in a known interval, so its mean over all windows can be bounded. "
    "The others need every training token."
)


def delta_label(delta: float) -> str:
    """The way a delta stands in the URL and under the slider."""
    return f"{delta:g}"


def check_delta_link() -> None:
    """Like ``check_link`` for the failure probability, which must lie inside (0, 1)."""
    value = st.query_params.get("delta")
    if value is None or value in map(delta_label, DELTAS):
        return
    try:
        number = float(value)
    except ValueError:
        number = math.nan
    inside = 0.0 < number < 1.0
    if number in DELTAS:
        # The same number written another way, such as 1e-6 for 1e-06.
        st.session_state["delta"] = delta_label(number)
        return
    reason = (
        f"is not one of the slider's steps from {DELTAS[0]:g} to {DELTAS[-1]:g}"
        if inside
        else "is not a probability strictly between 0 and 1"
    )
    st.session_state.setdefault("link_complaints", {})["delta"] = (
        f"The link asks for delta {quoted(value)}, which {reason}; "
        f"{delta_label(DEFAULT_DELTA)} is shown instead."
    )


def setting_control(suite: Suite) -> Setting:
    """Which quantizer, and at which of the rates that were measured with it; at first at one that
    has a bound for as many models as any."""
    settings = suite.settings()
    found = {setting.family for setting in settings}
    families = {q.label: q for q in QUANTIZERS if q in found}
    check_link("quantizer", list(families), "the quantizer")
    keep_possible("quantizer", list(families), next(iter(families)))
    label = st.selectbox(
        "Quantizer",
        list(families),
        key="quantizer",
        bind="query-params",
        on_change=change_options,
        help="How weights are rounded to few bits.\n\n"
        + "\n\n".join(f"**{q.label}**: {q.idea}" for q in families.values()),
    )
    record.chosen("quantizer", "Quantizer", label)
    rates = {setting.rate: setting for setting in settings if setting.family.label == label}
    check_link("bits", list(rates), "the bitrate")
    if len(rates) == 1:  # a slider needs two places
        return next(iter(rates.values()))
    # Few bits lie left; of a grid's steps, that is the wide ones.
    reach = {rate: suite.bounded_at(setting) for rate, setting in rates.items()}
    widest = [rate for rate, models in reach.items() if models == max(reach.values())]
    default = str(DEFAULT_BITS) if str(DEFAULT_BITS) in widest else widest[len(widest) // 2]
    keep_possible("bits", list(rates), default)
    what = "Step, in units of the row's rms" if rates[default].step else "Bits per weight"
    chosen = st.select_slider(
        what,
        list(rates),
        value=default,
        key="bits",
        bind="query-params",
        on_change=forget_complaints,
        help="On a clipped grid weights are rounded to one of $2^b$ levels per row or group. On an "
        "unclipped grid levels lie one step apart, as many as it takes: a wider step means fewer "
        "bits. 16 is bfloat16 and 32 is float32: nothing is rounded to a grid.",
    )
    record.chosen("bits", what, chosen)
    return rates[chosen]


def show_rate(suite: Suite, setting: Setting) -> None:
    """Under the slider: what the setting comes to, everything included."""
    found, models = suite.bits_per_parameter(setting), len(suite.quantized(setting))
    mean = " (mean over models)" if models > 1 else ""
    st.caption(
        f"Bits per parameter, everything included: {found['stored']:.2f} stored, "
        f"**{found['entropy_coded']:.2f} entropy-coded**{mean}."
    )


def delta_control() -> float:
    """The failure probability, on a logarithmic scale."""
    check_delta_link()
    labels = {delta_label(delta): delta for delta in DELTAS}
    chosen = st.select_slider(
        "Failure probability δ",
        list(labels),
        value=delta_label(DEFAULT_DELTA),
        key="delta",
        bind="query-params",
        on_change=forget_complaints,
        help="The bound may be wrong with at most this probability over the draw of the "
        "training text.",
    )
    record.chosen("delta", "Failure probability δ", chosen)
    return labels[chosen]


def form_control(sampled: bool) -> str:
    """Which inequality, of those that a suite offers; a key of ``bounds.FORMS`` or ``SAMPLED``."""
    forms = forms_of(sampled)
    labels = list(forms)
    check_link("form", labels, "the form of the bound")
    keep_possible("form", labels, labels[0])
    chosen = st.selectbox(
        "Form of the bound",
        labels,
        key="form",
        bind="query-params",
        on_change=forget_complaints,
        help=(_SAMPLED_HELP if sampled else _FORMS_HELP)
        + "\n\n"
        + "\n\n".join(f"**{f.label}**: {f.idea} *({f.source})*" for f in forms.values()),
    )
    record.chosen("form", "Form of the bound", chosen)
    record.current().forms.append(forms[chosen])
    return forms[chosen].key


def code_control(codes: Sequence[str] = tuple(CODES)) -> str:
    """Which code length stands for the information in the model; one of ``codes``."""
    labels = {CODE_LABELS[key]: key for key in codes}
    check_link("code", list(labels), "the code length")
    keep_possible("code", list(labels), CODE_LABELS["stored"])
    chosen = st.segmented_control(
        "Code length of the model",
        list(labels),
        default=CODE_LABELS["stored"],
        required=True,
        key="code",
        bind="query-params",
        on_change=forget_complaints,
        help="**stored**: the size of a file that holds every tensor at a fixed width, scales and "
        "norms included. **entropy-coded**: the size of a file that a range coder writes, its "
        "tables included, and from which every weight is restored bit by bit. Bounds with either "
        "are certificates. **nominal**: bits × parameters, the paper's headline count (on an "
        "unclipped grid the bits are the entropy of the codes); it leaves out what a decoder "
        "needs, so it certifies nothing."
        + (f" {_PREQUENTIAL_HELP}" if PREQUENTIAL in codes else ""),
    )
    chosen = required(chosen)
    record.chosen("code", "Code length of the model", chosen)
    return labels[chosen]


def bound_controls(suite: Suite, codes: Sequence[str] = tuple(CODES)) -> Choice:
    """Everything that a bound depends on: form, setting, code length, failure probability.

    Raises:
        ArtifactError: the suite has no setting that bounds can be computed at.
    """
    form = form_control(suite.is_sampled)
    setting = setting_control(suite)
    show_rate(suite, setting)
    return Choice(setting, code_control(codes), delta_control(), form)


def law_control() -> bool:
    """Whether laws have a floor."""
    shape = choice_control(
        "law",
        "Shape of the laws",
        list(SHAPES),
        "$y = cN^{-p}$, or with a floor, $y = a + cN^{-p}$, $a \\ge 0$: what a quantity levels off "
        "at. A floor needs at least 4 sizes, and few sizes say little about it.",
    )
    return SHAPES[shape]


def matrix_control(labels: dict[str, str], help_text: str) -> str:
    """Which curvature matrix; a key of ``labels``, whose values a reader sees."""
    keys = {label: key for key, label in labels.items()}
    check_link("matrix", list(keys), "the matrix")
    keep_possible("matrix", list(keys), next(iter(keys)))
    chosen = st.segmented_control(
        "Matrix",
        list(keys),
        default=next(iter(keys)),
        required=True,
        key="matrix",
        bind="query-params",
        on_change=forget_complaints,
        help=help_text,
    )
    chosen = required(chosen)
    record.chosen("matrix", "Matrix", chosen)
    return keys[chosen]


def bandwidth_control() -> float:
    """How much a spectrum is smoothed, in decades."""
    labels = {f"{width:g}": width for width in BANDWIDTHS}
    check_link("bandwidth", list(labels), "the bandwidth")
    chosen = st.select_slider(
        "Bandwidth of the spectrum, decades",
        list(labels),
        value=f"{DEFAULT_BANDWIDTH:g}",
        key="bandwidth",
        bind="query-params",
        on_change=forget_complaints,
        help="A spectrum is known as a few dozen nodes with weights; each is drawn as a bell curve "
        "of this width. Narrow shows the nodes, wide shows the trend. The measurement stays "
        "the same.",
    )
    record.chosen("bandwidth", "Bandwidth of the spectrum, decades", chosen)
    return labels[chosen]


def choice_control(parameter: str, label: str, options: Sequence[str], help_text: str) -> str:
    """One of some options by name, the first by default; ``parameter`` is its name in links.

    Raises:
        ArtifactError: there is none.
    """
    if not options:
        raise ArtifactError("Nothing of this suite was measured at this choice; choose another.")
    check_link(parameter, options, f"“{label}”")
    keep_possible(parameter, options, options[0])
    chosen = st.selectbox(
        label,
        options,
        key=parameter,
        bind="query-params",
        on_change=forget_complaints,
        help=help_text,
    )
    record.chosen(parameter, label, chosen)
    return chosen
