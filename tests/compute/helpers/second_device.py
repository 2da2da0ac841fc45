"""A second torch device without a second chip: ``second:0``, whose contents a CPU holds.

A test computes on it what belongs on a GPU.  An operation that mixes it with tensors of the CPU
fails here as it would fail there, and so does reading it without a copy.
"""

import contextlib
import functools
from collections.abc import Iterator
from pathlib import Path
from unittest import mock

import torch
from torch.overrides import TorchFunctionMode
from torch.utils._python_dispatch import TorchDispatchMode
from torch.utils._pytree import tree_leaves, tree_map
from torch.utils.backend_registration import (
    _DummyBackendModule,
    _setup_privateuseone_for_python_backend,
)
from transformers import PreTrainedModel

NAME = "second"
DEVICE = f"{NAME}:0"

_aten = torch.ops.aten

#: Keeps what is registered with it for as long as it lives.
_LIBRARY = torch.library.Library("_", "IMPL")

#: Operations that take tensors of several devices: copies.
_COPIES = {_aten._to_copy, _aten.copy_, _aten.to}

#: Operations whose indices may be on the CPU, as on a GPU.
_INDEXED = {_aten.index, _aten.index_put, _aten.index_put_, _aten._index_put_impl_}


class MixedDevicesError(RuntimeError):
    """An operation got tensors of both devices."""


class OnSecond(torch.Tensor):
    """A tensor of the second device; ``held`` has its contents."""

    held: torch.Tensor

    @staticmethod
    def __new__(cls, held: torch.Tensor) -> "OnSecond":
        made = torch.Tensor._make_wrapper_subclass(
            cls,
            held.shape,
            strides=held.stride(),
            storage_offset=held.storage_offset(),
            dtype=held.dtype,
            device=DEVICE,
        )
        made.held = held
        return made

    __torch_function__ = torch._C._disabled_torch_function_impl

    @classmethod
    def __torch_dispatch__(cls, func, types, args=(), kwargs=None):
        return _run(func, args, kwargs or {})

    @property
    def data(self) -> torch.Tensor:
        return self.detach()

    @data.setter
    def data(self, other: torch.Tensor) -> None:
        if not isinstance(other, OnSecond):
            raise MixedDevicesError("a tensor of the second device cannot get data of the CPU")
        torch.Tensor.data.__set__(self, other)  # the type and the shape
        self.held = other.held

    def tolist(self) -> list:
        return self.held.tolist()


@contextlib.contextmanager
def second_device() -> Iterator[str]:
    """The device's name, which exists inside."""
    register()
    swapped = torch.__future__.get_swap_module_params_on_conversion()
    torch.__future__.set_swap_module_params_on_conversion(True)
    try:
        files = mock.patch.object(PreTrainedModel, "save_pretrained", _saved_from_the_cpu)
        # Views of inference tensors of a Python device are not made: without gradients instead.
        inference = mock.patch.object(torch._C, "_InferenceMode", _without_gradients)
        with files, inference, _Everything(), _Made():
            yield DEVICE
    finally:
        torch.__future__.set_swap_module_params_on_conversion(swapped)


_save = PreTrainedModel.save_pretrained


def _saved_from_the_cpu(model: PreTrainedModel, folder: str | Path) -> None:
    """Weights that share memory are found by its address, which a held tensor has."""
    weights = {name: getattr(t, "held", t) for name, t in model.state_dict().items()}
    _save(model, folder, state_dict=weights)


def _without_gradients(enabled: bool) -> contextlib.AbstractContextManager:
    return torch.no_grad() if enabled else contextlib.nullcontext()


class _Made(TorchFunctionMode):
    """``torch.tensor`` of numbers copies them past every dispatch mode."""

    def __torch_function__(self, func, types, args=(), kwargs=None):
        kwargs = kwargs or {}
        device = kwargs.get("device")
        if func in (torch.tensor, torch.as_tensor) and device is not None:
            return func(*args, **{**kwargs, "device": None}).to(device)
        return func(*args, **kwargs)


class _Everything(TorchDispatchMode):
    """Operations without a tensor of the second device too: those that make one."""

    def __torch_dispatch__(self, func, types, args=(), kwargs=None):
        return _run(func, args, kwargs or {})


class _Module(_DummyBackendModule):
    """What torch asks a device's module for."""

    def is_available(self) -> bool:
        return False  # nothing takes it that was not told to

    def get_amp_supported_dtype(self) -> list[torch.dtype]:
        return [torch.bfloat16]


@functools.cache
def register() -> None:
    """Make the device known to torch: before the first backward pass of the process, which starts
    a thread for each device."""
    _setup_privateuseone_for_python_backend(NAME, backend_module=_Module())
    _LIBRARY.fallback(torch.library.fallthrough_kernel, "AutocastPrivateUse1")


def _run(func, args: tuple, kwargs: dict):
    """The operation on what the tensors hold; the result is where torch would place it."""
    leaves = tree_leaves((args, kwargs))
    tensors = [leaf for leaf in leaves if isinstance(leaf, torch.Tensor)]
    there = {id(tensor.held): tensor for tensor in tensors if isinstance(tensor, OnSecond)}
    if func is torch.ops.prim.device.default:
        return torch.device(DEVICE if there else "cpu")
    if there and func.overloadpacket not in _COPIES:
        _check(func, tensors)
    out = func(*tree_map(_held, args), **tree_map(_held, kwargs))
    if func is _aten.copy_.default:
        return args[0]
    asked = [leaf for leaf in leaves if isinstance(leaf, torch.device)]
    on_second = asked[-1].type == NAME if asked else bool(there)

    def placed(value):
        if not (on_second and isinstance(value, torch.Tensor)):
            return value
        return there[id(value)] if id(value) in there else OnSecond(value)

    return tree_map(placed, out)


def _check(func, tensors: list[torch.Tensor]) -> None:
    """Numbers of the CPU may be mixed with anything, and so may indices."""
    others = [t for t in tensors if not isinstance(t, OnSecond)]
    if func.overloadpacket not in _INDEXED and any(tensor.dim() for tensor in others):
        raise MixedDevicesError(f"{func} got tensors of {DEVICE} and of the CPU")


def _held(value):
    """What the CPU computes with in its place."""
    if isinstance(value, torch.device) and value.type == NAME:
        return torch.device("cpu")
    return value.held if isinstance(value, OnSecond) else value
