"""The setting of figures 2 and 3: the paper's own choices as far as they were measured."""

import math

from dashboard.artifacts.settings import Setting
from tools.results.ladder import Ladder

#: The paper's bitrate and failure probability (its section 4).
PAPER_BITS, PAPER_DELTA = 4, 0.01

#: Classes of Pythia's tokenizer that are in use.
PYTHIA_VOCABULARY = 50_277


def papers_setting(ladder: Ladder) -> Setting | None:
    """GPTQ at the paper's bits, or at the nearest that has bounds."""
    return ladder.gptq(PAPER_BITS)


def nominal_complexity(bits: int, tokens_per_parameter: float) -> float:
    """C per token in nats if a parameter costs so many bits and nothing else has a cost."""
    return bits * math.log(2.0) / tokens_per_parameter
