"""The arithmetic of a model, and the device or devices that it runs on."""

from pathlib import Path

import torch
from transformers import PreTrainedModel

from compute.base.memory import USABLE_SHARE
from compute.models import language_model


def arithmetic(device: str | torch.device) -> torch.dtype:
    """The type of the weights and the layers: bfloat16 on a GPU, float32 elsewhere.

    Fixed before anything is measured, so it is a part of the hypothesis that no code pays for:
    the bounded risk is that of the decoded model in this arithmetic.
    """
    return torch.bfloat16 if torch.device(device).type == "cuda" else torch.float32


def dtype_name(dtype: torch.dtype) -> str:
    """The name of a type without its module, such as ``bfloat16``."""
    return str(dtype).removeprefix("torch.")


def cast(model: PreTrainedModel, dtype: torch.dtype) -> PreTrainedModel:
    """Convert a model's parameters to ``dtype``, in place.

    Buffers keep theirs: rotary frequencies in bfloat16 would shift far positions.
    """
    for parameter in model.parameters():
        parameter.data = parameter.data.to(dtype)
    return model


def ready_to_score(folder: Path, device: str) -> tuple[PreTrainedModel, str]:
    """The model of a checkpoint on its device and in its arithmetic, and the hash of its weights.

    The hash is of the weights before the conversion.
    """
    model = language_model.load(folder, torch.device("cpu"))
    weights_sha256 = language_model.weights_sha256(model)
    return place(cast(model, arithmetic(device)), device), weights_sha256


def place(model: PreTrainedModel, device: str | torch.device) -> PreTrainedModel:
    """Move a model to the device, or block by block to all GPUs, if it does not fit on one.

    It stays on a device that the user named.
    """
    device = torch.device(device)
    if device.type != "cuda" or device.index is not None or torch.cuda.device_count() < 2:
        return model.to(device)
    weights = sum(p.nbytes for p in model.parameters())
    if weights < USABLE_SHARE * torch.cuda.get_device_properties(device).total_memory / 1.25:
        return model.to(device)  # a quarter more, for activations
    from accelerate import dispatch_model, infer_auto_device_map
    from accelerate.utils import get_balanced_memory

    whole = list(model._no_split_modules or ())
    memory = get_balanced_memory(model, no_split_module_classes=whole)
    room = {place: size for place, size in memory.items() if place != "cpu"}
    return dispatch_model(model, infer_auto_device_map(model, room, no_split_module_classes=whole))
