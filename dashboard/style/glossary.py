"""Words and colours that every page shares: one name, one colour, one equation per term."""

from dataclasses import dataclass

import pandas as pd


@dataclass(frozen=True)
class Term:
    """A term of the bound with its name and colour on the pages.

    Attributes:
        key: column of tables whose unit is stated beside them.
        label: name in charts and tables.
        colour: the same on every page, in light and dark. The hues are those of Okabe and Ito's
            palette, adjusted so that all differ for every kind of colour vision, on white
            and on black; tests/dashboard/style/test_colours.py measures by how much.
        meaning: one or two sentences without jargon.
    """

    key: str
    label: str
    colour: str
    meaning: str

    @property
    def nats(self) -> str:
        """Field of ``bounds.RiskBound`` and column of tables in nats per token."""
        return f"{self.key}_nats"


TERMS = (
    Term(
        key="training_loss",
        label="Training loss",
        colour="#5B6770",
        meaning="Mean loss of the trained model, before quantization, on its training text.",
    ),
    Term(
        key="complexity",
        label="Complexity",
        colour="#2F9AE8",
        meaning="Cost of the information in the model, which may be memorized: bits per parameter "
        "over tokens per parameter.",
    ),
    Term(
        key="loss_variation",
        label="Loss variation",
        colour="#BA8C06",
        meaning="How far losses deviate from what the model itself expects. Steadier losses leave "
        "less room for luck.",
    ),
    Term(
        key="smoothing",
        label="Smoothing",
        colour="#008C60",
        meaning="Cost of mixing in the uniform distribution, which limits the loss of every "
        "token. It includes rounding losses up into bins, some thousandths.",
    ),
    Term(
        key="quantization_gap",
        label="Quantization gap",
        colour="#B8430F",
        meaning="Increase of the training loss by rounding the weights to few bits, or by taking "
        "a student instead of the trained model.",
    ),
    Term(
        key="sampling",
        label="Sampling",
        colour="#D4739F",
        meaning="Cost of scoring only sampled windows of the training text: their mean may be "
        "below that of all windows by chance.",
    ),
)


def terms_in(frame: pd.DataFrame) -> tuple[Term, ...]:
    """The terms that occur: without sampling if every training token was scored."""
    absent = "sampling" if not frame["sampling"].any() else None
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

#: Code lengths by their keys in ``terms``, with their labels.
CODE_LABELS = {
    "stored": "stored",
    "entropy_coded": "entropy-coded",
    "nominal": "nominal",
    "prequential": "prequential",
    "requential": "requential",
}

#: Colours of the codes, distinct from those of the terms and the quantizers.
CODE_COLOURS = {
    "stored": "#00788C",
    "entropy_coded": "#658DF9",
    "nominal": "#A39068",
    "prequential": "#C2185B",
    "requential": "#E27036",
}

#: Colours of the curvature matrices, distinct from all of those.
MATRIX_COLOURS = {"gauss_newton": "#6C5B9E", "hessian": "#B5651D"}

#: Colours of ordered curves, without the ends that are pale on white or faint on black.
RAMP = {"name": "viridis", "extent": [0.12, 0.8]}

PAPER_LABEL = "Paper's bound"
PAPER_UNCERTIFIED_LABEL = "Paper's terms, not a bound"
GUESS_LABEL = "Uniform guess, ln V"

GUARANTEE = (
    "For each single model: with probability at least $1-\\delta$ over the training text, the "
    "expected loss of the smoothed, quantized model is at most the bound. (For a requential "
    "student, instead of a quantized model, also over what its teacher draws.) The expectation is "
    "over a **newly drawn next token in every training context**. The bound does not cover whole "
    "new documents or downstream tasks."
)


def parameter_count(params: float) -> str:
    """``29.2k``, ``1.41B``."""
    params = float(f"{params:.3g}")  # otherwise 999,999.9 would be 1e+03k
    for factor, suffix in ((1e12, "T"), (1e9, "B"), (1e6, "M"), (1e3, "k")):
        if params >= factor:
            return f"{params / factor:.3g}{suffix}"
    return f"{params:.0f}"


#: Why a suite of published models has no requential students.
NEEDS_TRAINING = (
    "A requential student is trained beside its teacher, from the first step and on the same text. "
    "Published weights alone are not enough; the ladder that this project trains has students."
)

#: Frequent questions about the bound, with answers.
QUESTIONS = (
    (
        "What is C made of?",
        r"$C = [L \ln 2 + \ln(|K|/\delta)]/D$. It divides the bits of a code for the whole model "
        "by the $D$ training tokens. It adds a little for the confidence level and for choices "
        "made after seeing the data. At $b$ bits per weight and 20 tokens per parameter $C$ is "
        r"about $b \ln 2 / 20$. Fewer bits, or more tokens per parameter, make it smaller. The "
        "geometric form has no grid $K$; it adds 20 bits to $L$ for the parameters that it "
        "chooses. A requential student pays the bits that it took, and 64 for its recipe.",
    ),
    (
        "Why must Y (or W) be predictable?",
        "Losses are compared with the control variate. It may depend on everything *before* the "
        "token, such as the entropy of the model's prediction, but not on the token. A variate "
        "that depends on the token could cancel every loss, and the bound would be meaningless.",
    ),
    (
        "What exactly is guaranteed?",
        r"With probability at least $1-\delta$ over the training text, the expected loss of the "
        "smoothed, quantized model is at most the bound. The expectation is over a newly drawn "
        "next token, averaged over the contexts of the training text. The evaluated model is the "
        "one that a decoder restores from its code, or a requential student; then the probability "
        "is also over what its teacher draws.",
    ),
    (
        "What is not guaranteed?",
        "Losses on whole new documents, with contexts that were never seen, and on downstream "
        "tasks. The measured held-out loss is of this kind. It is shown for comparison, and it "
        "may be above or below the bound.",
    ),
    (
        "What does training itself certify?",
        "Training scores each batch before it trains on it, so the model that scores a batch does "
        "not depend on it. So the mean risk *during training* has a bound without any code "
        "(progressive validation). It does not cover the final model, which has seen the training "
        "tokens: that requires a code for the model, or new text.",
    ),
    (
        "Would splitting tokens into bits tighten it?",
        "The number would fall, but it would bound another quantity. If each bit may be predicted "
        "from the earlier bits *of its own token*, most of a token's information becomes context "
        "instead of prediction. On a tree balanced under the model every decision costs ln 2 for "
        "any token, so that 'risk' equals the training loss by construction.",
    ),
)
