"""Sampled windows of a suite: the settings that have them, and their losses."""

import math
from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
import pandas as pd

from bounds import TokenLosses, bin_losses
from bounds.forms.sampled import WindowLosses
from dashboard.artifacts.database import Database
from dashboard.artifacts.errors import REPAIR, ArtifactError
from dashboard.artifacts.settings import AT_SETTING, Setting, columns_of, setting_of


@dataclass(frozen=True, eq=False)
class SampledWindows:
    """Losses of one quantized model on windows drawn from its training text.

    Attributes:
        selection: windows that choose the bound's parameters.
        evaluation: other windows that the bound is computed on.
    """

    selection: WindowLosses
    evaluation: WindowLosses


def sampled_settings(database: Database, model_ids: Sequence[str]) -> set[Setting]:
    """Settings at which one of these models has windows of both kinds."""
    rows = database.query(
        """
        SELECT model_id, quantizer, bits, group_size, step, quantizer_seed FROM (
            SELECT DISTINCT model_id, quantizer, bits, group_size, step, quantizer_seed, split
            FROM token_losses WHERE split IN ('train', 'selection')
        ) GROUP BY model_id, quantizer, bits, group_size, step, quantizer_seed HAVING count(*) = 2
        """
    )
    return {setting_of(row) for row in rows[rows["model_id"].isin(model_ids)].to_dict("records")}


def read_windows(database: Database, setting: Setting, model_id: str) -> SampledWindows | None:
    """Losses of one model's sampled windows at one setting, None if a kind is missing.

    Raises:
        ArtifactError: a draw is missing, or draws differ in their number of positions.
    """
    rows = database.fresh(
        f"""
        SELECT split, "window", loss_nats, entropy_nats FROM token_losses
        WHERE model_id = ? AND {AT_SETTING} AND split IN ('train', 'selection')
        ORDER BY split, "window", position
        """,
        [model_id, *columns_of(setting)],
    )
    of = {split: part for split, part in rows.groupby("split") if len(part)}
    if len(of) < 2:
        return None
    try:
        return SampledWindows(_losses(of["selection"]), _losses(of["train"]))
    except ValueError as error:
        raise ArtifactError(
            f"The sampled losses of {model_id} at {setting.label} cannot be used: {error}. "
            f"For its files in token_losses: {REPAIR}."
        ) from None


def _losses(rows: pd.DataFrame) -> WindowLosses:
    """Shape (windows, positions); with a missing draw the draws are not an independent sample."""
    draws, counts = np.unique(rows["window"].to_numpy(), return_counts=True)
    if draws[-1] - draws[0] + 1 != draws.size:
        missing = int(draws[-1] - draws[0] + 1 - draws.size)
        raise ValueError(f"{missing} of the draws {draws[0]} to {draws[-1]} are missing")
    if counts.min() != counts.max():
        raise ValueError(
            f"draws have {counts.min()} to {counts.max()} positions; all must have the same number"
        )
    shape = (draws.size, int(counts[0]))
    return WindowLosses(*(rows[key].to_numpy().reshape(shape) for key in _VALUES))


_VALUES = ("loss_nats", "entropy_nats")


def as_if_whole(windows: SampledWindows, tokens: int) -> TokenLosses:
    """The sample as if it were all ``tokens`` training tokens: for display, never a certificate."""
    sample = windows.evaluation
    losses = TokenLosses.of_tokens(sample.loss_nats.ravel(), sample.entropy_nats.ravel())
    return standing_for(bin_losses(losses), tokens)


def standing_for(losses: TokenLosses, tokens: int) -> TokenLosses:
    """The same distribution of losses on another number of tokens, exactly ``tokens`` in total.

    A bound requires losses that cover every token.  So the cells' weights are
    rounded to multiples of a step so small that float64 adds them exactly in any order, and the
    largest takes the remainder; means change by a relative 1e-12 at most.
    """
    if losses.total_tokens == tokens:
        return losses
    step = 2.0 ** (math.ceil(math.log2(tokens)) - 52)
    scaled = losses.tokens * (tokens / losses.total_tokens)
    weights = np.maximum(np.round(scaled / step), 1.0) * step
    weights[weights.argmax()] += tokens - weights.sum()
    return TokenLosses(losses.loss_nats, losses.entropy_nats, weights)
