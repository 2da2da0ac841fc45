"""Tables of losses that know their unit."""

from dataclasses import dataclass
from typing import Self

import numpy as np
import pandas as pd

from dashboard.analysis.bound.units import BITS, NATS, Unit
from dashboard.artifacts.suite import Suite
from dashboard.style.glossary import TERMS

#: Columns that hold losses or differences of losses, without the unit that ends their names in
#: tables of nats per token and in files.
LOSSES = (
    *(term.key for term in TERMS),
    *("total", "gap", "bound_gap", "change"),
    *("measured_train_loss", "measured_heldout_loss", "measured_heldout_se"),
    *("train_loss", "gap_se", "gap_low", "gap_high"),
    *("loss", "final_loss", "excess", "price", "online_loss", "teacher_loss", "student_loss"),
)

#: Why no bound of a sampled suite is certified in bits per byte, though it may be in nats.
BYTES_ESTIMATED = (
    "bits per byte divide by the mean bytes of a token, which is estimated from windows of the "
    "text with an unknown error; choose nats per token"
)


@dataclass(frozen=True, eq=False)
class Losses:
    """A table with the unit of its losses.

    Attributes:
        table: columns of losses have the names in ``LOSSES``, which state no unit: ``total``
            instead of ``total_nats``.
        unit: of these columns.
    """

    table: pd.DataFrame
    unit: Unit

    @classmethod
    def of(cls, suite: Suite, nats: pd.DataFrame, unit: Unit, model_id: str = "") -> Self:
        """Losses of a suite in ``unit``.

        Args:
            nats: columns of losses end in ``_nats``. Has a column model_id, unless ``model_id``
                names the model of all rows.
        """
        if not unit.per_byte or nats.empty:
            return cls.scaled(nats, 1.0, unit)
        known = suite.every_model().set_index("model_id")["bytes_per_token"]
        factor = unit.of_nats(known[model_id] if model_id else nats["model_id"].map(known))
        losses = cls.scaled(nats, factor, unit)
        estimated = suite.is_sampled & (factor != BITS.of_nats(1.0))
        return cls(_without_certificate(losses.table, estimated), unit)

    @classmethod
    def in_nats(cls, nats: pd.DataFrame) -> Self:
        """Losses in nats per token, whose columns end in ``_nats``."""
        return cls.scaled(nats, 1.0, NATS)

    @classmethod
    def scaled(cls, nats: pd.DataFrame, factor: float | pd.Series, unit: Unit) -> Self:
        """Losses times ``factor``, one nat per token in ``unit``, for all rows or for each."""
        names = {f"{name}_nats": name for name in LOSSES if f"{name}_nats" in nats}
        scaled = nats if unit == NATS else nats.assign(**{k: nats[k] * factor for k in names})
        return cls(scaled.rename(columns=names), unit)

    def for_file(self) -> pd.DataFrame:
        """The table with the unit at the end of the name of every column of losses."""
        names = {name: f"{name}_{self.unit.suffix}" for name in LOSSES}
        return self.table.rename(columns=names)


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
