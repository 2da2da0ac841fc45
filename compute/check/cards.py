"""Comparison of every GPU, and of all together, with the first one."""

import copy
from collections.abc import Iterator

import numpy as np
import torch
from accelerate import dispatch_model

from compute.check import tiny
from compute.check.agreement import LOSS_NATS, losses
from compute.check.row import Row, at_most

PART = "several GPUs"

_ADVICE = (
    "measure on the GPUs that agree: --device cuda:0; `nvidia-smi topo -m` and the driver's log "
    "show links between cards that lose data"
)


def rows(device: str) -> Iterator[Row]:
    """Losses of a tiny model on each card, and spread over all, against the CPU's."""
    count = torch.cuda.device_count() if device == "cuda" else 1
    if count < 2:
        yield Row(PART, "cards", "one device: nothing to compare")
        return
    model = tiny.models()["gpt-neox"]
    expected = losses(copy.deepcopy(model))
    for card in range(count):
        there = losses(copy.deepcopy(model).to(f"cuda:{card}"))
        worst = float(np.abs(there - expected).max())
        yield at_most(PART, f"cuda:{card}: losses", worst, LOSS_NATS, "nats", _ADVICE)
    blocks = len(model.gpt_neox.layers)
    places = {f"gpt_neox.layers.{i}": i % count for i in range(blocks)}
    ends = {"gpt_neox.embed_in": 0, "gpt_neox.rotary_emb": 0, "gpt_neox.emb_dropout": 0}
    last = {"gpt_neox.final_layer_norm": count - 1, "embed_out": count - 1}
    spread = dispatch_model(copy.deepcopy(model), ends | places | last)
    worst = float(np.abs(losses(spread) - expected).max())
    yield at_most(PART, f"one model over {count} cards: losses", worst, LOSS_NATS, "nats", _ADVICE)
