"""Words and colours that every page shares: one name, one colour, one equation per term."""

from dataclasses import dataclass

import pandas as pd


@dataclass(frozen=True)
class Term:
    """A term of the bound as a reader meets it.

    Attributes:
        key: field of ``bounds.RiskBound`` and column of the data.
        label: name in charts and tables.
        colour: the same on every page, in light and dark. The hues are those of Okabe and Ito's
            palette, moved until readers of any colour vision can tell all of them apart on white
            and on black; tests/dashboard/test_colours.py says by how much.
        meaning: one or two sentences without jargon.
    """

    key: str
    label: str
    colour: str
    meaning: str


TERMS = (
    Term(
        key="training_loss_nats",
        label="Training loss",
        colour="#5B6770",
        meaning="Mean loss of the trained model, before quantization, on its training text.",
    ),
    Term(
        key="complexity_nats",
        label="Complexity",
        colour="#2F9AE8",
        meaning="What the information in the model may have bought by memorizing: bits per "
        "parameter times parameters per token.",
    ),
    Term(
        key="loss_variation_nats",
        label="Loss variation",
        colour="#BA8C06",
        meaning="How far losses stray from what the model itself expects them to be. "
        "Steadier losses leave less room for luck.",
    ),
    Term(
        key="smoothing_nats",
        label="Smoothing",
        colour="#008C60",
        meaning="Price of mixing in the uniform distribution, so that no single token can cost "
        "more than a known amount; and of rounding losses up into bins, some thousandths.",
    ),
    Term(
        key="quantization_gap_nats",
        label="Quantization gap",
        colour="#B8430F",
        meaning="What rounding the weights to few bits adds to the training loss.",
    ),
    Term(
        key="sampling_nats",
        label="Sampling",
        colour="#D4739F",
        meaning="What it costs that only sampled windows of the training text were scored: how far "
        "their mean may by chance lie below that of all windows.",
    ),
)


def terms_in(frame: pd.DataFrame) -> tuple[Term, ...]:
    """The terms that occur: without sampling where every training token was scored."""
    absent = "sampling_nats" if not frame["sampling_nats"].any() else None
    return tuple(term for term in TERMS if term.key != absent)


def term_of(key: str) -> Term:
    """The term with this key."""
    return next(term for term in TERMS if term.key == key)


#: Colour of the whole gap (all terms but the training loss).
GAP_COLOUR = "#9A6FB0"

HELDOUT_LABEL = "Held-out, quantized"
TRAIN_LABEL = "Training, unquantized"

#: Fill of the points for the two measured losses, held-out first.
MEASURED_COLOURS = ["#F0E442", "#4A5568"]

#: Grey for guides and labels, legible on light and on dark.
GUIDE_COLOUR = "#808894"

#: Code lengths by their keys in ``terms``, in a reader's words.
CODE_LABELS = {
    "stored": "stored",
    "entropy_coded": "entropy-coded",
    "nominal": "nominal",
    "prequential": "prequential",
}

#: Colours of the codes, apart from those of the terms and the quantizers.
CODE_COLOURS = {
    "stored": "#00788C",
    "entropy_coded": "#658DF9",
    "nominal": "#A39068",
    "prequential": "#C2185B",
}

#: Colours of the curvature matrices, apart from all of those.
MATRIX_COLOURS = {"gauss_newton": "#6C5B9E", "hessian": "#B5651D"}

#: Colours of ordered curves, without the ends that are pale on white or faint on black.
RAMP = {"name": "viridis", "extent": [0.12, 0.8]}

PAPER_LABEL = "Paper's bound"
PAPER_UNCERTIFIED_LABEL = "Paper's terms: no bound"
GUESS_LABEL = "Uniform guess, ln V"

GUARANTEE = (
    "For each model by itself: with probability at least $1-\\delta$ over the training text, the "
    "expected loss of the smoothed, quantized model on a **fresh next token in every training "
    "context** is at most the bound. It says nothing about whole new documents or downstream tasks."
)


def parameter_count(params: float) -> str:
    """``29.2k``, ``1.41B``."""
    params = float(f"{params:.3g}")  # or 999,999.9 would be 1e+03k
    for factor, suffix in ((1e12, "T"), (1e9, "B"), (1e6, "M"), (1e3, "k")):
        if params >= factor:
            return f"{params / factor:.3g}{suffix}"
    return f"{params:.0f}"


#: What readers ask, answered in place.
QUESTIONS = (
    (
        "What is C made of?",
        r"$C = [L \ln 2 + \ln(|K|/\delta)]/D$: the bits of a code for the whole model, plus a "
        "little for certainty and for choices made after seeing the data, shared out over the $D$ "
        "training tokens. At $b$ bits per weight and 20 tokens per parameter that is about "
        r"$b \ln 2 / 20$: fewer bits, or more tokens per parameter, and $C$ shrinks. The geometric "
        "form has no grid $K$; it adds 20 bits to $L$ for the parameters that it chooses.",
    ),
    (
        "Why must Y (or W) be predictable?",
        "The control variate is what a loss is compared with. It may depend on everything *before* "
        "the token, such as the entropy of the model's prediction, but not on the token: a variate "
        "that peeks could explain every loss away, and the bound would promise anything.",
    ),
    (
        "What exactly is guaranteed?",
        r"With probability at least $1-\delta$ over the training text: the expected loss of the "
        "smoothed, quantized model on a fresh next token, averaged over the contexts of the "
        "training text, is at most the bound. The model evaluated is the one that a decoder "
        "restores from its code.",
    ),
    (
        "What is not guaranteed?",
        "Nothing about whole new documents, whose contexts were never seen, nor about downstream "
        "tasks. The measured held-out loss is such a document-level number: it is shown for "
        "comparison, and it may lawfully lie above or below.",
    ),
    (
        "What does training itself certify?",
        "Each batch is scored before it is trained on, so the model that scores it does not depend "
        "on it. The mean risk *during training* of the models on the way then has a bound without "
        "any code (progressive validation). It says nothing about the final model, whose training "
        "tokens are no longer new to it: that needs a code for the model, or fresh text.",
    ),
    (
        "Would splitting tokens into bits tighten it?",
        "The number would fall, but it would bound something else. If each bit may be predicted "
        "from the earlier bits *of its own token*, most of a token's surprise becomes context that "
        "is given, not predicted. On a tree balanced under the model every decision costs ln 2 "
        "whatever the truth, and that 'risk' equals the training loss by construction.",
    ),
)
