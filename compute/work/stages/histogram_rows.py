"""Rows of the table `loss_histograms`."""

import pyarrow as pa

from bounds import TokenLosses
from compute.base.setting import Setting


def histogram_rows(model_id: str, setting: Setting, split: str, histogram: TokenLosses) -> pa.Table:
    """One row per cell of the histogram of one model's losses on one split."""
    cells = len(histogram.tokens)
    constants = {"model_id": model_id, **setting.columns, "split": split}
    return pa.table(
        {name: pa.array([value] * cells) for name, value in constants.items()}
        | {
            "loss_nats": histogram.loss_nats,
            "entropy_nats": histogram.entropy_nats,
            "tokens": histogram.tokens.astype("int64"),
        }
    )
