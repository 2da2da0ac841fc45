"""Speed and memory of a device at the shapes of Pythia."""

import copy
import time
from collections.abc import Callable, Iterator
from dataclasses import dataclass, replace

import numpy as np
import torch
from transformers import AutoModelForCausalLM, PreTrainedConfig, PreTrainedModel

from compute.base import peak_memory, process_memory
from compute.base.memory import Memory, gibibytes
from compute.base.setting import Setting
from compute.check.row import Row
from compute.models.curvature.footprint import footprint
from compute.models.curvature.products import CurvatureProduct, twice_differentiable
from compute.models.layout import Kind, layout
from compute.models.placement import arithmetic, dtype_name
from compute.models.sampled_evaluation import score_positions
from compute.quantize import codes
from compute.quantize.codes.header import CODES
from compute.quantize.layer_statistics import layer_statistics
from compute.quantize.quantizers import quantize
from compute.suites.published.hub_model import HubModel
from compute.suites.published.hub_suite import load_hub_suite
from compute.work.machines.measured import Measured
from compute.work.stages.model_memory import scoring

PART = "speed"
SHAPES = ("pythia-1b", "pythia-2.8b")

#: Predictions of a window that are scored, as in ``hub.toml``.
_POSITIONS = 16

#: Tokens of a window, and of one curvature product: on a CPU few, so that a check takes minutes.
_CONTEXT = {"cpu": 256, "cuda": 2048}
_PRODUCT_TOKENS = {"cpu": 64, "cuda": 1024}

#: On a CPU models with so few blocks are timed, and the rest is extrapolated.
_FEW_BLOCKS = (1, 3)

#: Seconds after which no further layer is quantized.
_LAYER_SECONDS = 90.0

#: The setting of every layer.
_SETTING = Setting("gptq", bits=4)


@dataclass(frozen=True)
class Timed:
    """Seconds of a computation, and the peak memory that it and its model took on the device;
    None where that cannot be measured."""

    seconds: float
    peak_bytes: int | None


class Peak:
    """The most memory that is taken on a device beyond what was taken when this was made."""

    def __init__(self, device: str) -> None:
        self._device = device
        self.restart()
        self._before = peak_memory.peak_bytes(device)

    def restart(self) -> None:
        """Forget a higher peak of before: what making a model takes is not what running it does."""
        process_memory.give_back()
        self._known = peak_memory.reset_peak(self._device)

    def found(self) -> int | None:
        """Bytes; None where the system cannot restart its measurement."""
        return peak_memory.peak_bytes(self._device) - self._before if self._known else None


def rows(device: str, found: Measured) -> Iterator[Row]:
    """Scoring, quantization and curvature; fills ``found`` with the speeds for the plan."""
    models = {
        model.model_id.partition("-step")[0]: model for model in load_hub_suite("pythia").models
    }
    for name in SHAPES:
        yield from _scoring(name, models[name], device, found)
    yield from _layers(SHAPES[0], models[SHAPES[0]], device, found)
    yield from _product(SHAPES[0], models[SHAPES[0]], device, found)


def timed(function: Callable[[], object], device: str, peak: Peak) -> Timed:
    """The faster of two calls, after one to warm up; ``peak`` was made before the model."""
    on_gpu = device.startswith("cuda")
    seconds = []
    peak.restart()
    for _ in range(3):
        if on_gpu:
            torch.cuda.synchronize(device)
        start = time.monotonic()
        function()
        if on_gpu:
            torch.cuda.synchronize(device)
        seconds.append(time.monotonic() - start)
    return Timed(min(seconds[1:]), peak.found())


def random_model(
    config: PreTrainedConfig, blocks: int, dtype: torch.dtype, device: str
) -> PreTrainedModel:
    """A model of the shape with random weights, and with so many of its blocks."""
    config = copy.deepcopy(config)
    config.num_hidden_layers = blocks
    with torch.device(device):
        model = AutoModelForCausalLM.from_config(config, dtype=dtype)
    return model.eval()


def _scoring(name: str, shape: HubModel, device: str, found: Measured) -> Iterator[Row]:
    kind = device.partition(":")[0]
    dtype, context, whole = arithmetic(device), _CONTEXT[kind], shape.config.num_hidden_layers
    what = f"{name}: scoring in {dtype_name(dtype)}, windows of {context} tokens"
    needed = 2 * dtype.itemsize * shape.params_total
    if kind == "cpu":
        needed = 2 * dtype.itemsize * _cut(shape, _FEW_BLOCKS[1], context).params_total
    if (lack := _lack(needed, device)) is not None:
        yield Row(PART, what, lack)
        return
    windows = _windows(shape, 8 if kind == "cuda" else 1, context)
    blocks = [whole] if kind == "cuda" else [*_FEW_BLOCKS]
    times = [_score(shape, count, dtype, device, windows) for count in blocks]
    seconds = _whole(blocks, [t.seconds for t in times], whole)
    tokens = windows.shape[0] * context
    how = "" if kind == "cuda" else f" (from {blocks[0]} and {blocks[1]} of its {whole} blocks)"
    yield Row(PART, what, f"{tokens / seconds:,.0f} tokens/s{how}")
    flops = 2.0 * shape.params_total * tokens / seconds
    found.scoring_flops = min(found.scoring_flops or flops, flops)
    yield Row(PART, f"{name}: arithmetic of scoring", f"{flops / 1e12:.3g} Tflop/s")
    if times[-1].peak_bytes is not None:
        run = _cut(shape, blocks[-1], context)
        planned, _ = scoring(run, _POSITIONS, device, dtype.itemsize)
        few = "" if kind == "cuda" else f", {blocks[-1]} blocks"
        yield _memory_row(f"{name}: memory of scoring{few}", times[-1].peak_bytes, planned)


def _score(
    shape: HubModel, blocks: int, dtype: torch.dtype, device: str, windows: np.ndarray
) -> Timed:
    peak = Peak(device)
    model = random_model(shape.config, blocks, dtype, device)
    context = windows.shape[1] - 1
    rng = np.random.default_rng(0)
    positions = np.sort(
        rng.permuted(np.tile(np.arange(context), (len(windows), 1)), axis=1)[:, :_POSITIONS]
    )
    return timed(lambda: score_positions(model, windows, positions, shape.vocab_size), device, peak)


def _layers(name: str, shape: HubModel, device: str, found: Measured) -> Iterator[Row]:
    """The linear layers of one block, one after the other: rounding, then statistics and files."""
    block = random_model(shape.config, 1, torch.float32, device)
    matrices = [p for p in layout(block) if p.kind == Kind.LINEAR and not p.per_token]
    generator = torch.Generator(device).manual_seed(5)
    spent, columns, weights, rounding, rest = 0.0, 0, 0, 0.0, 0.0
    for parameter in sorted(matrices, key=lambda p: p.code_shape[1]):
        rows_, width = parameter.code_shape
        what = f"{name}: {parameter.name.rpartition('.layers.')[2]}, {rows_:,} x {width:,}"
        if spent > _LAYER_SECONDS:
            yield Row(PART, what, f"not measured: the layers before took {spent:.0f} s")
            continue
        values = parameter.to_matrix(block.get_parameter(parameter.name).detach())
        inputs = torch.randn(2 * width, width, device=device, generator=generator)
        moment = (inputs.T @ inputs).double() / len(inputs)
        tensors = {}
        start = time.monotonic()
        tensors[parameter.name] = quantize(parameter, values, moment, _SETTING)
        first = time.monotonic()
        layer_statistics(parameter, values, tensors[parameter.name], moment)
        second = time.monotonic()
        for code in CODES:
            for _ in codes.decode(codes.encode(code, tensors, _SETTING), [parameter]):
                pass
        end = time.monotonic()
        spent += end - start
        columns, weights = columns + width, weights + rows_ * width
        rounding, rest = rounding + first - start, rest + end - first
        yield Row(
            PART,
            what,
            f"{_SETTING.slug} {first - start:.2g} s, statistics {second - first:.2g} s, both files "
            f"and back {end - second:.2g} s",
        )
    found.column_seconds, found.parameter_seconds = rounding / columns, rest / weights


def _product(name: str, shape: HubModel, device: str, found: Measured) -> Iterator[Row]:
    """The time of a block, from the difference of one block."""
    kind = device.partition(":")[0]
    tokens = _PRODUCT_TOKENS[kind]
    needed = footprint(_cut(shape, 2, tokens).config, (1, tokens), "hessian", shape.vocab_size)
    what = f"{name}: product with the Hessian, {tokens} tokens"
    if (
        lack := _lack(needed.parameter_bytes + 4 * 4 * needed.size + needed.batch_bytes, device)
    ) is not None:
        yield Row(PART, what, lack)
        return
    ids = torch.from_numpy(_windows(shape, 1, tokens)).to(device)
    times = []
    for blocks in (1, 2):
        peak = Peak(device)
        model = random_model(shape.config, blocks, torch.float32, device)
        with twice_differentiable(model):
            product = CurvatureProduct(
                model, lambda: [(ids[:, :-1], ids[:, 1:])], "hessian", vocab_size=shape.vocab_size
            )
            vector = torch.ones(product.size, device=device)
            times.append(timed(lambda p=product, v=vector: p(v), device, peak))
        del model, product, vector
    one_more = times[1].seconds - times[0].seconds
    yield Row(
        PART, what, f"{max(one_more, 0.0):.2g} s for each block, {times[0].seconds:.2g} s with one"
    )
    found.curvature_flops = needed.flops / times[1].seconds
    yield Row(
        PART, f"{name}: arithmetic of that product", f"{found.curvature_flops / 1e12:.3g} Tflop/s"
    )
    if times[1].peak_bytes is not None:
        planned = needed.parameter_bytes + 4 * 4 * needed.size + needed.batch_bytes
        yield _memory_row(
            f"{name}: memory of that product, two blocks", times[1].peak_bytes, planned
        )


def _memory_row(what: str, peak: int, planned: int) -> Row:
    ok = peak <= planned
    advice = "" if ok else "report it: the plan assumes too little; a unit may run out of memory"
    return Row(PART, what, gibibytes(peak), f"at most the planned {gibibytes(planned)}", ok, advice)


def _lack(needed: int, device: str) -> str | None:
    """A sentence if the memory is too small."""
    usable = Memory.of(device).usable_device_bytes
    if needed <= usable:
        return None
    return f"not measured: it takes about {gibibytes(needed)}, and {gibibytes(usable)} can be used"


def _whole(blocks: list[int], seconds: list[float], whole: int) -> float:
    """Seconds with all blocks, extrapolated from a few."""
    if len(blocks) == 1:
        return seconds[0]
    per_block = max(seconds[1] - seconds[0], 0.0) / (blocks[1] - blocks[0])
    return seconds[1] + (whole - blocks[1]) * per_block


def _cut(shape: HubModel, blocks: int, context: int) -> HubModel:
    """The shape with fewer blocks and shorter windows."""
    config = copy.deepcopy(shape.config)
    config.num_hidden_layers = blocks
    layers = shape.params_nonembedding * blocks // shape.config.num_hidden_layers
    return replace(shape, config=config, params_nonembedding=layers, context_length=context)


def _windows(shape: HubModel, count: int, context: int) -> np.ndarray:
    rng = np.random.default_rng(0)
    return rng.integers(0, shape.vocab_size, (count, context + 1))
