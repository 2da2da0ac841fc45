"""Memory and arithmetic of a curvature product, from a dry run.

The model consists of tensors that have shapes and no contents: the product runs in full, every
operation is recorded, and nothing is computed.
"""

import math
from collections.abc import Iterator
from contextlib import contextmanager
from copy import deepcopy
from dataclasses import dataclass

import torch
from torch._subclasses.fake_tensor import FakeTensorMode
from torch.multiprocessing.reductions import StorageWeakRef
from torch.utils._python_dispatch import TorchDispatchMode
from torch.utils._pytree import tree_leaves
from torch.utils.flop_counter import FlopCounterMode
from transformers import AutoModelForCausalLM, PreTrainedConfig
from transformers.utils import import_utils

import schema
from compute.models.curvature.experts import deal_out_evenly
from compute.models.curvature.products import CurvatureProduct, twice_differentiable

#: A forward pass with more operations is not followed.  One of 36 blocks has 2,800, one with 32
#: experts in each of 24 blocks 20,000.  One that scans over positions in a loop may have hundreds
#: of thousands: its products take hours, and to follow them would take minutes.
MOST_OPERATIONS = 30_000


class ScanError(RuntimeError):
    """A forward pass has more than ``MOST_OPERATIONS``."""


class NotFollowedError(ValueError):
    """A model's operations depend on the contents of its tensors, or have no second derivative."""


@dataclass(frozen=True)
class Footprint:
    """One product with one batch.

    Attributes:
        size: n, entries of a vector.
        parameter_bytes: of the model.
        batch_bytes: peak of live memory besides the model's parameters.
        flops: floating-point operations of matrix products; a multiply-add counts as two.
    """

    size: int
    parameter_bytes: int
    batch_bytes: int
    flops: int


class Counted(TorchDispatchMode):
    """What the operations inside take.

    Attributes:
        peak: bytes of the tensors that they make and hold at once, at most 1 % too high.
        flops: as ``FlopCounterMode`` counts them; as a second mode it would take longer than the
            operations themselves.
        most: operations that may still follow; one more raises a ScanError.
    """

    def __init__(self) -> None:
        super().__init__()
        self.peak = 0
        self.flops = 0
        self.most = math.inf
        self._formulas = FlopCounterMode(display=False).flop_registry
        self._held = 0  # may include freed tensors
        self._live: dict[int, tuple[StorageWeakRef, int]] = {}

    def __torch_dispatch__(self, func, types, args=(), kwargs=None):
        kwargs = kwargs or {}
        out = func(*args, **kwargs)
        if func is torch.ops.prim.device.default:  # most calls: it makes nothing
            return out
        self.most -= 1
        if self.most < 0:
            raise ScanError("it has too many operations, as a scan over positions in a loop has")
        if formula := self._formulas.get(func._overloadpacket):
            self.flops += formula(*args, **kwargs, out_val=out)
        for tensor in tree_leaves(out):
            if isinstance(tensor, torch.Tensor):
                storage = tensor.untyped_storage()
                if storage._cdata not in self._live:
                    self._held += storage.nbytes()
                self._live[storage._cdata] = (StorageWeakRef(storage), storage.nbytes())
        if self._held > self.peak:
            self._live = {k: v for k, v in self._live.items() if not v[0].expired()}
            self._held = sum(nbytes for _, nbytes in self._live.values())
            if self._held > self.peak:
                # A little more than it is, to avoid a check at every step.
                self.peak = int(1.01 * self._held)
        return out


def footprint(
    config: PreTrainedConfig, shape: tuple[int, int], matrix: str, vocab_size: int | None = None
) -> Footprint:
    """One product of a model of ``config`` with a batch of ``shape`` (B, T), with
    ``vocab_size`` of its logits.

    A dry run has as many operations as the product and takes up to seconds, so it is cached.

    Raises:
        NotFollowedError: the product cannot run without contents, or not at all.
    """
    key = (config.to_json_string(), shape, matrix, vocab_size)
    if key not in _found:
        try:
            _found[key] = _follow(config, shape, matrix, vocab_size)
        except NotFollowedError as error:
            _found[key] = error
            if isinstance(error.__cause__, ScanError):  # both matrices begin with a forward pass
                for other in schema.MATRICES:
                    told = _not_followed(config, other, error.__cause__)
                    _found.setdefault((*key[:2], other, vocab_size), told)
    found = _found[key]
    if isinstance(found, NotFollowedError):
        raise found
    return found


_found: dict[tuple, Footprint | NotFollowedError] = {}


def _follow(
    config: PreTrainedConfig, shape: tuple[int, int], matrix: str, vocab_size: int | None
) -> Footprint:
    try:
        return _followed(config, shape, matrix, vocab_size)
    # Any architecture of transformers comes here, and any of its errors prevents curvature.
    except Exception as error:
        raise _not_followed(config, matrix, error) from error


def _not_followed(config: PreTrainedConfig, matrix: str, error: BaseException) -> NotFollowedError:
    said = " ".join(str(error).split())[:200]
    return NotFollowedError(
        f"the products of {config.model_type} with the {matrix} matrix cannot be followed "
        f"({type(error).__name__}: {said})"
    )


def _followed(
    config: PreTrainedConfig, shape: tuple[int, int], matrix: str, vocab_size: int | None
) -> Footprint:
    """Of tensors on torch's device without contents, or of fake tensors, which stand for ones on a
    CPU, where the model does not run there.

    Both lead to the same numbers: of every model of the presets ``pythia`` and ``cerebras`` and for
    both matrices each value was equal.  Fake tensors take about twice as long.
    """
    try:
        with torch.device("meta"), _told_without_contents():
            return _run(config, shape, matrix, vocab_size)
    except ScanError:
        raise
    except Exception:  # noqa: BLE001 - of any architecture; what fake tensors raise is what counts
        with FakeTensorMode():
            return _run(config, shape, matrix, vocab_size)


@contextmanager
def _told_without_contents() -> Iterator[None]:
    """Within, models do not look at what tensors hold: transformers spares only fake ones."""
    told = import_utils.is_fake_tensor
    import_utils.is_fake_tensor = lambda tensor: True
    try:
        yield
    finally:
        import_utils.is_fake_tensor = told


def _run(
    config: PreTrainedConfig, shape: tuple[int, int], matrix: str, vocab_size: int | None
) -> Footprint:
    # transformers notes its choices in the config that it builds a model from.
    model = AutoModelForCausalLM.from_config(deepcopy(config), dtype=torch.float32)
    tokens = torch.zeros(shape, dtype=torch.int64)
    with twice_differentiable(model):
        deal_out_evenly(model)
        product = CurvatureProduct(model, lambda: [(tokens, tokens)], matrix, vocab_size=vocab_size)
        vector = torch.zeros(product.size)
        with Counted() as counted:
            counted.most = MOST_OPERATIONS

            def unlimited(*_) -> None:
                counted.most = math.inf

            model.register_forward_hook(unlimited)
            for _ in product.parts(vector):
                pass
    weights = sum(parameter.nbytes for parameter in model.parameters())
    return Footprint(product.size, weights, counted.peak, counted.flops)
