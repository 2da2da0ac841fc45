"""A coded model in the cache: one file per code, and its origin."""

import hashlib
import json
from pathlib import Path

import torch
from transformers import PreTrainedModel

from compute.base.folders import whole_folder
from compute.base.setting import Setting
from compute.models.layout import layout
from compute.quantize import codes
from compute.quantize.codes.header import CODES

_ORIGIN = "origin.json"


def save(files: dict[str, bytes], weights_sha256: str, folder: Path) -> None:
    """Write the files, all or none; replaces old ones.

    Args:
        files: by code.
        weights_sha256: of the model that was quantized.
    """
    origin = {
        "weights_sha256": weights_sha256,
        "files": {code: hashlib.sha256(file).hexdigest() for code, file in files.items()},
    }
    with whole_folder(folder) as ready:
        for code, file in files.items():
            (ready / code).write_bytes(file)
        (ready / _ORIGIN).write_text(json.dumps(origin))


def load(folder: Path, setting: Setting, weights_sha256: str) -> dict[str, bytes]:
    """The files, by code.

    Args:
        setting: that they must have been made at.
        weights_sha256: of the model that they must have been made from.

    Raises:
        ValueError: they were not, or were changed since.
    """
    origin = json.loads((folder / _ORIGIN).read_text())
    if origin["weights_sha256"] != weights_sha256:
        raise ValueError(
            f"the coded model {folder.name} was made from other weights than the checkpoint's; "
            "remove it from the cache and run again"
        )
    files = {code: (folder / code).read_bytes() for code in CODES}
    for code, file in files.items():
        changed = hashlib.sha256(file).hexdigest() != origin["files"][code]
        if changed or codes.setting_of(file) != setting:
            raise ValueError(
                f"the file {code} of the coded model {folder.name} is not the one that was made; "
                "remove it from the cache and run again"
            )
    return files


def restore_into(model: PreTrainedModel, files: dict[str, bytes]) -> None:
    """Set the weights of ``model`` to those that its files restore.

    One file is decoded: before both were stored, each was checked to restore the same weights bit
    by bit, and ``load`` has checked that both are unchanged.
    """
    for name, weights in codes.decode(files["stored"], layout(model)):
        with torch.no_grad():
            model.get_parameter(name).copy_(weights)
