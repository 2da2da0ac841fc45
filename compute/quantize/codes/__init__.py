"""Prefix-free codes of whole models: real files, from which a decoder restores every weight.

The decoder knows the architecture (``compute.models.layout``), fixed before training; everything
else is in the file, so its size is a length L(h) that certifies (section 2).
"""

import math
from collections.abc import Iterator

import torch

from compute.base.setting import UNQUANTIZED, Setting
from compute.models.layout import Parameter
from compute.quantize.codes import entropy, stored
from compute.quantize.codes.header import CODES, header, split_header
from compute.quantize.quantizers import StoredTensor

__all__ = [
    "CODES",
    "accounted",
    "check_whole",
    "decode",
    "encode",
    "setting_of",
    "unquantized_bits",
]

#: Width of a weight that is not quantized.
FLOAT32_BYTES = 4

_BODIES = {"stored": stored, "entropy_coded": entropy}


def encode(code: str, tensors: dict[str, StoredTensor], setting: Setting) -> bytes:
    """The file of a quantized model.  Its size in bytes, times 8, is the code length in bits.

    Args:
        code: ``stored`` (fixed widths) or ``entropy_coded``.
        tensors: every parameter by name.
    """
    body = _BODIES[code].encode([tensors[name] for name in sorted(tensors)])
    return header(code, setting, len(body)) + body


def accounted(
    tensors: dict[str, StoredTensor], setting: Setting
) -> tuple[bytes, list[tuple[str, str, float]]]:
    """The ``entropy_coded`` file, and (parameter, part, bits) of what it holds, in its order.

    Args:
        tensors: every parameter by name; its parts are those of ``entropy.accounted``.
    """
    names = sorted(tensors)
    body, parts = entropy.accounted([tensors[name] for name in names])
    spent = [(name, *part) for name, of in zip(names, parts, strict=True) for part in of.items()]
    return header("entropy_coded", setting, len(body)) + body, spent


def unquantized_bits(architecture: list[Parameter]) -> int:
    """Bits of the stored file of an unquantized model, which need not be written: 32 per weight."""
    body = FLOAT32_BYTES * sum(math.prod(parameter.shape) for parameter in architecture)
    return announced_bits(UNQUANTIZED, 8 * body)


def announced_bits(setting: Setting, body_bits: int) -> int:
    """Bits of a stored file whose body, in whole bytes, was not made here."""
    return 8 * len(header("stored", setting, body_bits // 8)) + body_bits


def decode(file: bytes, architecture: list[Parameter]) -> Iterator[tuple[str, torch.Tensor]]:
    """The weights of the evaluated model, float32, one after the other with their names.

    They are in the order of the names. A large model's weights need not all be in memory at once.

    Raises:
        ValueError: the file is cut short, or does not belong to this architecture.
    """
    for parameter, tensor in _tensors(file, architecture):
        yield parameter.name, parameter.from_matrix(tensor.dequantize())


def check_whole(file: bytes, architecture: list[Parameter]) -> None:
    """Refuse a file that differs in any byte from what ``encode`` writes for its content.

    A range decoder does not notice the end of its data: it makes up symbols.  For files
    of unknown origin; takes as long as writing them.

    Raises:
        ValueError: as ``decode``, or the bytes differ.
    """
    code, setting, _ = split_header(file)
    tensors = {p.name: tensor for p, tensor in _tensors(file, architecture)}
    if encode(code, tensors, setting) != file:
        raise ValueError("the file was damaged, or does not belong to this architecture")


def _tensors(
    file: bytes, architecture: list[Parameter]
) -> Iterator[tuple[Parameter, StoredTensor]]:
    code, setting, body = split_header(file)
    parameters = sorted(architecture, key=lambda parameter: parameter.name)
    # One request more than there are parameters makes a decoder check that the file ends there.
    yield from zip(parameters, _BODIES[code].decode(body, parameters, setting), strict=True)


def setting_of(file: bytes) -> Setting:
    """How the model in the file was quantized.

    Raises:
        ValueError: the file is cut short, or was not made by this project.
    """
    return split_header(file)[1]
