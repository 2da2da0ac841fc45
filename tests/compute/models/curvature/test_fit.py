"""Memory that is counted beforehand against memory that is used, and what follows from it."""

import contextlib
import os
import subprocess
import sys

import pytest
import torch
from torch._subclasses.fake_tensor import FakeTensorMode
from transformers import GPTNeoXConfig, GPTNeoXForCausalLM, MixtralConfig

from compute.base.memory import Memory
from compute.models.curvature import footprint as footprints
from compute.models.curvature.fit import FLOAT32_BYTES, MIN_STEPS, NoRoomError, fit
from compute.models.curvature.footprint import Counted, NotFollowedError, footprint
from compute.models.curvature.forecast import forecast
from compute.models.curvature.lanczos import BasisPlace
from compute.models.curvature.probe import Signs, rademacher, run_probe
from compute.models.curvature.products import CurvatureProduct, twice_differentiable
from compute.models.curvature.xtrace import xtrace
from compute.suites.curvature_point import CurvaturePoint
from compute.suites.published.hub_suite import load_hub_suite
from schema import MATRICES
from tests.compute.helpers.processes import run_here
from tests.conftest import ROOT

GB = 10**9


def neox(vocab_size: int, hidden_size: int, layers: int, heads: int, context: int) -> GPTNeoXConfig:
    """Of the ladder's architecture."""
    return GPTNeoXConfig(
        vocab_size=vocab_size,
        hidden_size=hidden_size,
        num_hidden_layers=layers,
        num_attention_heads=heads,
        intermediate_size=4 * hidden_size,
        max_position_embeddings=context,
    )


#: Large enough for the measured memory to exceed the libraries' own.
CONFIG = neox(vocab_size=256, hidden_size=128, layers=2, heads=8, context=256)

#: A mixture of experts.
MIXTURE = MixtralConfig(
    vocab_size=64,
    hidden_size=16,
    intermediate_size=24,
    num_hidden_layers=1,
    num_attention_heads=4,
    num_key_value_heads=2,
    num_local_experts=4,
    max_position_embeddings=32,
)

#: What is freed goes back to the system, so that the process holds what is live.
_RELEASED_AT_ONCE = {"MALLOC_MMAP_THRESHOLD_": "65536", "MALLOC_TRIM_THRESHOLD_": "65536"}

_MEASURE = r"""
import torch
from transformers import GPTNeoXForCausalLM
from compute.base.process_memory import peak_bytes, reset_peak
from compute.models.curvature.products import CurvatureProduct, twice_differentiable
from tests.compute.models.curvature.test_fit import CONFIG
torch.set_num_threads(1)
model = GPTNeoXForCausalLM(CONFIG)
def peak(matrix, windows):
    reset_peak()
    tokens = torch.zeros((windows, 256), dtype=torch.int64)
    with twice_differentiable(model):
        product = CurvatureProduct(model, lambda: [(tokens, tokens)], matrix)
        product(torch.ones(product.size))
    return peak_bytes()
for matrix in ("hessian", "gauss_newton"):
    peak(matrix, 1)  # loads what is loaded once
    print(peak(matrix, 1), peak(matrix, 8))
"""


def test_memory_is_what_a_process_really_takes():
    result = subprocess.run(
        [sys.executable, "-c", _MEASURE],
        cwd=ROOT,
        env=os.environ | _RELEASED_AT_ONCE,
        capture_output=True,
        text=True,
        check=True,
    )
    for matrix, line in zip(("hessian", "gauss_newton"), result.stdout.splitlines(), strict=True):
        before, after = map(int, line.split())
        grown = footprint(CONFIG, (8, 256), matrix).batch_bytes
        already = footprint(CONFIG, (1, 256), matrix).batch_bytes
        assert grown - already == pytest.approx(after - before, rel=0.15), matrix


def test_memory_grows_with_the_batch_and_not_with_the_number_of_windows():
    memory = Memory("cpu", 8 * GB, 0)
    few, many = (fit(CONFIG, 256, CurvaturePoint(windows=windows), memory) for windows in (8, 8000))
    assert few == many
    one, four = (footprint(CONFIG, (b, 256), "hessian").batch_bytes for b in (1, 4))
    assert 3 < four / one <= 4


@pytest.mark.parametrize("part", ["lanczos", "xtrace"])
def test_a_whole_run_takes_no_more_than_planned(part):
    """Every tensor of several batches and many vectors, against the plan made beforehand."""
    point = CurvaturePoint(windows=3, steps=12, tests=12)
    config = neox(vocab_size=64, hidden_size=96, layers=1, heads=2, context=16)
    planned = fit(config, 16, point, Memory("cpu", 8 * GB, 0))
    model = GPTNeoXForCausalLM(config)
    tokens = torch.zeros((1, 16), dtype=torch.int64)
    with twice_differentiable(model):
        product = CurvatureProduct(model, lambda: [(tokens, tokens)] * 3, point.matrix)
        with Counted() as counted:
            if part == "lanczos":
                run_probe(product, rademacher(product.size, 0, 0), 12, BasisPlace("cpu"))
            else:
                xtrace(product, Signs(product.size, 0, point.tests), "cpu")
    room = planned.device_bytes - product.size * FLOAT32_BYTES  # the parameters were there before
    assert 0.5 * room < counted.peak <= room


def test_a_scan_in_a_loop_is_not_followed_to_its_end(monkeypatch):
    """A forward pass with too many operations is given up once for both matrices."""
    monkeypatch.setattr(footprints, "_found", {})
    monkeypatch.setattr(footprints, "MOST_OPERATIONS", 300)
    shape = {"vocab_size": 64, "hidden_size": 8, "heads": 1, "context": 16}
    short, long = (neox(**shape, layers=layers) for layers in (1, 9))
    assert footprint(short, (1, 16), "hessian").flops > 0
    followed = []
    monkeypatch.setattr(footprints, "deal_out_evenly", followed.append)
    for matrix in ("hessian", "gauss_newton"):
        with pytest.raises(NotFollowedError, match=f"{matrix} matrix .* scan over positions"):
            footprint(long, (1, 16), matrix)
    assert len(followed) == 1


@pytest.mark.parametrize("matrix", MATRICES)
@pytest.mark.parametrize("config", [neox(64, 8, 1, 1, 32), MIXTURE], ids=["gpt_neox", "mixtral"])
def test_fake_tensors_lead_to_the_same_numbers(monkeypatch, config, matrix):
    """Fake tensors are followed only where a model does not run on torch's device."""
    fake = []
    monkeypatch.setattr(footprints, "FakeTensorMode", lambda: fake.append(1) or FakeTensorMode())
    found = footprints._followed(config, (2, 24), matrix, None)
    assert not fake

    @contextlib.contextmanager
    def refuse():
        raise RuntimeError("the contents of a tensor are needed")
        yield

    monkeypatch.setattr(footprints, "_told_without_contents", refuse)
    assert footprints._followed(config, (2, 24), matrix, None) == found
    assert fake


def test_arithmetic_is_that_of_the_passes():
    """A forward pass takes 2 flops per weight and token; forward, backward and backward of both
    take 2 + 4 + 8 or so, and attention comes on top."""
    found = footprint(CONFIG, (1, 256), "hessian")
    assert 2 < found.flops / (6 * found.size * 256) < 4


def test_the_basis_goes_where_there_is_room():
    shape = load_hub_suite("pythia").models[2]
    point = CurvaturePoint(windows=4)

    def place(device_gb: float, host_gb: float):
        memory = Memory("cuda", int(device_gb * GB), int(host_gb * GB))
        found = fit(shape.config, shape.context_length, point, memory)
        assert found.device_bytes <= memory.usable_device_bytes
        assert found.host_bytes <= memory.usable_host_bytes
        return found.place.device, found.place.dtype, found.steps

    assert place(80, 128) == ("cuda", torch.float32, 30)
    assert place(16, 128) == ("cpu", torch.float32, 30)
    assert place(11, 10.6) == ("cpu", torch.bfloat16, 30)
    with pytest.raises(NoRoomError, match="at least"):
        place(11, 3)
    with pytest.raises(NoRoomError, match="one window of 2048 tokens needs"):
        place(4, 128)


def test_a_shortened_basis_is_said_to_be():
    shape = load_hub_suite("pythia").models[2]
    memory = Memory("cuda", int(11 * GB), int(9 * GB))
    found = forecast(shape.config, 2048, CurvaturePoint(windows=4, steps=60), memory)
    assert found.shortened
    assert MIN_STEPS <= found.fit.steps < 60
    assert found.fit.host_bytes <= memory.usable_host_bytes


def test_the_plan_says_memory_and_time_of_pythia_on_one_gpu():
    options = ["--shapes", "pythia", "--gpu-memory", "12"]
    command = [sys.executable, "-m", "compute", "plan", *options]
    result = run_here(command)
    assert result.returncode == 0, result.stderr
    lines = result.stdout.splitlines()
    for name in ("pythia-70m", "pythia-160m", "pythia-410m", "pythia-1b", "pythia-12b"):
        rows = [line for line in lines if line.split()[:1] == [name]]
        assert len(rows) == 2
        fits = not any("does not fit" in row for row in rows)
        assert fits == (name == "pythia-70m")
    assert "not measured" in result.stdout


@pytest.mark.parametrize(
    ("options", "complaint"),
    [
        (["--shapes", "opt"], "no preset 'opt' of published models"),
        (["--shapes", "pythia", "--gpu-memory", "-1"], "GPU memory must be a positive number"),
        (["--shapes", "pythia", "--teraflops", "nan"], "speed must be a positive number"),
    ],
)
def test_bad_input_ends_with_one_sentence(options, complaint):
    command = [sys.executable, "-m", "compute", "plan", *options]
    result = run_here(command)
    assert result.returncode == 2
    assert complaint in result.stderr
    assert result.stderr.count("\n") == 1
