"""GPTQ (Frantar et al. 2023) by auto-gptq's own ``GPTQ`` and ``Quantizer``.

Only its algorithm is used, layer by layer: the package's public interface requires CUDA and an
older transformers.  So its modules are imported without running its ``__init__``.
"""

import contextlib
import functools
import importlib
import importlib.util
import sys
import types
from collections.abc import Iterator
from unittest import mock

import torch
from torch.nn.utils import skip_init

from compute.quantize.quantizers.damping import with_damping
from compute.quantize.quantizers.grid import Grid, min_max_grid
from compute.quantize.quantizers.ldlq import repaired_moment, without_inputs
from compute.quantize.quantizers.tensors import QuantizedTensor, by_rows

#: Columns between two lazy updates, as in auto-gptq and the paper.
BLOCK_SIZE = 128


def quantize(
    weight: torch.Tensor,
    hessian: torch.Tensor,
    bits: int,
    group_size: int | None = None,
    *,
    act_order: bool = False,
) -> QuantizedTensor:
    """GPTQ on the clipped grid that rounding to nearest uses.

    Args:
        weight: shape (rows, columns), float; rows are output channels.
        hessian: second moment of the layer's inputs, shape (columns, columns).
        bits: b, 1 to 8.
        group_size: columns that share a scale, which is found before any error is fed back;
            None for whole rows.
        act_order: round columns in the order of falling diagonal of the Hessian.

    Raises:
        ValueError: ``bits`` or ``group_size`` is out of range, no damping makes the Hessian
            positive definite, or auto-gptq returned weights that are not on the grid.
    """
    # auto-gptq handles dead inputs too, but finds its grid before it drops them.
    hessian, dead = repaired_moment(hessian)
    hessian = hessian.float()

    def rounded(rows: torch.Tensor) -> QuantizedTensor:
        rows = without_inputs(rows, dead).float()
        return _with_auto_gptq(rows, hessian, min_max_grid(rows, bits, group_size), act_order)

    # It factors the Hessian for every call: some rows as wide as all columns take longer.
    return by_rows(weight, rounded, least=weight.shape[1])


def _with_auto_gptq(
    weight: torch.Tensor, hessian: torch.Tensor, grid: Grid, act_order: bool
) -> QuantizedTensor:
    """Some rows, in float32."""
    columns = weight.shape[1]
    layer = skip_init(torch.nn.Linear, columns, len(weight), bias=False, device=weight.device)
    groups = grid.group_size is not None and grid.group_size < columns

    def attempt(damping: float) -> torch.Tensor:
        layer.weight.data = weight.clone()
        gptq = _gptq_module().GPTQ(layer)
        gptq.H, gptq.nsamples = hessian.clone(), 1  # a mean: its scale changes nothing
        gptq.quantizer = _quantizer_on(grid)
        with _synchronize_without_cuda():
            gptq.fasterquant(
                blocksize=BLOCK_SIZE,
                percdamp=damping,
                group_size=grid.group_size if groups else -1,
                actorder=act_order,
                static_groups=groups,
            )
        return layer.weight.data

    values, damping = with_damping(attempt)
    scales, zeros = grid.per_column(columns)
    tensor = grid.tensor((values.double() / scales).round() + zeros, damping=damping)
    if not torch.equal(tensor.dequantize(), values.cpu()):
        raise ValueError("auto-gptq returned weights that are not on the grid it was given")
    return tensor


def installed() -> bool:
    """Whether auto-gptq is installed; a separate step of the set-up installs it."""
    return importlib.util.find_spec("auto_gptq") is not None


@functools.cache
def _gptq_module() -> types.ModuleType:
    """``auto_gptq.quantization.gptq``, imported without the package's own ``__init__``."""
    folders = importlib.util.find_spec("auto_gptq").submodule_search_locations
    stubs = {}
    for name, path in (("auto_gptq", ""), ("auto_gptq.quantization", "/quantization")):
        stubs[name] = types.ModuleType(name)
        stubs[name].__path__ = [f"{folder}{path}" for folder in folders]
    with mock.patch.dict(sys.modules, stubs):
        return importlib.import_module("auto_gptq.quantization.gptq")


def _quantizer_on(grid: Grid) -> torch.nn.Module:
    """auto-gptq's ``Quantizer``, made to round onto ``grid`` instead of one that it finds.

    Its own scales would be float32 numbers; ours are rounded to their stored width first.  With
    groups, it makes a copy for each, in their order, and calls it to find its grid.
    """
    groups = iter(range(grid.scales.shape[1]))  # shared by the copies

    class OnGrid(_gptq_module().Quantizer):
        def take(self, group: int) -> None:
            self.scale = grid.scales[:, group : group + 1].float()
            self.zero = grid.zeros[:, group : group + 1].float()

        def find_params(self, _weight: torch.Tensor, weight: bool = False) -> None:
            self.take(next(groups))

    quantizer = OnGrid()
    quantizer.configure(grid.bits, perchannel=True, sym=False)
    quantizer.maxq = quantizer.maxq.to(grid.scales.device)
    quantizer.take(0)  # with a grid already set, nothing is searched without groups
    return quantizer


@contextlib.contextmanager
def _synchronize_without_cuda() -> Iterator[None]:
    """Remove the wait for a GPU at the end of auto-gptq's algorithm, which is there on CPUs too."""
    if torch.cuda.is_available():
        yield
    else:
        with mock.patch.object(torch.cuda, "synchronize"):
            yield
