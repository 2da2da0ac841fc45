"""Inputs of a model's layers on calibration windows, layer by layer, block by block.

Layers are visited in the order in which the model runs them.  Whoever visits may change a layer's
weights; the layers after it then see inputs from the changed model, as GPTQ wants.  Inside a stack
of transformer blocks only the block at hand is run, on hidden states that are kept.
"""

import contextlib
from collections.abc import Callable, Iterable, Iterator
from dataclasses import dataclass
from typing import Any
from unittest import mock

import torch
from torch import nn
from transformers import PreTrainedModel


class _Stop(Exception):  # noqa: N818 - no error: the rest of the forward pass is not needed
    pass


@dataclass(frozen=True)
class LayerInputs:
    """Mean of x x^T over the inputs x that a layer saw, shape (n, n), float64."""

    module: nn.Module
    second_moment: torch.Tensor


@torch.inference_mode()
def lookup_counts(
    model: PreTrainedModel, batches: list[torch.Tensor], modules: set[nn.Module]
) -> dict[nn.Module, torch.Tensor]:
    """How often each entry of each embedding was looked up, shape (entries,), int64.

    Embeddings that are never used are left out.
    """
    if not modules:
        return {}
    counts: dict[nn.Module, torch.Tensor] = {}
    by_weight = {id(module.weight): module for module in modules}
    embedding = nn.functional.embedding

    # Some embeddings are given a mask and make their indices themselves; all end here.
    def count(indices: torch.Tensor, weight: torch.Tensor, *args: Any, **kwargs: Any) -> Any:
        module = by_weight.get(id(weight))
        if module is not None:
            found = torch.bincount(indices.flatten().cpu(), minlength=len(weight))
            counts[module] = counts.get(module, 0) + found
        return embedding(indices, weight, *args, **kwargs)

    with mock.patch.object(nn.functional, "embedding", count):
        for inputs in batches:
            model(inputs, use_cache=False)
    return counts


@torch.inference_mode()
def layer_inputs(
    model: PreTrainedModel,
    batches: list[torch.Tensor],
    modules: set[nn.Module],
    report: Callable[[float], None] = lambda share: None,
) -> Iterator[LayerInputs]:
    """Visit ``modules`` in the order in which they run, with the inputs they see *now*.

    Modules that never run are not visited.

    Args:
        model: in evaluation mode.
        batches: token ids, each of shape (B, T).
        modules: linear layers to visit.
        report: called with the share of modules that have been visited.
    """
    order = _order_of_execution(model, batches[0], modules)
    blocks = _blocks(model)
    inside = {module: block for block in blocks for module in block.modules()}
    stack: _Stack | None = None
    for done, module in enumerate(order):
        run: Callable[[int], Any] = lambda i: model(batches[i], use_cache=False)  # noqa: E731
        if module in inside:
            stack = stack or _Stack(model, batches, blocks)  # what comes before is done by now
            stack.advance_to(inside[module])
            run = stack.run
        yield LayerInputs(module, _second_moment(module, run, len(batches)))
        report((done + 1) / len(order))


def _order_of_execution(
    model: PreTrainedModel, inputs: torch.Tensor, modules: set[nn.Module]
) -> list[nn.Module]:
    order: dict[nn.Module, None] = {}
    if not modules:
        return []

    def note(module: nn.Module, _args: tuple, _kwargs: dict) -> None:
        order.setdefault(module)

    with _before_each(modules, note):
        model(inputs[:1], use_cache=False)
    return list(order)


@contextlib.contextmanager
def _before_each(
    modules: Iterable[nn.Module], hook: Callable[[nn.Module, tuple, dict], None]
) -> Iterator[None]:
    """Call ``hook(module, args, kwargs)`` before each of ``modules`` runs."""
    handles = [module.register_forward_pre_hook(hook, with_kwargs=True) for module in modules]
    try:
        yield
    finally:
        for handle in handles:
            handle.remove()


def _blocks(model: nn.Module) -> list[nn.Module]:
    """The stack of transformer blocks: of all lists of modules the one with most parameters."""
    lists = [module for module in model.modules() if isinstance(module, nn.ModuleList)]
    if not lists:
        return []
    return list(max(lists, key=lambda stack: sum(p.numel() for p in stack.parameters())))


def _second_moment(module: nn.Module, run: Callable[[int], Any], batches: int) -> torch.Tensor:
    total, count = None, 0

    def accumulate(_module: nn.Module, args: tuple, _kwargs: dict) -> None:
        nonlocal total, count
        x = args[0].reshape(-1, args[0].shape[-1])  # (tokens, n)
        moment = (x.T @ x).double()
        total = moment if total is None else total + moment
        count += len(x)
        raise _Stop

    with _before_each([module], accumulate):
        for index in range(batches):
            with contextlib.suppress(_Stop):
                run(index)
    return total / count


class _Stack:
    """Blocks and, for each batch, the hidden states that enter the current one."""

    def __init__(
        self, model: PreTrainedModel, batches: list[torch.Tensor], blocks: list[nn.Module]
    ) -> None:
        """Run the model once, keeping what enters each block besides the hidden states (masks,
        positions: they do not depend on weights) and the hidden states that enter the first."""
        self.blocks, self.current = blocks, 0
        self.hidden: list[torch.Tensor] = []
        self.rest: list[list[tuple[tuple, dict]]] = [[] for _ in blocks]

        def keep(module: nn.Module, args: tuple, kwargs: dict) -> None:
            index = blocks.index(module)
            hidden, args, kwargs = _split(args, kwargs)
            if index == 0:
                self.hidden.append(hidden)
            self.rest[index].append((args, kwargs))

        with _before_each(blocks, keep):
            for inputs in batches:
                model(inputs, use_cache=False)

    def run(self, batch: int) -> torch.Tensor:
        """Output of the current block."""
        args, kwargs = self.rest[self.current][batch]
        output = self.blocks[self.current](self.hidden[batch], *args, **kwargs)
        return output[0] if isinstance(output, tuple) else output

    def advance_to(self, block: nn.Module) -> None:
        """Make ``block`` the current one; the blocks before it will not be changed any more."""
        while self.blocks[self.current] is not block:
            self.hidden = [self.run(batch) for batch in range(len(self.hidden))]
            self.current += 1


def _split(args: tuple, kwargs: dict) -> tuple[torch.Tensor, tuple, dict]:
    """Hidden states apart from the other arguments of a block."""
    if args:
        return args[0], args[1:], kwargs
    others = {key: value for key, value in kwargs.items() if key != "hidden_states"}
    return kwargs["hidden_states"], (), others
