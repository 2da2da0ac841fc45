"""Every control of the app, in the order in which the label of a view names them.

A new control is one entry here: links, *Copy link*, *Export view* and the next page then include
it.  Views side by side can differ in controls with ``makes_view``.
"""

import math
from collections.abc import Mapping

from dashboard.analysis.bound.terms import CODES, PREQUENTIAL, REQUENTIAL
from dashboard.analysis.bound.units import UNITS
from dashboard.analysis.laws.fits import SHAPES
from dashboard.analysis.laws.sizes import ANOTHER, LARGEST, RATIOS, SMALLEST
from dashboard.analysis.measured.curvature import MATRICES
from dashboard.artifacts.settings import QUANTIZERS, Quantizer, Setting
from dashboard.artifacts.suite import Suite
from dashboard.style.glossary import CODE_LABELS
from dashboard.style.inequalities import FORMS, SAMPLED, Form, forms_of
from dashboard.style.numbers import delta_label
from dashboard.ui.controls import links
from dashboard.ui.controls.control import (
    Control,
    Number,
    OneOf,
    Said,
    Several,
    Sheet,
    Switch,
    Text,
    UnknownValueError,
    buttons,
    radio,
    slider,
)

#: Whether every model is at its own best setting or all are at the chosen one.
BEST, CHOSEN = "best measured", "as chosen"

#: Steps of the failure probability: 1, 2 and 5 in every decade from 1e-12 up to 0.5.
DELTAS = tuple(float(f"{digit}e{exponent}") for exponent in range(-12, 0) for digit in (1, 2, 5))
DEFAULT_DELTA = 0.05

#: Steps of the bandwidth of a spectrum, in decades.
BANDWIDTHS = (0.03, 0.05, 0.1, 0.15, 0.2, 0.3, 0.5)
DEFAULT_BANDWIDTH = 0.2


def _quantizers(suite: Suite, said: Said) -> dict[str, Quantizer]:
    found = {setting.family for setting in suite.settings()}
    return {quantizer.label: quantizer for quantizer in QUANTIZERS if quantizer in found}


def _rates(suite: Suite, said: Said) -> dict[str, Setting]:
    of = said.get("quantizer")
    return {s.rate: s for s in suite.settings() if s.family.label == of}


def _forms(suite: Suite, said: Said) -> dict[str, Form]:
    return forms_of(suite.is_sampled)


def _models(suite: Suite, said: Said) -> dict[str, str]:
    another = [ANOTHER] if "n" in said else []
    return {name: name for name in [*suite.models()["model_id"], *another]}


def _ideas_of_quantizers(families: Mapping[str, Quantizer]) -> str:
    ideas = (f"**{q.label}**: {q.idea}" for q in families.values())
    return "\n\n".join(["How weights are rounded to few bits.", *ideas])


def _ideas_of_forms(forms: Mapping[str, Form]) -> str:
    sampled = any(form.key == SAMPLED for form in forms.values())
    ideas = (f"**{f.label}**: {f.idea} *({f.source})*" for f in forms.values())
    return "\n\n".join([_OF_A_SAMPLE if sampled else _OF_ALL_TOKENS, *ideas])


_OF_ALL_TOKENS = (
    f"Each form holds by itself: fix one in advance. Quoting the smallest of {len(FORMS)} would "
    f"cost log2({len(FORMS)}) = {math.log2(len(FORMS)):.1f} more bits in the code."
)
_OF_A_SAMPLE = (
    "Only sampled windows of this suite's training text were scored. One form can be certified "
    "from them: its summand has a known interval, so its mean over all windows can be bounded. "
    "The others need every training token."
)


def _about_codes(codes: Mapping[str, str]) -> str:
    return (
        "**stored**: the size of a file with every tensor at a fixed width, including scales and "
        "norms. **entropy-coded**: the size of a file from a range coder, including its tables. "
        "Every weight is restored from it bit by bit. Bounds with either are certificates. "
        "**nominal**: bits × parameters, the paper's headline count (on an unclipped grid the "
        "bits are the entropy of the codes). It leaves out parts that a decoder needs, so it "
        "certifies nothing."
    ) + "".join(text for code, text in _ABOUT.items() if code in codes.values())


_ABOUT = {
    PREQUENTIAL: " **prequential**: the area between the online losses of training and the final "
    "loss, a heuristic for the information in the unquantized model; it is not a certificate.",
    REQUENTIAL: " **requential**: what a student took from its teacher, without ever seeing the "
    "training text. The bound is then of the student. It is a certificate in the geometric form, "
    "though no file exists.",
}


def _about_sizes(names: Mapping[str, str]) -> str:
    return "The model whose numbers are shown in detail; all sizes stay in the charts." + (
        f" *{ANOTHER}*, at the right end, applies the laws of the measured models to any size."
        if ANOTHER in names
        else ""
    )


def _step_of_delta(text: str) -> str:
    """The slider's step for a link's text: 1e-6 is 1e-06."""
    try:
        number = float(text)
    except ValueError:
        number = math.nan
    if not 0.0 < number < 1.0:
        raise UnknownValueError("is not a probability strictly between 0 and 1")
    if number not in DELTAS:
        raise UnknownValueError(
            f"is not one of the slider's steps from {DELTAS[0]:g} to {DELTAS[-1]:g}"
        )
    return delta_label(number)


# --- which models, and what is counted

SUITE = OneOf(
    key="suite",
    label="Suite of models",
    called="the suite",
    makes_view=True,
    on_change=links.change_options,
    help="Models that were measured together: trained with one recipe at several sizes, or a "
    "single model.",
)
COMPARE = Several(
    key="compare",
    label="Compare with",
    called="the compared suite",
    help="Shows the same chart for other suites too. Controls apply to this suite; if another "
    "suite lacks the chosen setting, its nearest one is shown and named.",
)
UNIT = OneOf(
    key="unit",
    label="Unit of losses",
    called="the unit",
    widget=buttons,
    options=UNITS,
    help="A token is what a model's own tokenizer makes it. Bits per byte of text (nats per "
    "token, divided by ln 2 and by the mean bytes of a token) can be compared between "
    "tokenizers.",
)
TOGETHER = Switch(
    key="together",
    label="Fit all suites together",
    help="Off: every suite has its own laws. On: one law through the models of all, which mixes "
    "texts, tokenizers and training recipes.",
)

# --- the bound

SETTINGS = OneOf(
    key="settings",
    label="Setting of each model",
    widget=buttons,
    options={BEST: BEST, CHOSEN: CHOSEN},
    makes_view=True,
    help="**best measured**: each model at the quantizer and rate with its smallest gap, "
    "entropy-coded, in our form. The paper's form is at its own best rate of GPTQ, in the "
    "stored file. **as chosen**: all models and both forms at one setting and code of your "
    "choice.",
)
QUANTIZER = OneOf(
    key="quantizer",
    label="Quantizer",
    called="the quantizer",
    options=_quantizers,
    makes_view=True,
    on_change=links.change_options,
    help=_ideas_of_quantizers,
)
BITS = OneOf(
    key="bits",
    label="Bits per weight",
    called="the bitrate",
    widget=slider,
    options=_rates,
    makes_view=True,
    help="On a clipped grid weights are rounded to one of $2^b$ levels per row or group. On an "
    "unclipped grid levels are one step apart, as many as needed: a wider step means fewer "
    "bits. 16 is bfloat16 and 32 is float32, without a grid.",
)
FORM = OneOf(
    key="form",
    label="Form of the bound",
    called="the form of the bound",
    options=_forms,
    makes_view=True,
    beside="form {}",
    help=_ideas_of_forms,
)
CODE = OneOf(
    key="code",
    label="Code length of the model",
    called="the code length",
    widget=buttons,
    options={CODE_LABELS[key]: key for key in (*CODES, REQUENTIAL, PREQUENTIAL)},
    makes_view=True,
    help=_about_codes,
)
DELTA = OneOf(
    key="delta",
    label="Failure probability δ",
    called="delta",
    widget=slider,
    options={delta_label(delta): delta for delta in DELTAS},
    default=delta_label(DEFAULT_DELTA),
    parse=_step_of_delta,
    makes_view=True,
    beside="δ = {}",
    help="The bound may be wrong with at most this probability over the draw of the training text.",
)

# --- the size

MODEL = OneOf(
    key="model",
    label="Model size",
    called="the model",
    widget=slider,
    options=_models,
    makes_view=True,
    help=_about_sizes,
)
N = Number(
    key="n",
    label="Parameters N",
    called="the size",
    ends=(SMALLEST, LARGEST),
    makes_view=True,
    beside="N = {}",
    help="Any size, such as 300k, 1.4B or 2e12. Only laws describe it, and their values are "
    "marked: between measured sizes, or extrapolated.",
)

# --- curvature

MATRIX = OneOf(
    key="matrix",
    label="Matrix",
    called="the matrix",
    widget=buttons,
    options={label: key for key, label in MATRICES.items()},
    makes_view=True,
    beside="{} matrix",
    help="**Hessian**: all second derivatives of the loss; some of its eigenvalues are "
    "negative.\n\n**Gauss–Newton**: the part of the Hessian that remains if the model is "
    "linear in its weights. It has no negative eigenvalues, and after training it is the "
    "larger part. Its root is well defined, and the two rules that estimate it enclose the "
    "exact value.",
)
BANDWIDTH = OneOf(
    key="bandwidth",
    label="Bandwidth of the spectrum, decades",
    called="the bandwidth",
    widget=slider,
    options={f"{width:g}": width for width in BANDWIDTHS},
    default=f"{DEFAULT_BANDWIDTH:g}",
    help="A spectrum is known as a few dozen nodes with weights; each is drawn as a Gaussian "
    "curve of this width. A narrow width shows the nodes, a wide one the trend. The "
    "measurement stays the same.",
)
PREDICTED = OneOf(
    key="predicted",
    label="Gap to predict",
    help="The quantizer whose measured gaps are compared with the prediction, at every bitrate "
    "and model size. The prediction is for rounding with error feedback (GPTQ, LDLQ), best "
    "after a rotation.",
)
FROM = OneOf(
    key="from",
    label="Predicted from",
    help="The prediction that the two charts show. The table compares all of them.",
)

# --- laws and predictions

RATIO = Number(
    key="ratio",
    label="Tokens per parameter",
    called="tokens per parameter",
    ends=RATIOS,
    makes_view=True,
    beside="{} tokens per parameter",
    help="Training tokens per parameter, r: D = r·N. The default is the suite's own. Another one "
    "changes the cost of the code per token; the losses stay those of the suite's ratio.",
)
VOCAB = Number(
    key="vocab",
    label="Vocabulary V",
    called="the vocabulary",
    ends=(1.0, 1e7),
    makes_view=True,
    beside="V = {}",
    help="Classes of the output distribution, V. It enters through ln V and the largest possible "
    "loss. The losses stay those of the suite's own tokens, so V cannot be smaller than "
    "theirs.",
)
TARGET = Number(
    key="target",
    label="Target gap",
    ends=(0.001, 20),
    help="The gap to reach, bound − training loss, to find the smallest model that has it.",
)
QUANTITY = OneOf(
    key="quantity",
    label="Quantity",
    help="The quantity of the large chart. Others of its group are below, and all are in the "
    "table.",
)
LAW = OneOf(
    key="law",
    label="Shape of the laws",
    options=SHAPES,
    makes_view=True,
    help="$y = cN^{-p}$, or with a floor, $y = a + cN^{-p}$, $a \\ge 0$: the level that a "
    "quantity approaches. A floor needs at least 4 sizes, and few sizes determine it poorly.",
)
REACH = Number(
    key="reach",
    label="Draw laws up to N",
    ends=(SMALLEST, LARGEST),
    help="Laws are drawn up to this size, solid where models were measured and dashed beyond. "
    "These data cannot validate an extrapolation.",
)

# --- your losses

EXAMPLE = Switch(
    key="own_example",
    label="Show the example",
    help="Reads the example file like an upload, with the values that belong to it.",
)
PARAMS_TOTAL = Text(
    key="own_n",
    label="Parameters N",
    help="All parameters, with embeddings; used only for bits per parameter.",
)
TRAIN_TOKENS = Text(
    key="own_d",
    label="Training tokens D",
    help="Tokens of the one training epoch. Without a column `window` the file must cover every "
    "one of them once.",
)
VOCAB_SIZE = Text(
    key="own_v",
    label="Vocabulary V",
    help="Classes of the output distribution.",
)
CODE_BITS = Text(
    key="own_bits",
    label="Code length L",
    help="Bits of a prefix-free code for the whole evaluated model. Several lengths, separated by "
    "semicolons, are several codes: the bound pays for the choice.",
)
TRAINING_LOSS = Text(
    key="own_start",
    label="Training loss (optional)",
    help="Mean training loss of the unquantized model, which the gap subtracts; otherwise the gap "
    "subtracts the losses of the file.",
)
BYTES_PER_TOKEN = Text(
    key="own_bytes",
    label="Bytes per token (optional)",
    help="Mean bytes of text per token, to show losses in bits per byte.",
)
CODE_IS = OneOf(
    key="own_code",
    label="The code length is",
    help="A bound is a certificate only if a decoder restores the evaluated model, and everything "
    "that it needs, from this many bits.",
)

# --- artifacts

PART = OneOf(
    key="part",
    label="Show",
    called="the part of the page",
    widget=radio,
    on_change=links.change_options,
)
SHEET = Sheet(key="sheet", label="Page")


def _other_rows() -> None:
    """A change of rows starts again at the first page."""
    links.change_options()
    SHEET.restart()


TABLE = OneOf(key="table", label="Table", on_change=_other_rows, help="One of the tables.")
ONLY = OneOf(key="only", label="Rows of", on_change=_other_rows, help="Shows one model only.")
AT = OneOf(key="at", label="At", on_change=_other_rows, help="Shows one setting only.")
WHERE = Text(
    key="where",
    label="Rows where",
    longest=200,
    placeholder="bits <= 4; layer ~ attention",
    on_change=_other_rows,
    help="Conditions that rows must meet, parted by semicolons: `bits <= 4; layer ~ attention`. "
    "Numbers, true or false, and times (`2026-01-31`) compare with = != < <= > >=; words with "
    "= and !=, or ~ for *contains*, in small or capital letters alike. `null` stands for what is "
    "missing.",
)
FILE = OneOf(key="file", label="File", on_change=_other_rows, help="The file to download.")
NUMBER = OneOf(
    key="number", label="Number", on_change=_other_rows, help="A number that the pages show."
)
OF = OneOf(key="of", label="Model", on_change=_other_rows, help="The model of the number.")

#: All controls by their names in links.
CONTROLS: dict[str, Control] = {
    control.key: control for control in tuple(globals().values()) if isinstance(control, Control)
}

#: Controls in which views side by side may differ.
OF_A_VIEW = {key: control for key, control in CONTROLS.items() if control.makes_view}
