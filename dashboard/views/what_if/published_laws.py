"""Values of published laws at a chosen size, from other text and tokens, for comparison."""

import math
from dataclasses import dataclass

import numpy as np
import pandas as pd

from bounds import complexity, nominal_bits
from bounds.laws.published import NON_EMBEDDING, PUBLISHED, PublishedLaw, published
from dashboard.analysis.laws.published import nonembedding
from dashboard.artifacts.suite import Suite
from dashboard.style.glossary import parameter_count
from dashboard.style.numbers import count_label, number_label
from dashboard.ui.drawing import show
from dashboard.views.what_if.scenario import Scenario

#: Quantities of the laws as text, with their units.
QUANTITIES = {
    "loss_nats": "test loss, nats per token",
    "sigma_nats": "Σ of the paper's form, nats/√nat",
    "information_bits": "prequential information, bits",
    "requential_bits": "requential bits of a student",
}


@dataclass(frozen=True)
class InformationPerToken:
    """C of the paper's kind of model at one size, with two lengths of its code.

    Attributes:
        published_bits: the paper's prequential information of Pythia.
        published_nats: C with it, nats per token.
        nominal_bits_per_parameter: of the chosen setting.
        nominal_nats: C with those bits, nats per token.
        crossing: N from which the published information is the smaller of the two.
    """

    published_bits: float
    published_nats: float
    nominal_bits_per_parameter: float
    nominal_nats: float
    crossing: float


def values_at(suite: Suite, n: float, ratio: float, vocab_size: int) -> pd.DataFrame:
    """One row per published law at N = ``n`` and D = ``ratio`` * N.

    Columns: law, quantity, value (NaN where its source has no law there), parameters_used, counts
    (which N the law uses), converted (or None if it needs no conversion), inside (the range of its
    models), source, note.
    """
    rest = float(nonembedding(np.array([n]), suite.models(), vocab_size)[0])
    return pd.DataFrame([_row(law, n, ratio * n, rest) for law in PUBLISHED])


def _row(law: PublishedLaw, n: float, d: float, rest: float) -> dict:
    needed = law.parameters == NON_EMBEDDING
    used = rest if needed and math.isfinite(rest) else n
    return {
        "law": law.label,
        "quantity": QUANTITIES[law.quantity],
        "value": float(law.value(used, d)),
        "parameters_used": used,
        "counts": law.parameters,
        "converted": math.isfinite(rest) if needed else None,
        "inside": bool(law.covers(used, d)),
        "source": law.source,
        "note": law.note,
    }


def information_per_token(
    bits_per_parameter: float, n: float, ratio: float, failure_probability: float
) -> InformationPerToken:
    """C at N = ``n`` and D = ``ratio`` * N, with the paper's information and with nominal bits."""
    law = published("information_bits")[0]
    size, tokens = max(1, round(n)), max(1, round(ratio * n))
    bits = float(law.value(n, tokens))
    at_one = float(law.value(1.0, tokens))
    exponent = math.log(float(law.value(math.e, tokens)) / at_one)
    return InformationPerToken(
        published_bits=bits,
        published_nats=complexity(bits, tokens, failure_probability).total_nats,
        nominal_bits_per_parameter=bits_per_parameter,
        nominal_nats=complexity(
            nominal_bits(bits_per_parameter, size), tokens, failure_probability
        ).total_nats,
        crossing=(at_one / bits_per_parameter) ** (1.0 / (1.0 - exponent)),
    )


def table(rows: pd.DataFrame) -> None:
    """Published laws at the chosen size, each with the range and the parameter count of its
    models."""
    lines = [
        "| law | quantity | value here | N and D in the range of its models? | N as it counts | "
        "source |",
        "|---|---|--:|---|---|---|",
    ]
    for row in rows.itertuples():
        known = math.isfinite(row.value)
        inside = "yes" if row.inside else f"**no**, {'extrapolated' if known else 'none reported'}"
        size = count_label(row.parameters_used)
        if row.converted is None:
            counted = f"all: {size}"
        elif row.converted:
            counted = f"without embeddings: {size}"
        else:
            counted = f"without embeddings, not converted: {size}"
        value = f"{row.value:.4g}" if row.value < 1e5 else f"{row.value:.3g}"
        value = value if known else "–"
        lines.append(
            f"| {row.law} | {row.quantity} | {value} | {inside} | {counted} | {row.source} |"
        )
    show.markdown("\n".join(lines))


def reading(here: InformationPerToken, n: float, scenario: Scenario, several: bool) -> None:
    """The caption of these numbers, and C by the paper's information and by nominal bits.

    Args:
        several: whether the suite has models of several sizes.
    """
    share = (
        "shapes; their share of embeddings is extrapolated from the two largest models and grows "
        "with V"
        if several
        else "model; its share of embeddings is used for every N and grows with V"
    )
    show.caption(
        "All of these laws are for **other text and other tokens** than this suite's, with tens "
        "of thousands of classes: compare shapes, not values. Kaplan et al. count parameters "
        f"without embeddings, converted by this suite's {share}."
    )
    smaller = "smaller" if here.published_nats < here.nominal_nats else "larger"
    show.markdown(
        "**C by the paper's information.** Finzi et al. report $6\\cdot10^5\\sqrt N$ bits of "
        f"prequential information for Pythia. At N = {parameter_count(n)} and "
        f"{count_label(scenario.tokens_per_parameter)} tokens per parameter that gives C = "
        f"**{number_label(here.published_nats)}** nats per token. This is {smaller} than the "
        f"**{number_label(here.nominal_nats)}** of {here.nominal_bits_per_parameter:.3g} nominal "
        "bits per parameter. Pythia's information is smaller from N ≈ "
        f"{parameter_count(here.crossing)} on. Neither length is that of a real code."
    )
