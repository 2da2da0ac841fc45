"""The `stored` code: every tensor at its fixed width, in one file (section 2).

The decoder is given the architecture (names and shapes of all parameters, fixed before
training); everything else is in the file, so its size is a length L(h) that certifies.

Layout, little-endian:
    1 byte   quantizer, as an index into ``schema.QUANTIZERS``
    1 byte   bits
    4 bytes  group size, 0 for whole rows
    8 bytes  bytes that follow: makes the code self-delimiting
    then each parameter in the order of its name:
        quantized: scales (bfloat16), zero points and codes, both packed at b bits
        otherwise: the values, float32 where nothing is quantized or cast, else bfloat16

The first 6 bytes name the setting, so that the choice among all settings, made after seeing
the data, is paid for inside the code.  Each packed run is padded to a whole byte.
"""

import struct

import numpy as np
import torch

import schema
from compute.quantizers import (
    QuantizedTensor,
    RawTensor,
    StoredTensor,
    is_quantized,
    raw_dtype,
)
from compute.quantizers.tensors import SCALE_DTYPE
from compute.setting import Setting

_HEADER = struct.Struct("<BBIQ")


def encode(tensors: dict[str, StoredTensor], setting: Setting) -> bytes:
    """The file, its size in bytes times 8 being the `stored` code length."""
    body = b"".join(_tensor_bytes(tensors[name]) for name in sorted(tensors))
    index = schema.QUANTIZERS.index(setting.quantizer)
    return _HEADER.pack(index, setting.bits or 0, setting.group_size or 0, len(body)) + body


def decode(code: bytes, shapes: dict[str, tuple[int, ...]]) -> dict[str, torch.Tensor]:
    """The weights of the evaluated model by name, float32.

    Args:
        code: what ``encode`` returned.
        shapes: the architecture: shape of every parameter.

    Raises:
        ValueError: the file is cut short, or does not belong to this architecture.
    """
    if len(code) < _HEADER.size:
        raise ValueError(f"a stored model has at least {_HEADER.size} bytes, not {len(code)}")
    index, bits, group_size, body_bytes = _HEADER.unpack_from(code)
    if index >= len(schema.QUANTIZERS):
        raise ValueError(f"the file names quantizer number {index}, which does not exist")
    setting = Setting(schema.QUANTIZERS[index], bits=bits or None, group_size=group_size or None)
    body = memoryview(code)[_HEADER.size :]
    if len(body) != body_bytes:
        raise ValueError(f"the file announces {body_bytes} bytes and holds {len(body)}")
    weights, offset = {}, 0
    for name in sorted(shapes):
        shape = shapes[name]
        if is_quantized(setting, shape):
            tensor, used = _read_quantized(body[offset:], shape, setting)
        else:
            tensor, used = _read_raw(body[offset:], shape, raw_dtype(setting))
        weights[name] = tensor.dequantize()
        offset += used
    if offset != body_bytes:
        raise ValueError(f"the architecture needs {offset} bytes and the file holds {body_bytes}")
    return weights


def _tensor_bytes(tensor: StoredTensor) -> bytes:
    if isinstance(tensor, RawTensor):
        return _to_bytes(tensor.values)
    return (
        _to_bytes(tensor.scales)
        + _pack(tensor.zeros.numpy(), tensor.bits)
        + _pack(tensor.codes.numpy(), tensor.bits)
    )


def _read_quantized(
    body: memoryview, shape: tuple[int, ...], setting: Setting
) -> tuple[QuantizedTensor, int]:
    rows, columns = shape
    groups = -(-columns // (setting.group_size or columns))
    scales, offset = _read_raw(body, (rows, groups), SCALE_DTYPE)
    zeros, used = _unpack(body[offset:], (rows, groups), setting.bits)
    offset += used
    codes, used = _unpack(body[offset:], (rows, columns), setting.bits)
    tensor = QuantizedTensor(
        torch.from_numpy(codes),
        scales.values,
        torch.from_numpy(zeros),
        setting.bits,
        setting.group_size,
    )
    return tensor, offset + used


def _read_raw(
    body: memoryview, shape: tuple[int, ...], dtype: torch.dtype
) -> tuple[RawTensor, int]:
    count = int(np.prod(shape))
    size = count * dtype.itemsize
    if len(body) < size:
        raise ValueError("the file ends inside a tensor")
    values = torch.frombuffer(bytearray(body[:size]), dtype=dtype).reshape(shape)
    return RawTensor(values), size


def _to_bytes(values: torch.Tensor) -> bytes:
    return values.contiguous().view(torch.uint8).numpy().tobytes()


def _pack(values: np.ndarray, bits: int) -> bytes:
    """Integers of ``bits`` bits each, lowest bit first, back to back."""
    planes = np.unpackbits(values.reshape(-1, 1), axis=1, bitorder="little")[:, :bits]
    return np.packbits(planes.ravel(), bitorder="little").tobytes()


def _unpack(body: memoryview, shape: tuple[int, ...], bits: int) -> tuple[np.ndarray, int]:
    """Inverse of ``_pack``: the integers, uint8, and the bytes read."""
    count = int(np.prod(shape))
    size = -(-count * bits // 8)
    if len(body) < size:
        raise ValueError("the file ends inside a tensor")
    raw = np.frombuffer(body[:size], dtype=np.uint8)
    planes = np.unpackbits(raw, count=count * bits, bitorder="little").reshape(count, bits)
    return np.packbits(planes, axis=1, bitorder="little").reshape(shape), size
