"""The `stored` code: every tensor at its fixed width (section 2).

After the header each parameter follows in the order of its name:

    raw         the values, float32 where nothing is quantized or cast, else bfloat16
    clipped     scales (bfloat16), zero points and codes, both packed at b bits
    unclipped   scales (bfloat16), with a step for each column 1 byte for each, 1 byte width w,
                2 bytes smallest code, codes less that at w bits

Integers are little-endian.  Each packed run is padded to a whole byte.
"""

import struct
from collections.abc import Iterator

import numpy as np
import torch

from compute.base.setting import Setting
from compute.models.layout import Parameter
from compute.quantize.quantizers import (
    Form,
    QuantizedTensor,
    RawTensor,
    StoredTensor,
    form_of,
    raw_dtype,
    rotation_of,
)
from compute.quantize.quantizers.tensors import SCALE_DTYPE, group_count

_RANGE = struct.Struct("<Bh")

#: Integers that are packed at once: each takes up to 18 bytes in between.
_CHUNK = 2**20

#: Widest integers of which eight fit into a word.
_BYTE = 8


def encode(tensors: list[StoredTensor]) -> bytes:
    """Body of the file."""
    return b"".join(_tensor_bytes(tensor) for tensor in tensors)


def decode(
    body: memoryview, parameters: list[Parameter], setting: Setting
) -> Iterator[StoredTensor]:
    """Every parameter, in the order of ``parameters``.

    Raises:
        ValueError: the file is too short or too long for this architecture.
    """
    offset = 0
    for parameter in parameters:
        tensor, used = _read(body[offset:], parameter, setting)
        offset += used
        yield tensor
    if offset != len(body):
        raise ValueError(f"the architecture needs {offset} bytes and the file holds {len(body)}")


def _tensor_bytes(tensor: StoredTensor) -> bytes:
    if isinstance(tensor, RawTensor):
        return _to_bytes(tensor.values)
    scales, codes = _to_bytes(tensor.scales), tensor.codes.numpy()
    if tensor.bits is not None:
        return scales + _pack(tensor.zeros.numpy(), tensor.bits) + _pack(codes, tensor.bits)
    if tensor.column_steps is not None:
        scales += _to_bytes(tensor.column_steps)
    low = int(codes.min())
    width = (int(codes.max()) - low).bit_length()
    # Differences of two-byte integers may wrap around; as unsigned ones they are right.
    return scales + _RANGE.pack(width, low) + _pack((codes - np.int16(low)).view(np.uint16), width)


def _read(body: memoryview, parameter: Parameter, setting: Setting) -> tuple[StoredTensor, int]:
    form = form_of(parameter, setting)
    if form == Form.RAW:
        return _read_raw(body, parameter.code_shape, raw_dtype(setting))
    rows, columns = shape = parameter.matrix_shape
    groups = group_count(columns, setting.group_size)
    scales, offset = _read_raw(body, (rows, groups), SCALE_DTYPE)
    zeros = column_steps = None
    if form == Form.COLUMNS:
        steps, used = _read_raw(body[offset:], (columns,), torch.int8)
        column_steps, offset = steps.values, offset + used
    if form == Form.CLIPPED:
        zeros, used = _unpack(body[offset:], (rows, groups), setting.bits, np.uint8)
        offset += used
        codes, used = _unpack(body[offset:], shape, setting.bits, np.uint8)
        zeros = torch.from_numpy(zeros)
    else:
        if len(body) < offset + _RANGE.size:
            raise ValueError("the file ends inside a tensor")
        width, low = _RANGE.unpack_from(body, offset)
        if width > 16:
            raise ValueError(f"the file announces codes of {width} bits, and there are at most 16")
        offset += _RANGE.size
        codes, used = _unpack(body[offset:], shape, width, np.int16, low)
    tensor = QuantizedTensor(
        torch.from_numpy(codes),
        scales.values,
        zeros,
        setting.bits,
        setting.group_size,
        column_steps,
        rotation_of(parameter, setting),
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
    return values.reshape(-1).view(torch.uint8).numpy().tobytes()


def _pack(values: np.ndarray, bits: int) -> bytes:
    """Non-negative integers of ``bits`` bits each, lowest bit first, back to back."""
    flat = values.reshape(-1)
    chunks = (flat[start : start + _CHUNK] for start in range(0, flat.size, _CHUNK))
    return b"".join(_pack_chunk(chunk, bits) for chunk in chunks)


def _pack_chunk(values: np.ndarray, bits: int) -> bytes:
    if bits > _BYTE:
        words = values.astype("<u2").reshape(-1, 1).view(np.uint8)  # (count, 2)
        planes = np.unpackbits(words, axis=1, bitorder="little")[:, :bits]
        return np.packbits(planes.ravel(), bitorder="little").tobytes()
    # Eight integers take ``bits`` whole bytes, which one word holds.
    words = np.zeros(-(-values.size // 8), dtype="<u8")
    for place in range(8):
        part = values[place::8]
        words[: part.size] |= part.astype("<u8") << np.uint64(bits * place)
    packed = words.view(np.uint8).reshape(-1, 8)[:, :bits].tobytes()
    return packed[: -(-values.size * bits // 8)]


def _unpack(
    body: memoryview, shape: tuple[int, ...], bits: int, dtype: type, low: int = 0
) -> tuple[np.ndarray, int]:
    """Inverse of ``_pack``: the integers, plus ``low``, and the bytes read."""
    count = int(np.prod(shape))
    size = -(-count * bits // 8)
    if len(body) < size:
        raise ValueError("the file ends inside a tensor")
    raw = np.frombuffer(body[:size], dtype=np.uint8)
    values = np.empty(count, dtype=dtype)
    for start in range(0, count, _CHUNK):  # begins at a whole byte: chunks are multiples of 8
        part = values[start : start + _CHUNK]
        first = start * bits // 8
        packed = raw[first : first + -(-part.size * bits // 8)]
        part[:] = _unpack_chunk(packed, part.size, bits).astype(np.int32) + low
    return values.reshape(shape), size


def _unpack_chunk(packed: np.ndarray, count: int, bits: int) -> np.ndarray:
    if bits > _BYTE:
        planes = np.unpackbits(packed, count=count * bits, bitorder="little").reshape(count, bits)
        words = np.packbits(planes, axis=1, bitorder="little")  # (count, 2)
        return words.view("<u2").ravel()
    groups = -(-count // 8)
    words = np.zeros((groups, 8), dtype=np.uint8)
    full = np.zeros(groups * bits, dtype=np.uint8)
    full[: packed.size] = packed
    words[:, :bits] = full.reshape(groups, bits)
    words = words.view("<u8").ravel()
    values = np.empty((groups, 8), dtype=np.uint8)
    for place in range(8):
        values[:, place] = (words >> np.uint64(bits * place)) & np.uint64(2**bits - 1)
    return values.ravel()[:count]
