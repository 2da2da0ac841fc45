"""Train one ladder model for one epoch: checkpoint and `online_losses`."""

from collections.abc import Callable

import pyarrow as pa
import torch

from compute import language_model, training
from compute.unit import Unit
from compute.workspace import Workspace


def run(unit: Unit, workspace: Workspace, report: Callable[[int], None]) -> dict[str, pa.Table]:
    """One epoch over the model's prefix of the training windows (section 9: scored first)."""
    spec = unit.model
    windows = workspace.windows.open().training[: spec.train_windows]
    model = language_model.build(spec)
    device = torch.device(workspace.device)
    online = training.train(model, spec, windows, device, report)
    language_model.save(model.cpu(), workspace.checkpoint(unit))
    rows = {
        "model_id": [unit.model_id] * len(online.tokens_seen),
        "tokens_seen": online.tokens_seen,
        "loss_nats": online.loss_nats,
    }
    return {"online_losses": pa.table(rows)}
