"""Prequential information of one model: the `information` table (section 9)."""

from collections.abc import Callable

import pyarrow as pa

from bounds import checkpoint_information_nats, prequential_information_nats
from compute.work.unit import Unit
from compute.work.workspace import Workspace


def run(unit: Unit, workspace: Workspace, report: Callable[[int], None]) -> dict[str, pa.Table]:
    """K(h) by both methods: from the loss of every batch, and from checkpoints only.

    The first has no quadrature error, as every batch was scored; the second is all there is for
    models that others have trained, and the first shows here how good it is.
    """
    spec, training, ahead, measured = unit.model
    store = workspace.store
    final = store.read("quantized", measured).column("train_loss_nats")[0].as_py()
    chain = store.read("checkpoint_losses", ahead).to_pandas()
    estimate, error = checkpoint_information_nats(
        chain["tokens_seen"],
        chain["loss_nats"] - chain["final_loss_nats"],
        chain["excess_se_nats"],
        spec.train_tokens,
    )
    found = [("checkpoints", estimate, error)]
    if training is not None:
        online = store.read("online_losses", training).to_pandas()
        exact = prequential_information_nats(online["tokens_seen"], online["loss_nats"], final)
        found.insert(0, ("online_losses", exact, 0.0))
    rows = [
        {
            "model_id": unit.model_id,
            "method": method,
            "k_nats": k_nats,
            "final_loss_nats": final,
            "error_nats": error_nats,
            "certified": False,
        }
        for method, k_nats, error_nats in found
    ]
    return {"information": pa.Table.from_pylist(rows)}
