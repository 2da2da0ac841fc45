"""Files of coded models: bit-exact, self-delimiting, short, and refused where damaged."""

import functools
import itertools
import subprocess
import sys

import numpy as np
import pytest
import torch
from hypothesis import given
from hypothesis import strategies as st

import schema
from compute.base.setting import UNQUANTIZED, Setting
from compute.models import language_model
from compute.models.layout import Kind, Parameter, layout
from compute.quantize import codes
from compute.quantize.codes import entropy
from compute.quantize.codes.header import CODES, header, split_header
from compute.quantize.quantizers import QuantizedTensor, RawTensor, quantize
from tests.compute.helpers import examples
from tests.compute.helpers.examples import (
    MODELS,
    SETTINGS,
    layer,
    model,
    moment,
)
from tests.conftest import ROOT

CASES = [(name, setting) for name in MODELS for setting in SETTINGS]
each_case = pytest.mark.parametrize(
    ("name", "setting"), CASES, ids=[f"{name}-{setting.slug}" for name, setting in CASES]
)


@functools.cache
def quantized(name, setting):
    """A model holding decoded weights, the tensors, and the files by code."""
    of, tensors, _ = examples.quantized(name, setting)
    return of, tensors, {code: codes.encode(code, tensors, setting) for code in CODES}


@functools.cache
def architecture(name):
    return layout(model(name))


@each_case
def test_both_files_restore_every_weight_bit_for_bit(name, setting):
    of, tensors, files = quantized(name, setting)
    for file in files.values():
        assert codes.setting_of(file) == setting
        decoded = dict(codes.decode(file, architecture(name)))
        assert set(decoded) == set(tensors)
        for key, weights in decoded.items():
            assert torch.equal(weights, of.get_parameter(key)), key
            assert weights.dtype == torch.float32


@each_case
def test_the_stored_file_holds_every_tensor_at_its_width_and_nothing_else(name, setting):
    _, tensors, files = quantized(name, setting)
    bits = 0.0
    for tensor in tensors.values():
        if isinstance(tensor, RawTensor):
            bits += tensor.values.numel() * (32 if setting == UNQUANTIZED else 16)
            continue
        if setting.step:
            spread = int(tensor.codes.max()) - int(tensor.codes.min())
            bits += 24 + spread.bit_length() * tensor.codes.numel()
            if tensor.column_steps is not None:
                bits += 8 * tensor.column_steps.numel()
        else:
            bits += setting.bits * (tensor.codes.numel() + tensor.zeros.numel())
        bits += 16 * tensor.scales.numel()
    # Header of at most 17 bytes; each packed run, two per tensor, is padded to a whole byte.
    assert 0 <= 8 * len(files["stored"]) - bits < 8 * 17 + 16 * len(tensors)


@each_case
def test_what_is_spent_on_the_parts_adds_up_to_the_file(name, setting):
    _, tensors, files = quantized(name, setting)
    file, parts = codes.accounted(tensors, setting)
    assert file == files["entropy_coded"]
    assert {parameter for parameter, *_ in parts} == set(tensors)
    assert all(bits >= 0 for *_, bits in parts)
    body = 8 * len(split_header(file)[2])
    total = sum(bits for *_, bits in parts)
    # The coder rounds probabilities to 24 bits, and its file to words of 32.
    assert total * (1 - 1e-4) <= body <= total * (1 + 1e-4) + 64


def test_a_fresh_process_restores_the_same_weights(tmp_path):
    """With the file and the architecture alone, for every quantizer and model."""
    arguments, expected = [], []
    for name, setting in CASES:
        of, _, files = quantized(name, setting)
        of.config.save_pretrained(tmp_path / name)
        for code, file in files.items():
            path = tmp_path / f"{name}-{setting.slug}.{code}"
            path.write_bytes(file)
            arguments += [str(tmp_path / name), str(path)]
            expected.append(language_model.weights_sha256(of))
    command = [sys.executable, "-m", "tests.compute.helpers.restore", *arguments]
    result = subprocess.run(command, cwd=ROOT, capture_output=True, text=True)
    assert result.returncode == 0, result.stderr
    assert result.stdout.split() == expected


# Lengths


def entropy_of(values):
    """Empirical entropy of all values together, bits."""
    counts = np.unique(values, return_counts=True)[1]
    return float(-(counts * np.log2(counts / counts.sum())).sum())


def unclipped(matrix):
    scales = torch.ones(len(matrix), 1, dtype=torch.bfloat16)
    return QuantizedTensor(torch.from_numpy(matrix.astype(np.int16)), scales, None, None, None)


@pytest.mark.parametrize("ratio", [0.2, 0.5, 0.8, 0.97])
def test_independent_codes_take_their_entropy_and_a_table(ratio):
    rng = np.random.default_rng(0)
    matrix = (rng.geometric(1 - ratio, (300, 400)) - 1) * rng.choice([-1, 1], (300, 400))
    bits = 8 * len(entropy.encode([unclipped(matrix)]))
    best = entropy_of(matrix)
    # A table costs some 8 bits for each of its symbols; scales of one value next to nothing.
    table = 10 * (matrix.max() - matrix.min() + 1) + 200
    assert best * 0.995 <= bits <= best * 1.015 + table


@pytest.mark.parametrize("axis", [0, 1])
def test_rows_and_columns_of_different_sizes_are_told_apart(axis):
    """Each gets the table of its class: shorter than one table for all."""
    rng = np.random.default_rng(0)
    sizes = np.exp(rng.normal(0, 1.5, (200, 1) if axis == 1 else (1, 300)))
    matrix = (3 * sizes * rng.normal(0, 1, (200, 300))).round().clip(-5000, 5000)
    bits = 8 * len(entropy.encode([unclipped(matrix)]))
    assert bits < 0.95 * entropy_of(matrix)


@pytest.mark.parametrize("setting", SETTINGS, ids=lambda s: s.slug)
def test_entropy_coding_is_shorter_for_layers_of_some_size(setting):
    """Normal weights do not fill a clipped grid evenly, nor floating-point numbers their bits."""
    parameter = Parameter("w", (128, 128), Kind.LINEAR)
    tensor = quantize(parameter, 0.02 * layer(128, 128), moment(128), setting)
    sizes = {code: len(codes.encode(code, {"w": tensor}, setting)) for code in CODES}
    assert sizes["entropy_coded"] < sizes["stored"]


def test_choices_are_paid_for_inside_the_file():
    """Two settings give two files: no decoder is told elsewhere which it is."""
    tensors = {"w": quantized("neox", SETTINGS[2])[1]["lm_head.weight"]}
    settings = [
        Setting(quantizer, bits=4) for quantizer in ("rtn", "gptq", "gptq_actorder", "ldlq")
    ]
    files = {codes.encode(code, tensors, setting) for code in CODES for setting in settings}
    assert len(files) == 8


# Damage


@each_case
def test_a_truncated_file_and_trailing_bytes_are_refused(name, setting):
    for file in quantized(name, setting)[2].values():
        for cut in (*range(20), len(file) // 2, len(file) - 5, len(file) - 1):
            with pytest.raises(ValueError, match=r"ends inside its header|announces"):
                dict(codes.decode(file[:cut], architecture(name)))
        for tail in (b"\0", b"\0\0\0\0", file):
            with pytest.raises(ValueError, match="announces"):
                dict(codes.decode(file + tail, architecture(name)))


@given(case=st.sampled_from(CASES), code=st.sampled_from(CODES), share=st.floats(0, 0.999999))
def test_any_cut_is_refused(case, code, share):
    file = quantized(*case)[2][code]
    with pytest.raises(ValueError, match=r"."):
        dict(codes.decode(file[: int(share * len(file))], architecture(case[0])))


def decodes_or_is_refused(file, name):
    """Damage may go unnoticed, but is never anything else than a ValueError."""
    try:
        decoded = dict(codes.decode(file, architecture(name)))
    except ValueError:
        return
    assert {k: tuple(w.shape) for k, w in decoded.items()} == {
        p.name: p.shape for p in architecture(name)
    }


@given(
    case=st.sampled_from(CASES),
    code=st.sampled_from(CODES),
    flips=st.dictionaries(st.integers(0, 16), st.integers(1, 255), min_size=1, max_size=3),
)
def test_a_damaged_header_is_refused_or_read_as_another(case, code, flips):
    file = bytearray(quantized(*case)[2][code])
    for place, flip in flips.items():
        file[place] ^= flip
    decodes_or_is_refused(bytes(file), case[0])


@given(
    case=st.sampled_from(CASES),
    code=st.sampled_from(CODES),
    flips=st.lists(st.tuples(st.floats(0, 0.999999), st.integers(1, 255)), min_size=1, max_size=4),
)
def test_a_damaged_body_is_refused_or_restores_other_weights(case, code, flips):
    original = quantized(*case)[2][code]
    start = len(original) - len(split_header(original)[2])
    file = bytearray(original)
    for share, flip in flips:
        file[start + int(share * (len(file) - start))] ^= flip
    decodes_or_is_refused(bytes(file), case[0])


@given(
    setting=st.sampled_from(SETTINGS),
    code=st.sampled_from(CODES),
    body=st.binary(max_size=400).map(lambda body: body[: len(body) // 4 * 4]),
)
def test_any_body_is_refused_or_decoded(setting, code, body):
    decodes_or_is_refused(header(code, setting, len(body)) + body, "neox")


@given(
    code=st.sampled_from(CODES),
    group_size=st.sampled_from([1, 15, 16, 17, 10**6, 10**12, 2**63, 2**100]),
)
def test_any_group_size_in_a_header_is_refused_or_read(code, group_size):
    file = quantized("neox", Setting("rtn", bits=4))[2][code]
    body = bytes(split_header(file)[2])
    setting = Setting("rtn", bits=4, group_size=group_size)
    decodes_or_is_refused(header(code, setting, len(body)) + body, "neox")


#: The first number that no quantizer has.
BEYOND = len(schema.QUANTIZERS)


@pytest.mark.parametrize(
    ("place", "value", "sentence"),
    [
        (0, len(CODES), f"code number {len(CODES)}, which does not exist"),
        (0, 255, "code number 255, which does not exist"),
        (
            1,
            len(schema.QUANTIZERS),
            f"quantizer number {len(schema.QUANTIZERS)}, which does not exist",
        ),
        (1, 255, "quantizer number 255, which does not exist"),
        (2, 0, "'rtn' needs bits"),
        (2, 33, "bits=33 of rtn"),
    ],
)
@pytest.mark.parametrize("code", CODES)
def test_what_the_header_names_must_exist(code, place, value, sentence):
    file = bytearray(quantized("neox", Setting("rtn", bits=4))[2][code])
    file[place] = value
    for read in (codes.setting_of, lambda f: dict(codes.decode(f, architecture("neox")))):
        with pytest.raises(ValueError, match=sentence):
            read(bytes(file))


@each_case
def test_a_file_of_another_architecture_is_refused(name, setting):
    """Of another family, and of a model with a little more or less."""
    known = architecture(name)
    others = [architecture(other) for other in MODELS if other != name]
    others += [known[1:], known[:-1]]
    larger = [*known, Parameter("zz", (16, 16), Kind.LINEAR)]
    files = quantized(name, setting)[2]
    for file, other in [*itertools.product(files.values(), others), (files["stored"], larger)]:
        with pytest.raises(ValueError, match=r"architecture|ends inside|damaged|at most 16"):
            dict(codes.decode(file, other))


@pytest.mark.parametrize("name", MODELS)
def test_the_size_of_an_unquantized_model_is_known_without_writing_it(name):
    files = quantized(name, Setting("none", bits=32))[2]
    assert codes.unquantized_bits(architecture(name)) == 8 * len(files["stored"])


@pytest.mark.parametrize("code", CODES)
def test_no_file_begins_as_the_bits_of_a_student_may(code):
    """docs/THEORY.md, section 10: students have the weight of all first bytes but two."""
    assert header(code, UNQUANTIZED, 1)[0] < 2


@given(setting=st.sampled_from(SETTINGS), size=st.integers(0, 40000))
def test_the_header_says_how_long_the_file_is_in_few_bytes(setting, size):
    file = header("stored", setting, size) + bytes(size)
    code, found, body = split_header(file)
    assert (code, found, len(body)) == ("stored", setting, size)
    # Code, quantizer, bits, group; step or seed; length, 7 bits to a byte.
    assert len(file) - size <= 4 + 8 + 3


@pytest.mark.parametrize("code", CODES)
def test_a_file_is_whole_exactly_as_it_was_written(code):
    name, setting = "neox", Setting("gptq_step", step=0.7)
    file, known = quantized(name, setting)[2][code], architecture(name)
    codes.check_whole(file, known)
    larger = [*known, Parameter("zz", (16, 16), Kind.LINEAR)]
    for other in (larger, known[1:]):
        with pytest.raises(ValueError, match=r"architecture|ends inside|damaged|at most 16"):
            codes.check_whole(file, other)


@pytest.mark.parametrize("setting", [UNQUANTIZED, Setting("cast", 16), Setting("rtn", 3)])
def test_a_range_decoder_that_reads_past_the_end_is_found_out(setting):
    file, known = quantized("neox", setting)[2]["entropy_coded"], architecture("neox")
    for size in (100, 1000):  # a few bits more may happen to be a model of their own
        larger = [*known, Parameter("zz", (size,), Kind.OTHER)]
        with pytest.raises(ValueError, match=r"architecture|damaged"):
            codes.check_whole(file, larger)
