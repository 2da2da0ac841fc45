"""The unit of losses: nats per token, or bits per byte, which compare between tokenizers."""

import math
from dataclasses import dataclass

import numpy as np
import pandas as pd

from dashboard.artifacts.suite import Suite
from dashboard.style.glossary import TERMS

#: Columns of the pages' tables that hold losses or differences of losses, in nats per token.
LOSS_COLUMNS = (
    *(term.key for term in TERMS),
    *("total_nats", "gap_nats", "bound_gap_nats", "change_nats"),
    *("measured_train_loss_nats", "measured_heldout_loss_nats", "measured_heldout_se_nats"),
    *("train_loss_nats", "gap_se_nats", "gap_low_nats", "gap_high_nats"),
    *("loss_nats", "final_loss_nats", "excess_nats", "price_nats", "online_loss_nats"),
)


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

    def of_nats(self, bytes_per_token: float) -> float:
        """One nat per token in this unit: 1/(ln 2 * bytes per token) bits per byte."""
        return 1.0 / (math.log(2.0) * bytes_per_token) if self.per_byte else 1.0

    def guess(self, vocab_size: float, bytes_per_token: float) -> float:
        """ln V, the loss of a uniform guess."""
        return math.log(vocab_size) * self.of_nats(bytes_per_token)


NATS = Unit("nats per token", "nats", False)
BITS = Unit("bits per byte", "bits_per_byte", True)
UNITS = {unit.label: unit for unit in (NATS, BITS)}


def shown(suite: Suite, frame: pd.DataFrame, unit: Unit, model_id: str = "") -> pd.DataFrame:
    """``frame`` with its losses in ``unit``; columns keep their names.

    Args:
        frame: with a column model_id, unless ``model_id`` says which model all rows are of.
    """
    if not unit.per_byte or frame.empty:
        return frame
    known = suite.every_model().set_index("model_id")["bytes_per_token"]
    bytes_per_token = known[model_id] if model_id else frame["model_id"].map(known)
    factor = 1.0 / (math.log(2.0) * bytes_per_token)
    frame = frame.assign(**{key: frame[key] * factor for key in LOSS_COLUMNS if key in frame})
    estimated = suite.is_sampled & (factor != BITS.of_nats(1.0))
    return _without_certificate(frame, estimated)


#: Why no bound of a sampled suite is certified in bits per byte, though it may be in nats.
BYTES_ESTIMATED = (
    "bits per byte divide by the mean bytes of a token, which is estimated from windows of the "
    "text with an unknown error; choose nats per token"
)


def _without_certificate(frame: pd.DataFrame, estimated: pd.Series | bool) -> pd.DataFrame:
    """``frame`` without certificates in the rows whose unit is an estimate."""
    if "certified" not in frame or not np.any(estimated):
        return frame
    lost = frame["certified"].astype(bool) & estimated
    changed = {key: frame[key] & ~lost for key in ("certified", "gap_certified") if key in frame}
    if "not_certified_because" in frame:
        changed["not_certified_because"] = frame["not_certified_because"].mask(
            lost, BYTES_ESTIMATED
        )
    return frame.assign(**changed)


def exported(frame: pd.DataFrame, unit: Unit) -> pd.DataFrame:
    """``frame`` for downloads: the name of every loss column ends in its unit."""
    if not unit.per_byte:
        return frame
    names = {key: f"{key.removesuffix('_nats')}_{unit.suffix}" for key in LOSS_COLUMNS}
    return frame.rename(columns=names)
