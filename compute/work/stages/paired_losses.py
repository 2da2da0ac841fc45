"""Losses of the unquantized model that every setting is compared with: scored once, then kept."""

from collections.abc import Callable

import numpy as np

from compute.base.digest import digest
from compute.base.whole_file import whole_file
from compute.work.stages.stage import Stage
from compute.work.workspace import Workspace

#: Training windows on which losses are compared with those of the unquantized model, pair by
#: pair: enough for a standard error near a hundredth of most gaps.
PAIRED_WINDOWS = 1024


def paired_losses(
    unit: Stage, workspace: Workspace, score: Callable[[], np.ndarray]
) -> tuple[np.ndarray, bool]:
    """Mean loss of each paired window by the unquantized model, and whether it was kept already.

    Args:
        unit: whose ``paired`` says on which windows of which model.
        score: takes them; on another device their last digits are others.
    """
    device = digest([workspace.device, workspace.provenance.device])
    file = workspace.cache_dir / "paired" / f"{unit.model_id}-{unit.paired}-{device}.npy"
    try:
        return np.load(file, allow_pickle=False), True
    except (OSError, ValueError, EOFError):  # not there, or damaged
        losses = score()
    with whole_file(file) as writing, writing.open("wb") as stream:
        np.save(stream, losses)
    return losses, False


def gap_columns(before: np.ndarray, after: np.ndarray) -> dict[str, float]:
    """Columns of `quantized` on how much the mean losses of the paired windows have grown."""
    gaps = after - before
    return {
        "paired_gap_nats": gaps.mean(),
        "paired_gap_se_nats": gaps.std(ddof=1) / np.sqrt(len(gaps)),
        "paired_windows": len(gaps),
    }
