"""Widgets tied to the URL: every control is a query parameter, and a link restores the view.

Streamlit writes an option into the URL as its label, so labels and values are the same here.
"""

import math
from collections.abc import Sequence
from dataclasses import replace

import pandas as pd
import streamlit as st

from dashboard.artifacts import Suite
from dashboard.forms import BY_LABEL, FORMS
from dashboard.laws import SHAPES
from dashboard.numbers import count_label, parse_count
from dashboard.settings import QUANTIZERS, Setting
from dashboard.sizes import ANOTHER, LARGEST, SMALLEST, ChosenSize, chosen_size, default_size
from dashboard.terms import CODES, PREQUENTIAL, Choice
from dashboard.text import CODE_LABELS

#: Steps of the failure probability: 1, 2 and 5 in every decade from 1e-12 up to 0.5.
DELTAS = tuple(float(f"{digit}e{exponent}") for exponent in range(-12, 0) for digit in (1, 2, 5))
DEFAULT_DELTA = 0.05
DEFAULT_BITS = 4

#: Steps of the bandwidth of a spectrum, in decades.
BANDWIDTHS = (0.03, 0.05, 0.1, 0.15, 0.2, 0.3, 0.5)
DEFAULT_BANDWIDTH = 0.2


_PREQUENTIAL_HELP = (
    "**prequential**: the area between the losses while the model was trained and its final loss, "
    "a heuristic for what the unquantized model holds, and no certificate."
)


def delta_label(delta: float) -> str:
    """The way a delta stands in the URL and under the slider."""
    return f"{delta:g}"


def check_link(parameter: str, allowed: Sequence[str], what: str) -> None:
    """Say so in one sentence if the link carries a value that does not exist here.

    To be called before the widget of that name, which then falls back to its default.
    """
    if st.session_state.get("own_change"):
        return  # the address lags behind what the reader has just chosen
    value = st.query_params.get(parameter)
    complaints = st.session_state.setdefault("link_complaints", {})
    if value is not None and value not in allowed:
        complaints[parameter] = (
            f"The link asks for {what} {_quoted(value)}, which does not exist here; "
            "the default is shown instead."
        )


def _quoted(value: str) -> str:
    """A stranger's text as code, so that no Markdown in it takes effect."""
    shown = value if len(value) <= 40 else value[:40] + "…"
    return "`" + shown.replace("`", "'").replace("\n", " ") + "`"


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
        f"The link asks for delta {_quoted(value)}, which {reason}; "
        f"{delta_label(DEFAULT_DELTA)} is shown instead."
    )


def show_complaints() -> None:
    """Show what was wrong with the link, until a control is moved."""
    st.session_state.pop("own_change", None)
    for sentence in st.session_state.get("link_complaints", {}).values():
        st.warning(sentence, icon=":material/link_off:")


def _forget_complaints() -> None:
    st.session_state["link_complaints"] = {}


#: Every control's name in the address.
PARAMETERS = (
    *("form", "quantizer", "bits", "code", "delta", "model", "n", "matrix", "bandwidth"),
    *("quantity", "law", "reach", "ratio", "vocab", "target", "predicted", "from"),
)


def enter(page: str) -> None:
    """Carry choices over to another page, and leave behind what was wrong with the link to the
    one before.  To be called before any control of the page.

    Streamlit forgets a value that came by a link and that nobody has touched when the page
    changes; what was chosen on the page before is put back first.
    """
    if st.session_state.get("page") not in (None, page):
        _forget_complaints()
        for name, value in st.session_state.get("choices", {}).items():
            if name not in st.query_params:
                st.session_state[name] = st.query_params[name] = value
    st.session_state["page"] = page


def keep_choices() -> None:
    """Note what is chosen, for the next page.  To be called when a page has run."""
    kept = st.session_state.setdefault("choices", {})
    for name in PARAMETERS:
        if name in st.session_state:
            kept.pop(name, None)  # a default is not in the address, and need not be carried
            if name in st.query_params:
                kept[name] = st.session_state[name]


def suite_control(suites: list[str]) -> str:
    """Which suite of models."""
    check_link("suite", suites, "the suite")
    return st.selectbox(
        "Suite of models",
        suites,
        key="suite",
        bind="query-params",
        on_change=_change_options,
        help="A suite is a family of models trained alike at several sizes.",
    )


def setting_control(settings: list[Setting]) -> Setting:
    """Which quantizer, and at which of the rates that were measured with it."""
    found = {setting.family for setting in settings}
    families = {q.label: q for q in QUANTIZERS if q in found}
    check_link("quantizer", list(families), "the quantizer")
    _keep_possible("quantizer", list(families), next(iter(families)))
    label = st.selectbox(
        "Quantizer",
        list(families),
        key="quantizer",
        bind="query-params",
        on_change=_change_options,
        help="How weights are rounded to few bits.\n\n"
        + "\n\n".join(f"**{q.label}**: {q.idea}" for q in families.values()),
    )
    rates = {setting.rate: setting for setting in settings if setting.family.label == label}
    check_link("bits", list(rates), "the bitrate")
    if len(rates) == 1:  # a slider needs two places
        return next(iter(rates.values()))
    # Few bits lie left; of a grid's steps, that is the wide ones.
    default = str(DEFAULT_BITS) if str(DEFAULT_BITS) in rates else list(rates)[len(rates) // 2]
    _keep_possible("bits", list(rates), default)
    chosen = st.select_slider(
        "Step, in units of the row's rms" if rates[default].step else "Bits per weight",
        list(rates),
        value=default,
        key="bits",
        bind="query-params",
        on_change=_forget_complaints,
        help="On a clipped grid weights are rounded to one of $2^b$ levels per row or group. On an "
        "unclipped grid levels lie one step apart, as many as it takes: a wider step means fewer "
        "bits. 16 is bfloat16 and 32 is float32: nothing is rounded to a grid.",
    )
    return rates[chosen]


def show_rate(bits_per_parameter: dict[str, float]) -> None:
    """Under the slider: what the setting comes to, everything included."""
    st.caption(
        f"Bits per parameter, everything included: {bits_per_parameter['stored']:.2f} stored, "
        f"**{bits_per_parameter['entropy_coded']:.2f} entropy-coded** (mean over models)."
    )


def _change_options() -> None:
    """Another suite or quantizer has other models and rates."""
    _forget_complaints()
    st.session_state["own_change"] = True


def _keep_possible(key: str, options: Sequence[str], default: str) -> None:
    """Move a choice that is not there any more to the default, also in the browser, which would
    go on showing the old one if its value were merely dropped.  To be called before the widget."""
    if key in st.session_state and st.session_state[key] not in options:
        st.session_state[key] = default


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
        on_change=_forget_complaints,
        help="The bound may be wrong with at most this probability over the draw of the "
        "training text.",
    )
    return labels[chosen]


def form_control() -> str:
    """Which inequality; a key of ``bounds.FORMS``."""
    labels = list(BY_LABEL)
    check_link("form", labels, "the form of the bound")
    chosen = st.selectbox(
        "Form of the bound",
        labels,
        key="form",
        bind="query-params",
        on_change=_forget_complaints,
        help="Each form holds by itself: fix one beforehand. Quoting whichever of seven comes out "
        "smallest would cost log2(7) = 2.8 bits more in the code.\n\n"
        + "\n\n".join(f"**{form.label}**: {form.idea} *({form.source})*" for form in FORMS),
    )
    return BY_LABEL[chosen].key


def code_control(codes: Sequence[str] = tuple(CODES)) -> str:
    """Which code length stands for the information in the model; one of ``codes``."""
    labels = {CODE_LABELS[key]: key for key in codes}
    check_link("code", list(labels), "the code length")
    _keep_possible("code", list(labels), CODE_LABELS["stored"])
    chosen = st.segmented_control(
        "Code length of the model",
        list(labels),
        default=CODE_LABELS["stored"],
        required=True,
        key="code",
        bind="query-params",
        on_change=_forget_complaints,
        help="**stored**: the size of a file that holds every tensor at a fixed width, scales and "
        "norms included. **entropy-coded**: the size of a file that a range coder writes, its "
        "tables included, and from which every weight is restored bit by bit. Bounds with either "
        "are certificates. **nominal**: bits × parameters, the paper's headline count (on an "
        "unclipped grid the bits are the entropy of the codes); it leaves out what a decoder "
        "needs, so it certifies nothing."
        + (f" {_PREQUENTIAL_HELP}" if PREQUENTIAL in codes else ""),
    )
    return labels[chosen]


def bound_controls(suite: Suite, codes: Sequence[str] = tuple(CODES)) -> Choice:
    """Everything that a bound depends on: form, setting, code length, failure probability.

    Raises:
        ArtifactError: the suite has no setting that bounds can be computed at.
    """
    form = form_control()
    setting = setting_control(suite.settings())
    show_rate(suite.bits_per_parameter(setting))
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


def size_control(models: pd.DataFrame) -> ChosenSize:
    """Which size the numbers of the page are for: a measured model, or any other by the laws.

    Args:
        models: columns model_id and params_total, at least one row, by size.
    """
    names = list(models["model_id"])
    options = [*names, ANOTHER]
    check_link("model", options, "the model")
    _keep_possible("model", options, names[-1])
    name = st.select_slider(
        "Model size",
        options,
        value=names[-1],
        key="model",
        bind="query-params",
        on_change=_forget_complaints,
        help="The model whose numbers are shown in detail; all sizes stay in the charts. "
        f"*{ANOTHER}*, at the right end, asks the laws of the measured models about any size.",
    )
    if name != ANOTHER:
        params = models.set_index("model_id")["params_total"][name]
        return replace(chosen_size(models, float(params)), model_id=name)
    return chosen_size(models, params_control(models))


def params_control(models: pd.DataFrame) -> float:
    """Any model size N."""
    return count_control(
        "n",
        "Parameters N",
        default_size(models),
        SMALLEST,
        LARGEST,
        "Any size, such as 300k, 1.4B or 2e12. Only laws can speak of it, and what they say "
        "is marked: between measured sizes, or extrapolated.",
    )


def matrix_control(labels: dict[str, str], help_text: str) -> str:
    """Which curvature matrix; a key of ``labels``, whose values a reader sees."""
    keys = {label: key for key, label in labels.items()}
    check_link("matrix", list(keys), "the matrix")
    _keep_possible("matrix", list(keys), next(iter(keys)))
    chosen = st.segmented_control(
        "Matrix",
        list(keys),
        default=next(iter(keys)),
        required=True,
        key="matrix",
        bind="query-params",
        on_change=_forget_complaints,
        help=help_text,
    )
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
        on_change=_forget_complaints,
        help="A spectrum is known as a few dozen nodes with weights; each is drawn as a bell curve "
        "of this width. Narrow shows the nodes, wide shows the trend. Nothing is measured anew.",
    )
    return labels[chosen]


def choice_control(parameter: str, label: str, options: Sequence[str], help_text: str) -> str:
    """One of some options by name, the first by default; ``parameter`` is its name in links."""
    check_link(parameter, options, f"“{label}”")
    _keep_possible(parameter, options, options[0])
    return st.selectbox(
        label,
        options,
        key=parameter,
        bind="query-params",
        on_change=_forget_complaints,
        help=help_text,
    )


def count_control(
    parameter: str, label: str, default: str, low: float, high: float, help_text: str
) -> float:
    """A number as people write it, between ``low`` and ``high``: ``3.2M``, ``1e9``.

    What cannot be read, or lies outside, is a complaint, and the default holds.  Another suite may
    bring another default, which replaces the old one unless the reader has written something else.
    """
    before = st.session_state.get(f"{parameter}_default", default)
    if before != default and st.session_state.get(parameter) == before:
        st.session_state[parameter] = default
    st.session_state[f"{parameter}_default"] = default
    text = st.text_input(
        label,
        value=default,
        key=parameter,
        bind="query-params",
        max_chars=24,
        on_change=_forget_complaints,
        help=help_text,
    )
    value = parse_count(text or "")
    if value is not None and low <= value <= high:
        st.session_state.setdefault("link_complaints", {}).pop(parameter, None)
        return value
    st.session_state.setdefault("link_complaints", {})[parameter] = (
        f"{label}: {_quoted(text or '')} is not a number from {count_label(low)} to "
        f"{count_label(high)}, written like 300k, 1.4B or 2e12; {default} is used instead."
    )
    return parse_count(default)


def reach_control(largest: float) -> float:
    """How far beyond the ``largest`` measured size laws are drawn."""
    default = count_label(10.0 ** math.ceil(math.log10(30.0 * largest)))
    return count_control(
        "reach",
        "Draw laws up to N",
        default,
        largest,
        LARGEST,
        "Laws are drawn up to this size, solid where models were measured and dashed beyond. How "
        "far a law can be trusted beyond its models, nothing measured here can tell.",
    )
