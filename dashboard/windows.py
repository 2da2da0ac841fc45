"""Sampled windows as a suite holds them: which settings have them, and their losses."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np
import pandas as pd

from bounds import TokenLosses, bin_losses
from bounds.forms.sampled import WindowLosses
from dashboard.errors import REPAIR, ArtifactError
from dashboard.settings import AT_SETTING, Setting, columns_of, setting_of
from dashboard.standing_for import standing_for

if TYPE_CHECKING:
    from dashboard.artifacts import Suite


@dataclass(frozen=True, eq=False)
class SampledWindows:
    """Losses of one quantized model on windows drawn from its training text.

    Attributes:
        selection: on which the bound's parameters are chosen.
        evaluation: others, which the bound is computed on.
    """

    selection: WindowLosses
    evaluation: WindowLosses


def sampled_settings(suite: Suite) -> list[Setting]:
    """Settings at which some model has windows of both kinds, fewest bits first.

    Raises:
        ArtifactError: there is none.
    """
    rows = suite.query(
        """
        SELECT model_id, quantizer, bits, group_size, step, quantizer_seed FROM (
            SELECT DISTINCT model_id, quantizer, bits, group_size, step, quantizer_seed, split
            FROM token_losses WHERE split IN ('train', 'selection')
        ) GROUP BY model_id, quantizer, bits, group_size, step, quantizer_seed HAVING count(*) = 2
        """
    )
    of_models = rows[rows["model_id"].isin(suite.models()["model_id"])]
    found = {setting_of(row) for row in of_models.to_dict("records")}
    settings = [setting for setting in suite.measured_settings() if setting in found]
    if not settings:
        raise ArtifactError(
            f"In the suite “{suite.name}” no setting has losses of both training and selection "
            "windows, so there is nothing to bound; measure one."
        )
    return settings


def read_windows(suite: Suite, setting: Setting, model_id: str) -> SampledWindows | None:
    """Losses of one model's sampled windows at one setting, None where a kind is missing.

    Raises:
        ArtifactError: a draw is missing, or draws differ in their number of positions.
    """
    rows = suite.fresh(
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
    """Shape (windows, positions); a sample with a hole in it is no sample of independent draws."""
    draws, counts = np.unique(rows["window"].to_numpy(), return_counts=True)
    if draws[-1] - draws[0] + 1 != draws.size:
        missing = int(draws[-1] - draws[0] + 1 - draws.size)
        raise ValueError(f"{missing} of the draws {draws[0]} to {draws[-1]} are missing")
    if counts.min() != counts.max():
        raise ValueError(
            f"draws have {counts.min()} to {counts.max()} positions; all must have as many"
        )
    shape = (draws.size, int(counts[0]))
    return WindowLosses(*(rows[key].to_numpy().reshape(shape) for key in _VALUES))


_VALUES = ("loss_nats", "entropy_nats")


def as_if_whole(suite: Suite, setting: Setting) -> dict[str, TokenLosses]:
    """By model, the sample as if it were all D training tokens: a display, never a certificate."""
    found = {}
    for model in suite.models().itertuples():
        windows = suite.windows(setting, model.model_id)
        if windows is not None:
            sample = windows.evaluation
            tokens = TokenLosses.of_tokens(sample.loss_nats.ravel(), sample.entropy_nats.ravel())
            found[model.model_id] = standing_for(bin_losses(tokens), int(model.train_tokens))
    return found
