"""The start of every coded model: its code, its setting, and the number of bytes that follow.

    1 byte   code: 0 stored, 1 entropy-coded
    1 byte   quantizer, as an index into ``schema.QUANTIZERS``
    1 byte   bits, 0 where they do not apply
    varint   group size, 0 for whole rows
    8 bytes  step (float64), only for the quantizers that have one
    varint   seed, only for the quantizers that have one
    varint   bytes that follow: makes the code self-delimiting (about 2*log2(L) bits at most)

The setting and the code are in the file, so the code pays for a choice among all of them, made
after seeing the data.  A varint has 7 bits of a number per byte, lowest
first; the highest bit says that more follow.
"""

import struct

import schema
from compute.base.setting import Setting, quantizers_with

CODES = ("stored", "entropy_coded")

_STEP = struct.Struct("<d")
_HAS_STEP, _HAS_SEED = quantizers_with("step"), quantizers_with("quantizer_seed")


def header(code: str, setting: Setting, body_bytes: int) -> bytes:
    """The header of a body of so many bytes."""
    index = schema.QUANTIZERS.index(setting.quantizer)
    head = bytes([CODES.index(code), index, setting.bits or 0]) + _varint(setting.group_size or 0)
    if setting.quantizer in _HAS_STEP:
        head += _STEP.pack(setting.step)
    if setting.quantizer in _HAS_SEED:
        head += _varint(setting.quantizer_seed)
    return head + _varint(body_bytes)


def split_header(file: bytes) -> tuple[str, Setting, memoryview]:
    """Code, setting and body of a file that begins with ``header``.

    Raises:
        ValueError: the file is cut short, or was not made by this project.
    """
    try:
        return _split(memoryview(file))
    except (IndexError, struct.error):
        raise ValueError("the file ends inside its header") from None


def _split(file: memoryview) -> tuple[str, Setting, memoryview]:
    code, index, bits = file[0], file[1], file[2]
    if code >= len(CODES):
        raise ValueError(f"the file names code number {code}, which does not exist")
    if index >= len(schema.QUANTIZERS):
        raise ValueError(f"the file names quantizer number {index}, which does not exist")
    quantizer = schema.QUANTIZERS[index]
    group_size, offset = _read_varint(file, 3)
    step = seed = None
    if quantizer in _HAS_STEP:
        (step,) = _STEP.unpack_from(file, offset)
        offset += _STEP.size
    if quantizer in _HAS_SEED:
        seed, offset = _read_varint(file, offset)
    announced, offset = _read_varint(file, offset)
    body = file[offset:]
    if len(body) != announced:
        raise ValueError(f"the file announces {announced} bytes and holds {len(body)}")
    return CODES[code], Setting(quantizer, bits or None, group_size or None, step, seed), body


def _varint(value: int) -> bytes:
    out = bytearray()
    while value >= 0x80:
        out.append(value & 0x7F | 0x80)
        value >>= 7
    out.append(value)
    return bytes(out)


def _read_varint(file: memoryview, offset: int) -> tuple[int, int]:
    value = shift = 0
    while True:
        byte = file[offset]
        value |= (byte & 0x7F) << shift
        offset, shift = offset + 1, shift + 7
        if byte < 0x80:
            return value, offset
