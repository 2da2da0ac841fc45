"""The `entropy_coded` code: every tensor by a range coder with its own tables (section 5.3).

After the header one range-coded stream holds the parameters in the order of their names.  Codes
of a matrix are coded as distances from the code of 0.  Columns (inputs), rows (outputs) or both
may be sorted into classes by how large their codes are, each class with a table of its own: a
matrix says which it does.  Scales and raw values are 16-bit words, coded byte by byte or, where
few distinct ones occur, as places in a list of them.  Wherever there is a choice the shorter one
is taken and a flag says so; flags, tables and lists are part of the stream.
"""

from collections.abc import Iterator
from dataclasses import replace

import numpy as np
import torch

from compute.codes.frequencies import FrequencyTable, best_table
from compute.codes.range_coder import Reader, Writer
from compute.layout import Parameter
from compute.quantizers import (
    Form,
    QuantizedTensor,
    RawTensor,
    StoredTensor,
    form_of,
    raw_dtype,
    rotation_of,
)
from compute.quantizers.tensors import SCALE_DTYPE, group_count, group_of_columns
from compute.setting import Setting

#: Classes that columns, or rows, are sorted into.
_CLASSES = 4

_WORD = 2**16


def encode(tensors: list[StoredTensor]) -> bytes:
    """Body of the file."""
    writer = Writer()
    for tensor in tensors:
        if isinstance(tensor, RawTensor):
            _write_raw(writer, tensor.values)
            continue
        _write_raw(writer, tensor.scales)
        if tensor.zeros is not None:
            _write_symbols(writer, tensor.zeros.numpy().astype(np.int64).ravel())
        _write_matrix(writer, tensor.codes.numpy().astype(np.int64) - _zeros_per_weight(tensor))
    return writer.bytes()


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
    tensor = QuantizedTensor(
        torch.empty(shape, dtype=torch.uint8),
        scales,
        zeros,
        setting.bits,
        setting.group_size,
        rotation_of(parameter, setting),
    )
    codes = _read_matrix(reader, shape) + _zeros_per_weight(tensor)
    dtype = np.uint8 if form == Form.CLIPPED else np.int16
    return replace(tensor, codes=torch.from_numpy(codes.astype(dtype)))


def _zeros_per_weight(tensor: QuantizedTensor) -> np.ndarray:
    """Code of the value 0 for each entry, shape (rows, columns)."""
    rows, columns = tensor.codes.shape
    if tensor.zeros is None:
        return np.zeros((rows, columns), dtype=np.int64)
    zeros = tensor.zeros.numpy().astype(np.int64)
    return zeros[:, group_of_columns(columns, tensor.group_size).numpy()]


# Matrices of codes


def _write_matrix(writer: Writer, codes: np.ndarray) -> None:
    """Signed codes, shape (rows, columns)."""
    low = int(codes.min())
    symbols = codes - low
    ways = [(rows, columns) for rows in (False, True) for columns in (False, True)]
    best = min(ways, key=lambda way: _matrix_bits(symbols, *_classes(codes, *way), *way))
    writer.uniform(low + _WORD // 2, _WORD)
    writer.uniform(np.array(best, dtype=np.int64), 2)
    classes = _classes(codes, *best)
    for chosen, members in zip(best, classes, strict=True):
        if chosen:
            writer.uniform(members, _CLASSES)
    for part in _parts(symbols, *classes):
        _write_table_and_symbols(writer, part)


def _read_matrix(reader: Reader, shape: tuple[int, int]) -> np.ndarray:
    low = reader.number(_WORD) - _WORD // 2
    chosen = reader.uniform(2, 2)
    classes = [
        reader.uniform(size, _CLASSES) if flag else np.zeros(size, dtype=np.int64)
        for flag, size in zip(chosen, shape, strict=True)
    ]
    symbols = np.empty(shape, dtype=np.int64)
    for row in range(_CLASSES):
        for column in range(_CLASSES):
            place = np.ix_(classes[0] == row, classes[1] == column)
            if symbols[place].size:
                found = reader.symbols(symbols[place].size, FrequencyTable.read(reader).frequencies)
                symbols[place] = found.reshape(symbols[place].shape)
    return symbols + low


def _classes(codes: np.ndarray, rows: bool, columns: bool) -> tuple[np.ndarray, np.ndarray]:
    """Class of each row and of each column: quartile of its mean absolute code, or 0 for all."""
    return _quartiles(codes, 1, rows), _quartiles(codes, 0, columns)


def _quartiles(codes: np.ndarray, axis: int, wanted: bool) -> np.ndarray:
    sizes = np.abs(codes).mean(axis=axis)
    if not wanted:
        return np.zeros(len(sizes), dtype=np.int64)
    return np.searchsorted(np.quantile(sizes, [0.25, 0.5, 0.75]), sizes)


def _parts(symbols: np.ndarray, rows: np.ndarray, columns: np.ndarray) -> list[np.ndarray]:
    """Symbols of each pair of classes that has any, flat."""
    pairs = [(row, column) for row in range(_CLASSES) for column in range(_CLASSES)]
    parts = [symbols[np.ix_(rows == row, columns == column)].ravel() for row, column in pairs]
    return [part for part in parts if part.size]


def _matrix_bits(
    symbols: np.ndarray, rows: np.ndarray, columns: np.ndarray, by_row: bool, by_column: bool
) -> float:
    """Length of a matrix with these classes."""
    classes = np.log2(_CLASSES) * (len(rows) * by_row + len(columns) * by_column)
    return classes + sum(_table_and_symbol_bits(part) for part in _parts(symbols, rows, columns))


# Sequences of symbols


def _table_and_symbol_bits(values: np.ndarray) -> float:
    counts = np.bincount(values)
    table = best_table(counts)
    return table.table_bits + table.symbol_bits(counts)


def _write_table_and_symbols(writer: Writer, values: np.ndarray) -> None:
    table = best_table(np.bincount(values))
    table.write(writer)
    writer.symbols(values, table.frequencies)


def _symbol_bits(values: np.ndarray) -> float:
    return 1.0 + min(_table_and_symbol_bits(values), 8.0 * values.size)


def _write_symbols(writer: Writer, values: np.ndarray) -> None:
    """Values below 256, with a table where that is shorter."""
    with_table = _table_and_symbol_bits(values) < 8.0 * values.size
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
        _write_words(writer, words[part::per_value].astype(np.int64))


def _read_raw(reader: Reader, shape: tuple[int, ...], dtype: torch.dtype) -> torch.Tensor:
    count, per_value = int(np.prod(shape)), dtype.itemsize // 2
    words = np.empty(count * per_value, dtype=np.uint16)
    for part in range(per_value):
        words[part::per_value] = _read_words(reader, count)
    return torch.from_numpy(words.view(np.int16)).view(dtype).reshape(shape)


def _write_words(writer: Writer, words: np.ndarray) -> None:
    distinct, places = np.unique(words, return_inverse=True)
    as_list = 16.0 * len(distinct) + _table_and_symbol_bits(places)
    as_bytes = _symbol_bits(words >> 8) + _symbol_bits(words & 0xFF)
    writer.uniform(int(as_list < as_bytes), 2)
    if as_list < as_bytes:
        writer.uniform(len(distinct) - 1, _WORD)
        writer.uniform(distinct, _WORD)
        _write_table_and_symbols(writer, places)
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
