"""In which arithmetic a model runs, and on which device or devices."""

from pathlib import Path

import torch
from transformers import PreTrainedModel

from compute.base.memory import USABLE_SHARE
from compute.models import language_model


def arithmetic(device: str | torch.device) -> torch.dtype:
    """Of the weights and the layers: bfloat16 on a GPU, float32 elsewhere.

    Fixed before anything is measured, so it is a part of the hypothesis that no code pays for:
    what is bounded is the risk of the decoded model as it runs in this arithmetic.
    """
    return torch.bfloat16 if torch.device(device).type == "cuda" else torch.float32


def dtype_name(dtype: torch.dtype) -> str:
    """``bfloat16`` and the like."""
    return str(dtype).removeprefix("torch.")


def cast(model: PreTrainedModel, dtype: torch.dtype) -> PreTrainedModel:
    """Its parameters in ``dtype``, in place.  Buffers keep theirs: rotary frequencies in bfloat16
    would shift far positions."""
    for parameter in model.parameters():
        parameter.data = parameter.data.to(dtype)
    return model


def ready_to_score(folder: Path, device: str) -> tuple[PreTrainedModel, str]:
    """The model of a checkpoint where and as it runs, and the hash of its weights as they were
    before they were cast."""
    model = language_model.load(folder, torch.device("cpu"))
    weights_sha256 = language_model.weights_sha256(model)
    return place(cast(model, arithmetic(device)), device), weights_sha256


def place(model: PreTrainedModel, device: str | torch.device) -> PreTrainedModel:
    """On the device, or on all GPUs, block by block, if it does not fit on one and none was
    named."""
    device = torch.device(device)
    if device.type != "cuda" or device.index is not None or torch.cuda.device_count() < 2:
        return model.to(device)
    weights = sum(p.nbytes for p in model.parameters())
    if weights < USABLE_SHARE * torch.cuda.get_device_properties(device).total_memory / 1.25:
        return model.to(device)  # a quarter more, for what flows through it
    from accelerate import dispatch_model, infer_auto_device_map
    from accelerate.utils import get_balanced_memory

    whole = list(model._no_split_modules or ())
    memory = get_balanced_memory(model, no_split_module_classes=whole)
    room = {place: size for place, size in memory.items() if place != "cpu"}
    return dispatch_model(model, infer_auto_device_map(model, room, no_split_module_classes=whole))
