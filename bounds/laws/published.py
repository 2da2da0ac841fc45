"""Published scaling laws as data: value, source, range, parameter convention.

None was fitted to measurements of this project; losses are in nats per token of each source's own
text and tokenizer, so a law is a shape to compare with, not a prediction for another corpus.
"""

from collections.abc import Callable
from dataclasses import dataclass

import numpy as np

#: Parameters with embeddings, and without them.
TOTAL, NON_EMBEDDING = "total", "non-embedding"


@dataclass(frozen=True)
class PublishedLaw:
    """A law as its source gives it.

    Attributes:
        key: short name, unique.
        label: for charts and tables.
        quantity: ``loss_nats``, ``sigma_nats``, ``information_bits`` or ``requential_bits``.
        formula: LaTeX.
        value: (N, D) -> the quantity; arrays broadcast. N as ``parameters`` says, D in tokens.
        parameters: ``TOTAL`` or ``NON_EMBEDDING``.
        smallest, largest: N of the models it was fitted to; anything outside is extrapolation.
        tokens: D of those models, (smallest, largest).
        source: publication.
        note: further facts for users of the law.
        ratios: D/N of those models, for laws of a frontier.
    """

    key: str
    label: str
    quantity: str
    formula: str
    value: Callable[[np.ndarray, np.ndarray], np.ndarray]
    parameters: str
    smallest: float
    largest: float
    tokens: tuple[float, float]
    source: str
    note: str
    ratios: tuple[float, float] = (0.0, np.inf)

    def covers(self, n: np.ndarray, d: np.ndarray) -> np.ndarray:
        """Whether N (as the law counts it) and D are in the fitted range; shapes broadcast."""
        n, d = np.asarray(n, dtype=np.float64), np.asarray(d, dtype=np.float64)
        inside = (n >= self.smallest) & (n <= self.largest)
        inside &= (d >= self.tokens[0]) & (d <= self.tokens[1])
        return inside & (d >= self.ratios[0] * n) & (d <= self.ratios[1] * n)


def _parametric(
    e: float, a: float, b: float, alpha: float, beta: float
) -> Callable[[np.ndarray, np.ndarray], np.ndarray]:
    return lambda n, d: e + a / n**alpha + b / d**beta


def _closed_form_bits(b: float, beta: float, d: np.ndarray) -> np.ndarray:
    return b * beta / (1 - beta) * np.asarray(d, dtype=np.float64) ** (1 - beta) / np.log(2)


#: Sizes and bits per parameter that Qiu et al. report for requential students on FineWeb.
_REQUENTIAL_SIZES = np.array([65e6, 135e6, 267e6, 523e6, 1e9])
_REQUENTIAL_BITS = np.array([1.92, 1.72, 1.62, 1.43, 1.25])


def _between_reported(n: np.ndarray, d: np.ndarray) -> np.ndarray:
    """N times the reported bits, straight on log axes from point to point, NaN beyond them."""
    log_n = np.log(np.asarray(n, dtype=np.float64) + 0.0 * np.asarray(d))
    known = np.log(_REQUENTIAL_SIZES)
    bits = np.interp(log_n, known, np.log(_REQUENTIAL_BITS), left=np.nan, right=np.nan)
    return np.exp(log_n + bits)


#: (smallest N, largest N, (smallest D, largest D)), each as its source gives it.
_KAPLAN_RANGE = (768.0, 1.5e9, (2.2e7, 2.3e10))
_CHINCHILLA_RANGE = (7e7, 1.6e10, (5e9, 5e11))

#: The 240 runs that Besiroglu et al. read off the figures of Hoffmann et al.
_BESIROGLU_RANGE = (5.73e7, 1.62e10, (8.19e8, 3.18e11))

#: Pythia from 70M on, at the saved steps near 20 tokens per parameter.
_PYTHIA_RANGE = (70_426_624.0, 11_846_072_320.0, (1.07e9, 2.37e11))
_PYTHIA_RATIOS = (15.0, 26.0)

PUBLISHED = (
    PublishedLaw(
        "kaplan",
        "Kaplan et al. 2020",
        "loss_nats",
        r"\left[(6.4\cdot10^{13}/N)^{0.076/0.103} + 1.8\cdot10^{13}/D\right]^{0.103}",
        lambda n, d: ((6.4e13 / n) ** (0.076 / 0.103) + 1.8e13 / d) ** 0.103,
        NON_EMBEDDING,
        *_KAPLAN_RANGE,
        "Kaplan et al. 2020, arXiv 2001.08361, joint fit",
        "WebText2, 50,257 tokens; sizes from 768 to 1.5 billion without embeddings.",
    ),
    PublishedLaw(
        "kaplan_n",
        "Kaplan et al. 2020, unlimited data",
        "loss_nats",
        r"(8.8\cdot10^{13}/N)^{0.076}",
        lambda n, d: (8.8e13 / n) ** 0.076 + 0.0 * np.asarray(d),
        NON_EMBEDDING,
        *_KAPLAN_RANGE,
        "Kaplan et al. 2020, arXiv 2001.08361, L(N)",
        "Trained to convergence, not to the compute-optimal point.",
    ),
    PublishedLaw(
        "kaplan_d",
        "Kaplan et al. 2020, unlimited size",
        "loss_nats",
        r"(5.4\cdot10^{13}/D)^{0.095}",
        lambda n, d: (5.4e13 / d) ** 0.095 + 0.0 * np.asarray(n),
        NON_EMBEDDING,
        *_KAPLAN_RANGE,
        "Kaplan et al. 2020, arXiv 2001.08361, L(D)",
        "For a model large enough not to matter.",
    ),
    PublishedLaw(
        "hoffmann",
        "Hoffmann et al. 2022",
        "loss_nats",
        r"1.69 + 406.4/N^{0.34} + 410.7/D^{0.28}",
        _parametric(1.69, 406.4, 410.7, 0.34, 0.28),
        TOTAL,
        *_CHINCHILLA_RANGE,
        "Hoffmann et al. 2022, arXiv 2203.15556, approach 3",
        "MassiveText; its rounded parameters do not fit its own data (Besiroglu et al. 2024).",
    ),
    PublishedLaw(
        "besiroglu",
        "Besiroglu et al. 2024",
        "loss_nats",
        r"1.8172 + 482.01/N^{0.3478} + 2085.43/D^{0.3658}",
        _parametric(1.8172, 482.01, 2085.43, 0.3478, 0.3658),
        TOTAL,
        *_BESIROGLU_RANGE,
        "Besiroglu et al. 2024, arXiv 2404.10102",
        "The data of Hoffmann et al., read off their figures and fitted again; standard errors: E "
        "0.03, A 124.58, B 1293.23, exponents 0.02.",
    ),
    PublishedLaw(
        "besiroglu_optimum",
        "Besiroglu et al. 2024, true optimum",
        "loss_nats",
        r"1.817218 + 477.826/N^{0.347310} + 2143.417/D^{0.367172}",
        _parametric(1.817218, 477.826, 2143.417, 0.347310, 0.367172),
        TOTAL,
        *_BESIROGLU_RANGE,
        "The same data and objective, minimized further (section 11)",
        "Where the objective of Besiroglu et al. is smallest.",
    ),
    PublishedLaw(
        "finzi_sigma",
        "Finzi et al. 2025",
        "sigma_nats",
        r"0.27 + 8337\,N^{-0.54}",
        lambda n, d: 0.27 + 8337.0 * n**-0.54 + 0.0 * np.asarray(d),
        TOTAL,
        *_PYTHIA_RANGE,
        "Finzi et al., ICLR 2025, as a secondary source quotes it",
        "Pythia's loss variation in the paper's form.",
        _PYTHIA_RATIOS,
    ),
    PublishedLaw(
        "finzi_information",
        "Finzi et al. 2025",
        "information_bits",
        r"6\cdot10^5\,N^{0.5}",
        lambda n, d: 6e5 * n**0.5 + 0.0 * np.asarray(d),
        TOTAL,
        *_PYTHIA_RANGE,
        "Finzi et al., ICLR 2025, section 5 and figure 3",
        "Pythia's prequential information; the exponent is reported as 0.5 ± 0.1.",
        _PYTHIA_RATIOS,
    ),
    PublishedLaw(
        "besiroglu_information",
        "Chinchilla's law, closed form",
        "information_bits",
        r"\frac{2085.43}{\ln 2}\,\frac{0.3658}{1-0.3658}\,D^{1-0.3658}",
        lambda n, d: _closed_form_bits(2085.43, 0.3658, d) + 0.0 * np.asarray(n),
        TOTAL,
        *_BESIROGLU_RANGE,
        "The data term of Besiroglu et al. 2024, integrated (section 9)",
        "Prequential information of a model that follows that law; derived, not reported.",
    ),
    PublishedLaw(
        "qiu_requential",
        "Qiu et al. 2026, requential",
        "requential_bits",
        r"1.92,\ 1.72,\ 1.62,\ 1.43,\ 1.25\ \text{bits per parameter}",
        _between_reported,
        TOTAL,
        65e6,
        1e9,
        (20 * 65e6, 20 * 1e9),
        "Qiu, Finzi, Zheng, Zhang and Wilson, arXiv 2607.11883",
        "FineWeb, 20 tokens per parameter; five reported points, at 65M, 135M, 267M, 523M and 1B, "
        "and straight lines between them.",
    ),
)


#: Laws of a frontier: neither of one variable alone, nor fitted twice.
FRONTIER = (
    "kaplan",
    "hoffmann",
    "besiroglu",
    "finzi_sigma",
    "finzi_information",
    "besiroglu_information",
)


def published(quantity: str) -> list[PublishedLaw]:
    """The laws of one quantity."""
    return [law for law in PUBLISHED if law.quantity == quantity]
