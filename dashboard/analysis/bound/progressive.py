"""The bound on the mean risk during training (section 10), for every model."""

import numpy as np
import pandas as pd

from bounds import LossBins, RiskBound, TokenLosses
from bounds.progressive import progressive_bound
from dashboard.analysis.bound.losses import Losses
from dashboard.analysis.bound.terms import reason_of_stand_in
from dashboard.analysis.bound.units import Unit
from dashboard.artifacts.errors import REPAIR, ArtifactError
from dashboard.artifacts.suite import Suite

#: Name in charts and text, and colour on every page, in light and dark.
LABEL = "On the way: mean risk during training"
SHORT_LABEL = "On the way"
COLOUR = "#5A4BF0"

_COLUMNS = (
    *("model_id", "params_total", "train_tokens", "vocab_size", "bytes_per_token"),
    *("online_loss_nats", "total_nats", "gap_nats", "alpha", "offset", "slope"),
    *("certified", "not_certified_because", "trained_again_on"),
)


def on_the_way(suite: Suite, failure_probability: float, unit: Unit) -> pd.DataFrame:
    """One row per model that has a histogram of online losses, smallest first.

    Empty for suites that were not trained here, or were trained before histograms were stored.

    Columns: model_id, params_total, train_tokens, vocab_size, bytes_per_token, online_loss
    (mean over training), total (bound on the mean risk during training), gap, alpha, offset,
    slope, certified, not_certified_because, trained_again_on (device of a second training, if the
    losses are from one; None if they are the model's own); losses in ``unit``, as in ``Losses``.

    Raises:
        ArtifactError: the online losses of a model do not cover its training set.
    """
    histograms = _histograms(suite)
    models = suite.models()
    again = trained_again(suite)
    rows = [
        _row(model, bound_of(suite, str(model["model_id"]), failure_probability))
        | {"trained_again_on": again.get(str(model["model_id"]))}
        for _, model in models[models["model_id"].isin(list(histograms))].iterrows()
    ]
    return Losses.of(suite, pd.DataFrame(rows, columns=list(_COLUMNS)), unit).table


def bound_of(suite: Suite, model_id: str, failure_probability: float) -> RiskBound | None:
    """The bound during training of one model of ``Suite.every_model``, None without online losses.

    Raises:
        ArtifactError: the losses do not cover the training set.
    """
    losses = _histograms(suite).get(model_id)
    if losses is None:
        return None
    models = suite.every_model().set_index("model_id")
    mean = _mean_losses(suite).get(model_id, losses.mean_loss_nats)

    def compute() -> RiskBound:
        return progressive_bound(
            mean,
            losses,
            train_tokens=int(models.loc[model_id, "train_tokens"]),
            vocab_size=int(models.loc[model_id, "vocab_size"]),
            failure_probability=failure_probability,
        )

    try:
        return suite.remember(("on the way", model_id, failure_probability), compute)
    except ValueError as error:
        raise ArtifactError(
            f"The online losses of {model_id} cannot be used: {error}. For its files in "
            f"loss_histograms: {REPAIR}."
        ) from None


def trained_again(suite: Suite) -> dict[str, str]:
    """Models whose histogram of online losses comes from a second training: model -> its device.

    The second training has the same recipe and seed. A published copy records this in the
    metadata of its files: the two tables of one unit were then written by runs that
    differ in code, device or libraries. Otherwise one run writes both.
    """
    rows = suite.query(
        """
        SELECT DISTINCT h.model_id, h.device FROM provenance h JOIN provenance o
        ON h.model_id = o.model_id AND h.unit_key = o.unit_key
        WHERE h.table_name = 'loss_histograms' AND o.table_name = 'online_losses' AND
        (h.code_revision, h.device, h.library_versions)
            IS DISTINCT FROM (o.code_revision, o.device, o.library_versions)
        """
    )
    return dict(zip(rows["model_id"], rows["device"], strict=True))


def _row(model: pd.Series, bound: RiskBound) -> dict:
    reason = reason_of_stand_in(model["stand_in"])
    return {
        "model_id": str(model["model_id"]),
        **{key: int(model[key]) for key in ("params_total", "train_tokens", "vocab_size")},
        "bytes_per_token": float(model["bytes_per_token"]),
        "online_loss_nats": bound.training_loss_nats,
        "total_nats": bound.total_nats,
        "gap_nats": bound.gap_nats,
        "alpha": bound.alpha,
        **bound.parameters,
        "certified": reason is None,
        "not_certified_because": reason,
    }


def _histograms(suite: Suite) -> dict[str, TokenLosses]:
    try:
        return suite.remember("online histograms", lambda: suite.histograms("online"))
    except ValueError as error:
        raise ArtifactError(
            f"The online losses of the suite “{suite.name}” cannot be used: {error}. For its files "
            f"in loss_histograms: {REPAIR}."
        ) from None


def _mean_losses(suite: Suite) -> dict[str, float]:
    """Mean over training of each model's online loss in nats per token.

    Exact, or, if the batch losses of the histogram's training were not stored, the mean of the
    bins' lower edges. A gap counted from these is never too small.
    """
    rows = suite.query(
        """
        SELECT model_id, sum(loss_nats * batch) / sum(batch) AS mean FROM (
            SELECT model_id, loss_nats, tokens_seen - lag(tokens_seen, 1, 0::BIGINT) OVER (
                PARTITION BY model_id ORDER BY tokens_seen
            ) AS batch FROM online_losses
        ) GROUP BY model_id
        """
    )
    means, histograms = dict(zip(rows["model_id"], rows["mean"], strict=True)), _histograms(suite)
    for model_id in trained_again(suite):
        cells = histograms[model_id]
        edges = LossBins().lower_edges(cells.loss_nats)
        means[model_id] = float(np.average(edges, weights=cells.tokens))
    return means
