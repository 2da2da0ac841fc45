"""Prequential information of one model: the `information` table (section 9)."""

from collections.abc import Callable

import pyarrow as pa

from bounds import prequential_information_nats
from compute.unit import Unit
from compute.workspace import Workspace


def run(unit: Unit, workspace: Workspace, report: Callable[[int], None]) -> dict[str, pa.Table]:
    """Area between the online losses and the final loss on the same D tokens.

    Every batch was scored, so there is no quadrature error; the method stays a heuristic.
    """
    training, measured = unit.model
    online = workspace.store.read("online_losses", training)
    final = workspace.store.read("quantized", measured).column("train_loss_nats")[0].as_py()
    k_nats = prequential_information_nats(
        online.column("tokens_seen").to_numpy(), online.column("loss_nats").to_numpy(), final
    )
    row = {
        "model_id": unit.model_id,
        "method": "online_losses",
        "k_nats": k_nats,
        "final_loss_nats": final,
        "error_nats": 0.0,
        "certified": False,
    }
    return {"information": pa.Table.from_pylist([row])}
