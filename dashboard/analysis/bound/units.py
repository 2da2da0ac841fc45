"""The unit of losses: nats per token, or bits per byte, which compare between tokenizers."""

import math
from dataclasses import dataclass

import pandas as pd


@dataclass(frozen=True)
class Unit:
    """The unit that losses are shown in.

    Attributes:
        label: name on the page and in links.
        suffix: of a column's name in the tables to download.
        per_byte: bits of a byte of text, not nats of a token.
    """

    label: str
    suffix: str
    per_byte: bool

    def of_nats(self, bytes_per_token: float | pd.Series) -> float | pd.Series:
        """One nat per token in this unit: 1/(ln 2 * bytes per token) bits per byte."""
        return 1.0 / (math.log(2.0) * bytes_per_token) if self.per_byte else 1.0

    def guess(self, vocab_size: float, bytes_per_token: float) -> float:
        """ln V, the loss of a uniform guess."""
        return math.log(vocab_size) * self.of_nats(bytes_per_token)


NATS = Unit("nats per token", "nats", False)
BITS = Unit("bits per byte", "bits_per_byte", True)
UNITS = {unit.label: unit for unit in (NATS, BITS)}
