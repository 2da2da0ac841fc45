"""Comparison of a device with the CPU: losses, codes, products, files, training."""

import copy
from collections.abc import Iterator
from dataclasses import replace

import numpy as np
import torch
from transformers import PreTrainedModel

from compute.base.setting import Setting
from compute.check import tiny
from compute.check.row import Row, at_most
from compute.models import language_model
from compute.models.curvature.products import CurvatureProduct, twice_differentiable
from compute.models.layout import layout
from compute.models.placement import arithmetic, cast, dtype_name
from compute.models.sampled_evaluation import score_positions
from compute.models.training import training
from compute.quantize import codes
from compute.quantize.codes.header import CODES
from compute.quantize.quantizers import QuantizedTensor, StoredTensor
from compute.quantize.whole_model import quantize_model
from compute.suites.ladder.ladder_suite import load_ladder
from schema import MATRICES

PART = "agreement"

#: Tolerances.  A float32 loss of a few nats is a sum of some hundred rounded products: a few 1e-6;
#: TF32 products, which must be off, give 1e-3.  Weights and layers in bfloat16 (8 bits of mantissa)
#: move single losses by some 1e-2 and their mean by much less.
LOSS_NATS, MEAN_LOSS_NATS = 1e-4, 0.02

#: A curvature product in float32 against float64, relative in norm: a few 1e-6; TF32 gives 1e-3.
PRODUCT_SHARE = 1e-4

#: Error feedback passes a different rounding on to the next columns, so a second moment with
#: different last digits changes a few codes: share of them.
CODES_SHARE = 0.02

#: Bytes of a file whose codes may differ by that share.
FILE_SHARE = 0.01

#: Quantizers with error feedback, in groups or not, clipped or not, rotated or not.
SETTINGS = (
    Setting("gptq", bits=4),
    Setting("gptq", bits=3, group_size=16),
    Setting("gptq_step", step=1.0),
    Setting("ldlq_rotated", bits=3, quantizer_seed=0),
)

_WINDOWS, _CALIBRATION, _PRODUCT_WINDOWS, _TRAINING_STEPS = 32, 32, 4, 50

_ADVICE_MATH = (
    "report the device and torch's version; matrix products must not be in TF32 "
    "(torch.set_float32_matmul_precision)"
)
_ADVICE_FILES = "report it: a file written here might not restore the measured model elsewhere"


def rows(device: str) -> Iterator[Row]:
    """Each tiny model on ``device`` against the CPU, losses and products in float64 there."""
    yield _training(device)
    for name, model in tiny.models().items():
        yield from _losses(name, model, device)
        yield from _products(name, model, device)
        yield from _quantized(name, model, device)


def losses(model: PreTrainedModel) -> np.ndarray:
    """Losses of every prediction of the same random windows, shape (windows, CONTEXT), nats."""
    ids = tiny.windows(_WINDOWS, seed=1).numpy()
    positions = np.tile(np.arange(tiny.CONTEXT), (len(ids), 1))
    return score_positions(model, ids, positions, tiny.VOCABULARY).loss_nats


def _training(device: str) -> Row:
    """Whether some steps of a ladder's training, done twice, give the same bytes."""
    spec = load_ladder("tiny").models[1]
    spec = replace(spec, train_arithmetic="bfloat16")
    rng = np.random.default_rng(6)
    shape = (_TRAINING_STEPS * spec.batch_windows, spec.context_length + 1)
    windows = rng.integers(1, 127, shape)
    hashes = set()
    for _ in range(2):
        model = language_model.build(spec)
        training.train(model, spec, windows, torch.device(device), lambda tokens: None)
        hashes.add(language_model.weights_sha256(model))
    same = len(hashes) == 1
    return Row(
        PART,
        f"ladder: weights after {_TRAINING_STEPS} steps of training, done twice",
        "the same bytes" if same else "different bytes",
        "the same bytes",
        same,
        "" if same else "an interrupted run continues to different weights here; report the device",
    )


def _losses(name: str, model: PreTrainedModel, device: str) -> Iterator[Row]:
    exact = losses(copy.deepcopy(model).double())
    there = copy.deepcopy(model).to(device)
    worst = float(np.abs(losses(there) - exact).max())
    what = f"{name}: losses in float32, largest difference"
    yield at_most(PART, what, worst, LOSS_NATS, "nats", _ADVICE_MATH)
    used = arithmetic(device)
    if used != torch.float32:
        mean = float(abs(losses(cast(there, used)).mean() - exact.mean()))
        what = f"{name}: mean loss in {dtype_name(used)}"
        yield at_most(PART, what, mean, MEAN_LOSS_NATS, "nats", _ADVICE_MATH)


def _products(name: str, model: PreTrainedModel, device: str) -> Iterator[Row]:
    for matrix in MATRICES:
        exact = _product(copy.deepcopy(model).double(), matrix)
        found = _product(copy.deepcopy(model).to(device), matrix)
        share = ((found - exact).norm() / exact.norm()).item()
        what = f"{name}: product with the {matrix} matrix"
        yield at_most(PART, what, share, PRODUCT_SHARE, "of its norm", _ADVICE_MATH)


def _product(model: PreTrainedModel, matrix: str) -> torch.Tensor:
    """The matrix times a fixed vector, shape (n,), float64 on the CPU."""
    ids = tiny.windows(_PRODUCT_WINDOWS, seed=2).to(model.device)
    with twice_differentiable(model):
        batches = lambda: [(ids[:, :-1], ids[:, 1:])]  # noqa: E731
        product = CurvatureProduct(model, batches, matrix, vocab_size=tiny.VOCABULARY)
        generator = torch.Generator().manual_seed(3)
        vector = torch.randn(product.size, generator=generator, dtype=torch.float64)
        return product(vector.to(model.device, model.dtype)).double().cpu()


def _quantized(name: str, model: PreTrainedModel, device: str) -> Iterator[Row]:
    """The worst of all settings."""
    shares, sizes, broken = [], [], []
    for setting in SETTINGS:
        expected, _ = _quantize(copy.deepcopy(model), setting)
        found, there = _quantize(copy.deepcopy(model).to(device), setting)
        shares.append(_codes_that_differ(expected, found))
        for code in CODES:
            file = codes.encode(code, found, setting)
            size = len(codes.encode(code, expected, setting))
            sizes.append(abs(len(file) - size) / size)
            broken += [
                f"{key} ({code}, {setting.slug})"
                for key, weights in codes.decode(file, layout(model))
                if not torch.equal(weights, there.get_parameter(key).detach().cpu())
            ]
    slugs = ", ".join(setting.slug for setting in SETTINGS)
    what = f"{name}: codes that differ ({slugs})"
    yield at_most(PART, what, max(shares), CODES_SHARE, "of them", _ADVICE_MATH)
    what = f"{name}: size of the coded files"
    yield at_most(PART, what, max(sizes), FILE_SHARE, "off the CPU's", _ADVICE_MATH)
    yield Row(
        PART,
        f"{name}: {len(sizes)} coded files, decoded on the CPU",
        f"{', '.join(broken)} differ" if broken else "the model, bit for bit",
        "the model, bit for bit",
        not broken,
        _ADVICE_FILES if broken else "",
    )


def _codes_that_differ(expected: dict[str, StoredTensor], found: dict[str, StoredTensor]) -> float:
    """Share of all integer codes."""
    pairs = [(t, found[key]) for key, t in expected.items() if isinstance(t, QuantizedTensor)]
    other = sum(int((one.codes != two.codes).sum()) for one, two in pairs)
    return other / sum(one.codes.numel() for one, _ in pairs)


def _quantize(
    model: PreTrainedModel, setting: Setting
) -> tuple[dict[str, StoredTensor], PreTrainedModel]:
    """Tensors as they are stored, and the model that holds them decoded, where it was."""
    ids = tiny.windows(_CALIBRATION, seed=4)[:, :-1].to(model.device)
    tensors, _ = quantize_model(model, setting, list(ids.split(8)))
    return tensors, model
