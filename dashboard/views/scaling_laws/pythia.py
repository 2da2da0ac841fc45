"""Checkpoints of Pythia that the paper measures and this project does not."""

import pandas as pd

from dashboard.analysis.laws.ratios import Ratios

#: Tokens of one step (Biderman et al. 2023, arXiv 2304.01373).
TOKENS_PER_STEP = 2_097_152

#: Name, N with embeddings, and the saved step nearest (on log axes) to 20 tokens per parameter:
#: parameter counts from the suite's own configurations, steps from its list of revisions.
_CHOICES = (
    ("pythia-14m", 14_067_712, 128),
    ("pythia-31m", 30_494_720, 256),
    ("pythia-70m", 70_426_624, 512),
    ("pythia-160m", 162_322_944, 2_000),
    ("pythia-410m", 405_334_016, 4_000),
    ("pythia-1b", 1_011_781_632, 10_000),
    ("pythia-1.4b", 1_414_647_808, 14_000),
    ("pythia-2.8b", 2_775_208_960, 26_000),
    ("pythia-6.9b", 6_857_302_016, 65_000),
    ("pythia-12b", 11_846_072_320, 113_000),
)


def choices() -> pd.DataFrame:
    """Columns model_id, params_total, train_tokens, of the checkpoints near D = 20 N."""
    frame = pd.DataFrame(_CHOICES, columns=["model_id", "params_total", "step"])
    return frame.assign(train_tokens=frame["step"] * TOKENS_PER_STEP).drop(columns="step")


def beside(ends: pd.DataFrame, ratios: Ratios) -> pd.DataFrame:
    """The ``choices`` to draw with a suite: none unless the suite is compute-optimal like them.

    Checkpoints that the suite measures itself are left out.

    Args:
        ends: column model_id, of the suite's models.
        ratios: of the suite's models.
    """
    found = choices()
    measured = found["model_id"].isin(ends["model_id"])
    return found[~measured] if ratios.is_optimal else found.head(0)
