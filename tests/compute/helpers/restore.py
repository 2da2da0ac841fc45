"""Restore files of coded models: ``python -m tests.compute.helpers.restore CONFIG FILE...``.

Prints a hash of the weights that each file restores.  Uses only the architecture.
"""

import sys
from pathlib import Path

import torch
from transformers import AutoConfig, AutoModelForCausalLM

from compute.models import language_model
from compute.models.layout import layout
from compute.quantize import codes


def weights_sha256(config: Path, file: Path) -> str:
    """Hash of a model of this architecture with the weights from ``file``."""
    model = AutoModelForCausalLM.from_config(AutoConfig.from_pretrained(config))
    with torch.no_grad():
        for name, weights in codes.decode(file.read_bytes(), layout(model)):
            model.get_parameter(name).copy_(weights)
    return language_model.weights_sha256(model)


if __name__ == "__main__":
    arguments = [Path(argument) for argument in sys.argv[1:]]
    for config, file in zip(arguments[::2], arguments[1::2], strict=True):
        print(weights_sha256(config, file))
