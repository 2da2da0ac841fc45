"""Loss against compute during training, and the final loss of each model."""

import numpy as np
import pandas as pd

from dashboard.analysis.measured import information
from dashboard.artifacts.database import remembered
from dashboard.artifacts.suite import Suite

#: Places at which a curve of online losses is averaged, evenly spaced in log tokens.
_BINS = 60


@remembered
def loss_by_compute(suite: Suite) -> pd.DataFrame:
    """Online loss against compute of every model, averaged over runs of batches that widen.

    Columns: model_id, params_total, flops (6 N d after d tokens), loss_nats.
    """
    frames = []
    for model in suite.models().itertuples():
        curve = information.online_curve(suite, model.model_id, batches=None)
        if curve.empty:
            continue
        seen = curve["tokens_seen"]
        # The last batch ends at the last edge, and must not be alone in its bin.
        bins = np.digitize(seen, np.geomspace(seen.min(), seen.max(), _BINS)[:-1])
        points = curve.groupby(bins)[["tokens_seen", "loss_nats"]].mean()
        flops = 6.0 * model.params_total * points["tokens_seen"]
        frames.append(
            pd.DataFrame({"flops": flops, "loss_nats": points["loss_nats"]}).assign(
                model_id=model.model_id, params_total=model.params_total
            )
        )
    return pd.concat(frames, ignore_index=True) if frames else pd.DataFrame()


def chosen(suite: Suite) -> pd.DataFrame:
    """The end of each model's training: model_id, params_total, train_tokens, flops, loss_nats.

    The loss is its training loss.
    """
    models = suite.models()[["model_id", "params_total", "train_tokens"]]
    trained = suite.query("FROM quantized WHERE quantizer = 'none'")
    rows = models.merge(trained[["model_id", "train_loss_nats"]], on="model_id")
    flops = 6.0 * rows["params_total"] * rows["train_tokens"]
    return rows.assign(flops=flops).rename(columns={"train_loss_nats": "loss_nats"})
