"""The `entropy_coded` code: every tensor by a range coder with its own tables (section 2).

After the header one range-coded stream has the parameters in the order of their names.  Codes
of a matrix are coded as distances from the code of 0.  Columns (inputs), rows (outputs) or both
may be sorted into classes by the size of their codes, each class with its own table; a flag of the
matrix says which.  Scales and raw values are 16-bit words, coded byte by byte or, if
there are few distinct ones, as indices into a list of them.  Every choice is for the shorter one
and costs a flag; flags, tables and lists are part of the stream.
"""

from collections.abc import Iterator
from dataclasses import replace

import numpy as np
import torch

from compute.base.setting import Setting
from compute.models.layout import Parameter
from compute.quantize.codes.frequencies import FrequencyTable, best_bits, best_table
from compute.quantize.codes.range_coder import Reader, Writer
from compute.quantize.quantizers import (
    Form,
    QuantizedTensor,
    RawTensor,
    StoredTensor,
    form_of,
    raw_dtype,
    rotation_of,
)
from compute.quantize.quantizers.tensors import SCALE_DTYPE, group_count, group_of_columns

#: Number of classes of columns, or of rows.
_CLASSES = 4

_WORD = 2**16

#: Turns int8 into uint8 in the same order.
_SIGN = np.uint8(128)

#: Codes that are counted at once: in between, each takes up to 16 bytes.
_CHUNK = 2**20


def encode(tensors: list[StoredTensor]) -> bytes:
    """Body of the file."""
    return accounted(tensors)[0]


def accounted(tensors: list[StoredTensor]) -> tuple[bytes, list[dict[str, float]]]:
    """Body of the file, and for each tensor the bits of its parts.

    Parts are ``values`` of a tensor that is not on a grid; else ``codes`` (as their tables say),
    ``tables`` (those, and the classes of rows and columns) and ``scales`` (with zeros and steps of
    columns).  The body has at most two words of 32 bits more than all of them, but for the coder's
    rounding of probabilities.
    """
    writer = Writer()
    spent = [_write(writer, tensor) for tensor in tensors]
    return writer.bytes(), spent


def _write(writer: Writer, tensor: StoredTensor) -> dict[str, float]:
    """Append a tensor; returns the bits of its parts."""
    start = writer.uniform_bits + writer.symbol_bits
    if isinstance(tensor, RawTensor):
        _write_raw(writer, tensor.values)
        return {"values": writer.uniform_bits + writer.symbol_bits - start}
    _write_scales(writer, tensor)
    uniform, symbols = writer.uniform_bits, writer.symbol_bits
    _write_matrix(writer, _signed(tensor))
    return {
        "codes": writer.symbol_bits - symbols,
        "tables": writer.uniform_bits - uniform,
        "scales": uniform + symbols - start,
    }


def _write_scales(writer: Writer, tensor: QuantizedTensor) -> None:
    """All that a matrix has beside its codes."""
    _write_raw(writer, tensor.scales)
    if tensor.zeros is not None:
        _write_symbols(writer, tensor.zeros.numpy().ravel())
    if tensor.column_steps is not None:
        _write_symbols(writer, tensor.column_steps.numpy().view(np.uint8) ^ _SIGN)


def decode(
    body: memoryview, parameters: list[Parameter], setting: Setting
) -> Iterator[StoredTensor]:
    """Every parameter, in the order of ``parameters``.

    Raises:
        ValueError: the data is damaged or does not belong to this architecture.
    """
    reader = Reader(body)
    for parameter in parameters:
        yield _read(reader, parameter, setting)
    reader.check_end()


def _read(reader: Reader, parameter: Parameter, setting: Setting) -> StoredTensor:
    form = form_of(parameter, setting)
    if form == Form.RAW:
        return RawTensor(_read_raw(reader, parameter.code_shape, raw_dtype(setting)))
    rows, columns = shape = parameter.matrix_shape
    groups = group_count(columns, setting.group_size)
    scales = _read_raw(reader, (rows, groups), SCALE_DTYPE)
    zeros = None
    if form == Form.CLIPPED:
        zeros = torch.from_numpy(_read_symbols(reader, rows * groups).astype(np.uint8))
        zeros = zeros.reshape(rows, groups)
    column_steps = None
    if form == Form.COLUMNS:
        found = _read_symbols(reader, columns).astype(np.uint8) ^ _SIGN
        column_steps = torch.from_numpy(found.view(np.int8))
    tensor = QuantizedTensor(
        torch.empty(shape, dtype=torch.uint8),
        scales,
        zeros,
        setting.bits,
        setting.group_size,
        column_steps,
        rotation_of(parameter, setting),
    )
    codes = _read_matrix(reader, shape)
    if zeros is not None:
        codes = (codes + _zeros_per_weight(tensor)).astype(np.uint8)
    return replace(tensor, codes=torch.from_numpy(codes))


def _signed(tensor: QuantizedTensor) -> np.ndarray:
    """Distances of codes from the code of 0, shape (rows, columns), int16."""
    codes = tensor.codes.numpy()
    if tensor.zeros is None:
        return codes
    return codes.astype(np.int16) - _zeros_per_weight(tensor)


def _zeros_per_weight(tensor: QuantizedTensor) -> np.ndarray:
    """Code of the value 0, int16, shape (rows, 1) or, with groups, (rows, columns)."""
    zeros = tensor.zeros.numpy().astype(np.int16)
    if zeros.shape[1] == 1:
        return zeros
    return zeros[:, group_of_columns(tensor.codes.shape[1], tensor.group_size).numpy()]


# Matrices of codes


def _write_matrix(writer: Writer, codes: np.ndarray) -> None:
    """Signed codes, int16, shape (rows, columns)."""
    low = int(codes.min())
    sizes = _mean_sizes(codes)
    quartiles = [_quartiles(size) for size in sizes]
    # Differences of two-byte integers may wrap around; as unsigned ones they are right.
    symbols = (codes - np.int16(low)).view(np.uint16)
    counts = _counts(symbols, *quartiles, int(codes.max()) - low + 1)
    ways = [(rows, columns) for rows in (False, True) for columns in (False, True)]
    best = min(ways, key=lambda way: _matrix_bits(counts, codes.shape, *way))
    writer.uniform(low + _WORD // 2, _WORD)
    writer.uniform(np.array(best, dtype=np.int64), 2)
    classes = [
        members if chosen else np.zeros_like(members)
        for chosen, members in zip(best, quartiles, strict=True)
    ]
    for chosen, members in zip(best, classes, strict=True):
        if chosen:
            writer.uniform(members, _CLASSES)
    for part in _parts(symbols, *classes):
        _write_table_and_symbols(writer, part)


def _read_matrix(reader: Reader, shape: tuple[int, int]) -> np.ndarray:
    """Signed codes, int16, shape (rows, columns)."""
    low = reader.number(_WORD) - _WORD // 2
    chosen = reader.uniform(2, 2)
    classes = [
        reader.uniform(size, _CLASSES) if flag else np.zeros(size, dtype=np.int64)
        for flag, size in zip(chosen, shape, strict=True)
    ]
    symbols = np.empty(shape, dtype=np.uint16)
    for row in range(_CLASSES):
        rows = np.flatnonzero(classes[0] == row)
        for column in range(_CLASSES):
            columns = np.flatnonzero(classes[1] == column)
            if rows.size and columns.size:
                frequencies = FrequencyTable.read(reader).frequencies
                found = reader.symbols(rows.size * columns.size, frequencies)
                symbols[np.ix_(rows, columns)] = found.reshape(rows.size, columns.size)
    return symbols.view(np.int16) + np.int16(low)


def _mean_sizes(codes: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
    """Mean absolute code of each row and of each column, float64."""
    rows, columns = codes.shape
    by_row, by_column = np.empty(rows, dtype=np.int64), np.zeros(columns, dtype=np.int64)
    for part in _row_chunks(rows, columns):
        sizes = np.abs(codes[part].astype(np.int32))
        by_row[part] = sizes.sum(axis=1, dtype=np.int64)
        by_column += sizes.sum(axis=0, dtype=np.int64)
    return by_row / columns, by_column / rows


def _quartiles(sizes: np.ndarray) -> np.ndarray:
    """Class of each row or column: the quartile of its size."""
    return np.searchsorted(np.quantile(sizes, [0.25, 0.5, 0.75]), sizes)


def _counts(symbols: np.ndarray, rows: np.ndarray, columns: np.ndarray, size: int) -> np.ndarray:
    """How often each symbol below ``size`` occurs in each pair of classes, shape (4, 4, size)."""
    counts = np.zeros(_CLASSES**2 * size, dtype=np.int64)
    pairs = (rows[:, None] * _CLASSES * size, columns * size)
    for part in _row_chunks(*symbols.shape):
        places = pairs[0][part] + pairs[1] + symbols[part]
        counts += np.bincount(places.ravel(), minlength=counts.size)
    return counts.reshape(_CLASSES, _CLASSES, size)


def _parts(symbols: np.ndarray, rows: np.ndarray, columns: np.ndarray) -> Iterator[np.ndarray]:
    """Symbols of each pair of classes that has any, flat."""
    for row in range(_CLASSES):
        of_row = symbols[rows == row]
        for column in range(_CLASSES):
            part = of_row[:, columns == column].ravel()
            if part.size:
                yield part


def _matrix_bits(
    counts: np.ndarray, shape: tuple[int, int], by_row: bool, by_column: bool
) -> float:
    """Length of a matrix with classes of rows, of columns, or both.

    Args:
        counts: by classes of both.
    """
    classes = np.log2(_CLASSES) * (shape[0] * by_row + shape[1] * by_column)
    if not by_row:
        counts = counts.sum(axis=0, keepdims=True)
    if not by_column:
        counts = counts.sum(axis=1, keepdims=True)
    parts = counts.reshape(-1, counts.shape[2])
    return classes + sum(_counted_bits(part) for part in parts if part.any())


def _row_chunks(rows: int, columns: int) -> Iterator[slice]:
    """Ranges of rows of a matrix that are worked on at once."""
    step = max(1, _CHUNK // columns)
    return (slice(start, start + step) for start in range(0, rows, step))


# Sequences of symbols


def _tally(values: np.ndarray) -> np.ndarray:
    """How often each number occurs, up to the largest."""
    counts = np.zeros(int(values.max()) + 1, dtype=np.int64)
    for start in range(0, values.size, _CHUNK):
        counts += np.bincount(values[start : start + _CHUNK], minlength=len(counts))
    return counts


def _counted_bits(counts: np.ndarray) -> float:
    """Length of symbols with these counts, in any order, and of their table.

    The table ends with the last symbol that occurs.
    """
    return best_bits(counts[: int(np.flatnonzero(counts)[-1]) + 1])


def _write_table_and_symbols(writer: Writer, values: np.ndarray) -> None:
    table = best_table(_tally(values))
    table.write(writer)
    writer.symbols(values, table.frequencies)


def _symbol_bits(counts: np.ndarray) -> float:
    return 1.0 + min(_counted_bits(counts), 8.0 * int(counts.sum()))


def _write_symbols(writer: Writer, values: np.ndarray) -> None:
    """Values below 256, with a table if that is shorter."""
    with_table = _counted_bits(_tally(values)) < 8.0 * values.size
    writer.uniform(int(with_table), 2)
    if with_table:
        _write_table_and_symbols(writer, values)
    else:
        writer.uniform(values, 256)


def _read_symbols(reader: Reader, count: int) -> np.ndarray:
    if reader.number(2):
        return reader.symbols(count, FrequencyTable.read(reader).frequencies)
    return reader.uniform(count, 256)


# 16-bit words: scales and raw values


def _write_raw(writer: Writer, values: torch.Tensor) -> None:
    """bfloat16 or float32 values as one or two sequences of words."""
    words = values.contiguous().reshape(-1).view(torch.int16).numpy().view(np.uint16)
    per_value = values.element_size() // 2
    for part in range(per_value):
        _write_words(writer, words[part::per_value])


def _read_raw(reader: Reader, shape: tuple[int, ...], dtype: torch.dtype) -> torch.Tensor:
    count, per_value = int(np.prod(shape)), dtype.itemsize // 2
    words = np.empty(count * per_value, dtype=np.uint16)
    for part in range(per_value):
        words[part::per_value] = _read_words(reader, count)
    return torch.from_numpy(words.view(np.int16)).view(dtype).reshape(shape)


def _write_words(writer: Writer, words: np.ndarray) -> None:
    found = _tally(words)
    counts = np.zeros(_WORD, dtype=np.int64)
    counts[: len(found)] = found
    distinct = np.flatnonzero(counts)
    as_list = 16.0 * len(distinct) + _counted_bits(counts[distinct])
    by_byte = counts.reshape(256, 256)
    as_bytes = _symbol_bits(by_byte.sum(axis=1)) + _symbol_bits(by_byte.sum(axis=0))
    writer.uniform(int(as_list < as_bytes), 2)
    if as_list < as_bytes:
        places = np.zeros(_WORD, dtype=np.int32)
        places[distinct] = np.arange(len(distinct))
        writer.uniform(len(distinct) - 1, _WORD)
        writer.uniform(distinct, _WORD)
        _write_table_and_symbols(writer, places[words])
    else:
        _write_symbols(writer, words >> 8)
        _write_symbols(writer, words & 0xFF)


def _read_words(reader: Reader, count: int) -> np.ndarray:
    if reader.number(2):
        distinct = reader.uniform(reader.number(_WORD) + 1, _WORD)
        places = reader.symbols(count, FrequencyTable.read(reader).frequencies)
        if places.max(initial=0) >= len(distinct):
            raise ValueError("the range-coded data is damaged")
        return distinct[places]
    return (_read_symbols(reader, count) << 8) + _read_symbols(reader, count)
