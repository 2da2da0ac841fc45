"""What the machines of a Ray cluster have, and what of it one worker gets."""

from dataclasses import replace

import ray

from compute.work.machines.devices import describe_device
from compute.work.workspace import Workspace

#: Ray's name for what a unit takes, by torch device.
RESOURCES = {"cpu": "CPU", "cuda": "GPU"}


def settled(workspace: Workspace, gpus: float) -> Workspace:
    """``workspace`` as it is for a worker in this process: its device, and who shares it."""
    node = ray.get_runtime_context().get_node_id()
    has = next(n["Resources"] for n in ray.nodes() if n["NodeID"] == node)
    room = has["GPU"] / gpus if gpus else has["CPU"]
    device = describe_device(workspace.device)
    return replace(
        workspace,
        workers=min(workspace.workers, int(room)),
        device_workers=max(int(1 / gpus), 1) if gpus else None,
        provenance=replace(workspace.provenance, device=device),
    )


def most_gpus() -> float:
    """Of one machine."""
    return max(node["Resources"].get("GPU", 0) for node in ray.nodes() if node["Alive"])
