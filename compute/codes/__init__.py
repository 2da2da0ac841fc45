"""Prefix-free codes of whole models: real files, from which a decoder restores every weight.

The decoder is given the architecture (``compute.layout``), fixed before training; everything else
is in the file, so its size is a length L(h) that certifies (section 2).
"""

import torch

from compute.codes import entropy, stored
from compute.codes.header import split_header, with_header
from compute.layout import Parameter
from compute.quantizers import StoredTensor
from compute.setting import Setting

__all__ = ["check_whole", "decode", "encode", "setting_of"]

_BODIES = {"stored": stored, "entropy_coded": entropy}


def encode(code: str, tensors: dict[str, StoredTensor], setting: Setting) -> bytes:
    """The file of a quantized model.  Its size in bytes, times 8, is the code length in bits.

    Args:
        code: ``stored`` (fixed widths) or ``entropy_coded``.
        tensors: every parameter by name.
    """
    ordered = [tensors[name] for name in sorted(tensors)]
    return with_header(code, setting, _BODIES[code].encode(ordered))


def decode(file: bytes, architecture: list[Parameter]) -> dict[str, torch.Tensor]:
    """The weights of the evaluated model by name, float32, as its modules hold them.

    Raises:
        ValueError: the file is cut short, or does not belong to this architecture.
    """
    tensors = _tensors(file, architecture)
    return {p.name: p.from_matrix(tensors[p.name].dequantize()) for p in architecture}


def check_whole(file: bytes, architecture: list[Parameter]) -> None:
    """Refuse a file that is not, byte by byte, what ``encode`` writes for what it decodes to.

    A range decoder never knows that it has read past the end: it makes up symbols.  For files
    of unknown origin; takes as long as writing them.

    Raises:
        ValueError: as ``decode``, or the bytes differ.
    """
    code, setting, _ = split_header(file)
    if encode(code, _tensors(file, architecture), setting) != file:
        raise ValueError("the file was damaged, or does not belong to this architecture")


def _tensors(file: bytes, architecture: list[Parameter]) -> dict[str, StoredTensor]:
    code, setting, body = split_header(file)
    parameters = sorted(architecture, key=lambda parameter: parameter.name)
    tensors = _BODIES[code].decode(body, parameters, setting)
    return {p.name: tensor for p, tensor in zip(parameters, tensors, strict=True)}


def setting_of(file: bytes) -> Setting:
    """How the model in the file was quantized.

    Raises:
        ValueError: the file is cut short, or was not made by this project.
    """
    return split_header(file)[1]
