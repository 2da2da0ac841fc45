"""Complexity per token C, and the lengths of codes for a whole model (section 2)."""

import math
from dataclasses import dataclass

from bounds.checks import require_count, require_positive, require_probability

#: Points of the grid K for s in the paper's experiments.
PAPER_GRID_SIZE = 1000


@dataclass(frozen=True)
class Complexity:
    """C(h) = [L(h)*ln 2 + ln(|K|/delta)] / D, in nats per token, and its two shares.

    Attributes:
        code_nats: share of the code length, L*ln 2 / D.
        confidence_nats: share of the failure probability and the grid, ln(|K|/delta) / D.
    """

    code_nats: float
    confidence_nats: float

    @property
    def total_nats(self) -> float:
        """C in nats per token."""
        return self.code_nats + self.confidence_nats


def nominal_bits(bits_per_parameter: float, params_total: int) -> float:
    """b*N, the paper's headline code length.

    It leaves out scales and tensors that are not quantized, so it is not the length of
    a decodable code and certifies nothing.
    """
    require_positive("bits_per_parameter", bits_per_parameter)
    require_count("params_total", params_total)
    return float(bits_per_parameter) * params_total


def complexity(
    code_bits: float,
    train_tokens: int,
    failure_probability: float,
    grid_size: int = PAPER_GRID_SIZE,
) -> Complexity:
    """C(h) of section 2.

    Args:
        code_bits: L(h), length in bits of a prefix-free code for the whole hypothesis.
        train_tokens: D, predictions of the one training epoch.
        failure_probability: delta, in (0, 1).
        grid_size: |K|, points of the grid for s.

    Raises:
        ValueError: an argument is outside its range.
    """
    require_positive("code_bits", code_bits)
    require_count("train_tokens", train_tokens)
    delta = require_probability("failure_probability", failure_probability)
    require_count("grid_size", grid_size)
    return Complexity(
        code_nats=code_bits * math.log(2.0) / train_tokens,
        confidence_nats=(math.log(grid_size) - math.log(delta)) / train_tokens,
    )


def shortest_code_bits(*code_bits: float) -> float:
    """Length of the shortest of m codes for the same hypothesis, including the choice among them.

    log2(m) bits in front of the code name one of m prefix-free codes (section 5).
    """
    if not code_bits:
        raise ValueError("code_bits is empty: give the length of at least one code")
    for bits in code_bits:
        require_positive("code_bits", bits)
    return min(code_bits) + math.log2(len(code_bits))
