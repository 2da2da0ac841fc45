"""The range coder, its frequency tables, and how numbers are written with them."""

import numpy as np
import pytest
from hypothesis import example, given
from hypothesis import strategies as st
from hypothesis.extra import numpy as hnp

from compute.quantize.codes import entropy
from compute.quantize.codes.frequencies import FrequencyTable, best_bits, best_table
from compute.quantize.codes.range_coder import Reader, Writer

#: Counts of symbols: mostly of any size, some of them 0, at least one positive.
COUNTS = hnp.arrays(
    np.int64,
    st.integers(1, 60),
    elements=st.one_of(st.just(0), st.integers(0, 20), st.integers(0, 2**38)),
).filter(np.any)


def there_and_back(write, read):
    """What ``read`` makes of what ``write`` wrote, and the bits it took."""
    writer = Writer()
    write(writer)
    data = writer.bytes()
    reader = Reader(memoryview(data))
    found = read(reader)
    reader.check_end()
    return found, 8 * len(data)


@given(counts=COUNTS, seed=st.integers(0, 10**6))
@example(counts=np.array([1]), seed=0)
@example(counts=np.array([2**38]), seed=0)
@example(counts=np.array([0, 0, 7]), seed=0)
@example(counts=np.array([2**38, 1]), seed=0)
def test_tables_and_symbols_come_back(counts, seed):
    """Also symbols that are rare, and those of a table with one symbol only."""
    used = np.flatnonzero(counts)
    symbols = np.random.default_rng(seed).choice(used, 50)
    table = best_table(counts)

    def write(writer):
        table.write(writer)
        writer.symbols(symbols, table.frequencies)

    def read(reader):
        found = FrequencyTable.read(reader)
        return found, reader.symbols(len(symbols), found.frequencies)

    (found, decoded), _ = there_and_back(write, read)
    assert np.array_equal(found.levels, table.levels)
    assert found.mantissa == table.mantissa
    assert np.array_equal(decoded, symbols)


@given(counts=COUNTS)
def test_frequencies_are_counts_to_the_digits_that_the_table_has(counts):
    table = best_table(counts)
    got = table.frequencies
    assert np.array_equal(got > 0, counts > 0)
    used = counts > 0
    # Up to one common factor: 2**mantissa.
    ratio = got[used] / counts[used] / 2.0**table.mantissa
    assert np.all(np.abs(ratio - 1) <= 2.0 ** -(table.mantissa + 1))


@given(counts=COUNTS)
def test_no_other_number_of_digits_is_shorter(counts):
    lengths = [_bits(FrequencyTable(_levels_by_hand(counts, q), q), counts) for q in range(8)]
    assert best_bits(counts) == pytest.approx(min(lengths), rel=1e-12)
    assert _bits(best_table(counts), counts) == pytest.approx(min(lengths), rel=1e-12)


def _bits(table, counts):
    """Of its size (16 bits), its digits (3), its highest level (13), every level, and symbols."""
    of_levels = len(table.levels) * np.log2(int(table.levels.max()) + 1)
    used = counts > 0
    shares = table.frequencies[used] / table.frequencies.sum()
    return 16 + 3 + 13 + of_levels - (counts[used] * np.log2(shares)).sum()


def _levels_by_hand(counts, q):
    """1 + (e << q | m) of the nearest (2^q + m) * 2^e / 2^q, by Python's integers."""
    levels = []
    for count in counts.tolist():
        if count == 0:
            levels.append(0)
            continue
        e = count.bit_length() - 1
        digits = round(count * 2**q / 2**e)  # ties to even, in [2^q, 2^(q+1)]
        e, digits = (e + 1, digits // 2) if digits == 2 ** (q + 1) else (e, digits)
        levels.append(1 + (e << q) + digits - 2**q)
    return np.array(levels)


@given(size=st.integers(1, 2**16), seed=st.integers(0, 10**6), count=st.integers(0, 50))
def test_uniform_numbers_come_back_and_cost_what_they_must(size, seed, count):
    values = np.random.default_rng(seed).integers(0, size, count)
    found, bits = there_and_back(
        lambda writer: writer.uniform(values, size), lambda reader: reader.uniform(count, size)
    )
    assert np.array_equal(found, values)
    # Whole words of 32 bits, one of them to end the stream.
    assert bits <= count * np.log2(size) * (1 + 1e-4) + 64


@given(
    words=hnp.arrays(
        np.uint16,
        st.integers(1, 300),
        elements=st.one_of(st.integers(0, 2**16 - 1), st.sampled_from([0, 1, 255, 256, 0xFFFF])),
    )
)
def test_words_come_back(words):
    found, _ = there_and_back(
        lambda writer: entropy._write_words(writer, words.astype(np.int64)),
        lambda reader: entropy._read_words(reader, len(words)),
    )
    assert np.array_equal(found, words)


@pytest.mark.parametrize("repeats", [1, 40])
def test_all_words_there_are_come_back(repeats):
    """All 65536, some so frequent that a list of them is the shortest way."""
    words = np.concatenate([np.arange(2**16), np.repeat(np.arange(256) * 257, 300 * repeats)])
    found, _ = there_and_back(
        lambda writer: entropy._write_words(writer, words),
        lambda reader: entropy._read_words(reader, len(words)),
    )
    assert np.array_equal(found, words)


def test_few_distinct_words_cost_little():
    words = np.random.default_rng(0).choice([0x3F80, 0x4000, 0x4040, 0x4080], 4000)
    _, bits = there_and_back(
        lambda writer: entropy._write_words(writer, words),
        lambda reader: entropy._read_words(reader, len(words)),
    )
    assert bits < 2.1 * 4000  # log2(4) bits each, a list of four, a table


@given(values=hnp.arrays(np.int64, st.integers(1, 200), elements=st.integers(0, 255)))
def test_bytes_come_back(values):
    found, bits = there_and_back(
        lambda writer: entropy._write_symbols(writer, values),
        lambda reader: entropy._read_symbols(reader, len(values)),
    )
    assert np.array_equal(found, values)
    assert bits <= 8 * len(values) + 1 + 64  # never worse than plain bytes


@given(
    shape=st.tuples(st.integers(1, 30), st.integers(1, 30)),
    seed=st.integers(0, 10**6),
    spread=st.sampled_from([0, 1, 3, 200, 30000]),
    uneven=st.booleans(),
)
def test_matrices_of_codes_come_back(shape, seed, spread, uneven):
    rng = np.random.default_rng(seed)
    codes = rng.laplace(0, spread or 1e-9, shape)
    if uneven:  # rows and columns of very different sizes: classes pay
        codes *= np.exp(rng.normal(0, 2, (shape[0], 1)) + rng.normal(0, 2, (1, shape[1])))
    codes = codes.round().clip(-32767, 32767).astype(np.int16)
    found, _ = there_and_back(
        lambda writer: entropy._write_matrix(writer, codes),
        lambda reader: entropy._read_matrix(reader, shape),
    )
    assert np.array_equal(found, codes)


def test_the_full_range_of_codes_comes_back():
    codes = np.array([[-32767, 0, 32767]], dtype=np.int16)
    found, _ = there_and_back(
        lambda writer: entropy._write_matrix(writer, codes),
        lambda reader: entropy._read_matrix(reader, codes.shape),
    )
    assert np.array_equal(found, codes)


@pytest.mark.parametrize("size", [1, 2, 3, 5])
def test_data_that_is_not_whole_words_is_refused(size):
    with pytest.raises(ValueError, match=f"4-byte words, and there are {size}"):
        Reader(memoryview(bytes(size)))
