"""Words and colours that every page shares: one name, one colour, one equation per term."""

from dataclasses import dataclass


@dataclass(frozen=True)
class Term:
    """A term of the bound as a reader meets it.

    Attributes:
        key: field of ``bounds.RiskBound`` and column of the data.
        label: name in charts and tables.
        colour: the same on every page, in light and dark; the five are from Okabe and Ito's
            palette, which readers with any colour vision can tell apart.
        formula: LaTeX.
        meaning: one or two sentences without jargon.
        source: where the formula stands.
    """

    key: str
    label: str
    colour: str
    formula: str
    meaning: str
    source: str


TERMS = (
    Term(
        key="training_loss_nats",
        label="Training loss",
        colour="#8D99A6",
        formula=r"\hat R(h)",
        meaning="Mean loss of the trained model, before quantization, on its own training text.",
        source="section 0",
    ),
    Term(
        key="complexity_nats",
        label="Complexity",
        colour="#3D9BE9",
        formula=r"C \ln V",
        meaning="What the information in the model may have bought by memorizing: bits per "
        "parameter times parameters per token.",
        source="sections 2 and 4; Theorem 3.4",
    ),
    Term(
        key="loss_variation_nats",
        label="Loss variation",
        colour="#E69F00",
        formula=r"\Sigma \sqrt{C}",
        meaning="How far losses stray from what the model itself expects them to be. "
        "Steadier losses leave less room for luck.",
        source="section 1; Theorem 3.1",
    ),
    Term(
        key="smoothing_nats",
        label="Smoothing",
        colour="#009E73",
        formula=r"\sqrt{2C}",
        meaning="Price of mixing in the uniform distribution, so that no single token can cost "
        "more than a known amount.",
        source="section 3; Lemma 3.2",
    ),
    Term(
        key="quantization_gap_nats",
        label="Quantization gap",
        colour="#D55E00",
        formula=r"\hat R(h_q) - \hat R(h)",
        meaning="What rounding the weights to few bits adds to the training loss.",
        source="section 4; Theorem 3.4",
    ),
)

#: Colour of the whole gap (all terms but the training loss).
GAP_COLOUR = "#9A6FB0"

TOTAL_LABEL = "Bound"
HELDOUT_LABEL = "Held-out loss, measured"
TRAIN_LABEL = "Training loss, measured"

#: Fill of the points for the two measured losses, held-out first.
MEASURED_COLOURS = ["#F0E442", "#4A5568"]

#: Grey for guides and labels, legible on light and on dark.
GUIDE_COLOUR = "#808894"

GUESS_LABEL = "Uniform guess, ln V"

GUARANTEE = (
    "With probability at least $1-\\delta$ over the training text, the expected loss of the "
    "smoothed, quantized model on a **fresh next token in every training context** is at most "
    "the bound. It says nothing about whole new documents or downstream tasks."
)


def parameter_count(params: float) -> str:
    """``29.2k``, ``1.41B``."""
    for factor, suffix in ((1e12, "T"), (1e9, "B"), (1e6, "M"), (1e3, "k")):
        if params >= factor:
            return f"{params / factor:.3g}{suffix}"
    return f"{params:.0f}"
