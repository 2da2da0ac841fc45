"""Inputs of a model's layers on calibration windows, layer by layer, block by block.

Layers are visited in the order in which the model runs them.  A visitor may change a layer's
weights; the layers after it then see inputs from the changed model, as GPTQ requires.  Inside a
stack of transformer blocks only the current block runs, on stored hidden states.  Layers that
are given the same tensor, such as queries, keys and values, have one second moment.
"""

import contextlib
from collections.abc import Callable, Iterable, Iterator
from dataclasses import dataclass
from typing import Any
from unittest import mock

import torch
from torch import nn
from transformers import PreTrainedModel

#: Tokens for finding the order of layers.
_PROBE_TOKENS = 16


class _Stop(Exception):  # noqa: N818 - not an error: the rest of the forward pass is not needed
    pass


@dataclass(frozen=True)
class LayerInputs:
    """Mean of x x^T over the inputs x that a layer saw, shape (n, n), float64.

    Layers with the same inputs share one tensor.
    """

    module: nn.Module
    second_moment: torch.Tensor


@dataclass(frozen=True)
class SharedInputs:
    """One second moment for all ``modules`` that were given the same inputs."""

    modules: tuple[nn.Module, ...]
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

    # Some embeddings are given a mask and make their indices themselves; all of them end here.
    def count(indices: torch.Tensor, weight: torch.Tensor, *args: Any, **kwargs: Any) -> Any:
        module = by_weight.get(id(weight))
        if module is not None:
            found = torch.bincount(indices.flatten().cpu(), minlength=len(weight))
            counts[module] = counts.get(module, 0) + found
        return embedding(indices, weight, *args, **kwargs)

    blocks = _blocks(model)
    inside = {module for block in blocks for module in block.modules()}
    last = [model.get_output_embeddings()] if modules & inside else blocks[:1]
    with mock.patch.object(nn.functional, "embedding", count), _before_each(last, _stop):
        for inputs in batches:
            _run(model, inputs)
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
    first = _order_of_execution(model, batches[0], modules)
    order = list(first)
    blocks = _blocks(model)
    inside = {module: block for block in blocks for module in block.modules()}
    moments: dict[nn.Module, torch.Tensor] = {}
    stack: _Stack | None = None
    for done, module in enumerate(order):
        if first[module] is module:
            run: Callable[[int], Any] = lambda i: _run(model, batches[i])  # noqa: E731
            if module in inside:
                stack = stack or _Stack(model, batches, blocks)  # all modules before it are done
                stack.advance_to(inside[module])
                run = stack.run
            elif stack is not None and stack.is_last:
                stack.advance_to(None)
                run = stack.run_after
            moments[module] = _second_moments([module], run, len(batches), stop=True)[module]
        yield LayerInputs(module, moments[first[module]])
        if first[module] not in [first[later] for later in order[done + 1 :]]:
            del moments[first[module]]
        report((done + 1) / len(order))


@torch.inference_mode()
def trained_inputs(
    model: PreTrainedModel,
    batches: list[torch.Tensor],
    modules: set[nn.Module],
    report: Callable[[float], None] = lambda share: None,
) -> Iterator[SharedInputs]:
    """Inputs of all ``modules`` in the unchanged model: every block runs once.

    They are those of the model at the first request, even if its linear layers change in between.

    Args:
        model: in evaluation mode.
        batches: token ids, each of shape (B, T).
        modules: linear layers; those that never run are left out.
        report: called with the share of modules that are done.
    """
    first = _order_of_execution(model, batches[0], modules)
    shared: dict[nn.Module, list[nn.Module]] = {}
    for module, leader in first.items():
        shared.setdefault(leader, []).append(module)
    blocks = _blocks(model)
    inside = {module: block for block in blocks for module in block.modules()}
    outside = [leader for leader in shared if leader not in inside]
    stack = _Stack(model, batches, blocks) if blocks else None
    done = 0

    def found(moments: dict[nn.Module, torch.Tensor]) -> Iterator[SharedInputs]:
        nonlocal done
        for leader, moment in moments.items():
            done += len(shared[leader])
            yield SharedInputs(tuple(shared[leader]), moment)
            report(done / len(first))

    before = [m for m in outside if stack is None or _runs_first(m, model, first, inside)]
    moments = _second_moments(before, lambda i: _run(model, batches[i]), len(batches), stop=True)
    after = [m for m in outside if m not in before]
    for block in blocks:
        stack.advance_to(block)
        own = [leader for leader in shared if inside.get(leader) is block]
        here = _second_moments(own, stack.step, len(batches), stop=False)
        stack.stepped()
        if block is blocks[-1]:  # the head may be a layer that changes first
            moments |= _second_moments(after, stack.run_after, len(batches), stop=True)
        yield from found(here)
    yield from found(moments)


def _runs_first(
    module: nn.Module,
    model: PreTrainedModel,
    order: Iterable[nn.Module],
    inside: dict[nn.Module, nn.Module],
) -> bool:
    """Whether a module outside of the blocks runs before all layers in them."""
    if module is model.get_output_embeddings():
        return False
    return next(other for other in order if other is module or other in inside) is module


def _order_of_execution(
    model: PreTrainedModel, inputs: torch.Tensor, modules: set[nn.Module]
) -> dict[nn.Module, nn.Module]:
    """Modules in the order in which they run; for each the first that is given the same tensor."""
    seen: dict[nn.Module, torch.Tensor] = {}
    if not modules:
        return {}

    def note(module: nn.Module, args: tuple, kwargs: dict) -> None:
        if module in modules:
            seen.setdefault(module, _split(args, kwargs)[0])
        if module is head:  # otherwise as many logits as tokens would be made now
            raise _Stop

    head = model.get_output_embeddings()
    with _before_each({*modules, head}, note):
        _run(model, inputs[:1, :_PROBE_TOKENS])
    return {
        module: next(other for other, theirs in seen.items() if theirs is x)
        for module, x in seen.items()
    }


def _run(model: PreTrainedModel, inputs: torch.Tensor) -> None:
    """Run the model until a hook says stop."""
    with contextlib.suppress(_Stop):
        model(inputs, use_cache=False)


def _stop(_module: nn.Module, _args: tuple, _kwargs: dict) -> None:
    raise _Stop


@contextlib.contextmanager
def _before_each(
    modules: Iterable[nn.Module | None], hook: Callable[[nn.Module, tuple, dict], None]
) -> Iterator[None]:
    """Call ``hook(module, args, kwargs)`` before each of ``modules`` runs."""
    handles = [
        module.register_forward_pre_hook(hook, with_kwargs=True)
        for module in modules
        if module is not None
    ]
    try:
        yield
    finally:
        for handle in handles:
            handle.remove()


def _blocks(model: nn.Module) -> list[nn.Module]:
    """The stack of transformer blocks: the list of modules with most parameters."""
    lists = [module for module in model.modules() if isinstance(module, nn.ModuleList)]
    if not lists:
        return []
    return list(max(lists, key=lambda stack: sum(p.numel() for p in stack.parameters())))


def _second_moments(
    modules: list[nn.Module], run: Callable[[int], Any], batches: int, stop: bool
) -> dict[nn.Module, torch.Tensor]:
    """Inputs by module.

    Args:
        run: runs a batch through them.
        stop: whether to stop after the last of them.
    """
    totals: dict[nn.Module, torch.Tensor] = {}
    counts = dict.fromkeys(modules, 0)
    waiting: set[nn.Module] = set()

    def accumulate(module: nn.Module, args: tuple, kwargs: dict) -> None:
        if module not in waiting:  # the inputs of its first run count
            return
        waiting.remove(module)
        x = _split(args, kwargs)[0]
        x = x.reshape(-1, x.shape[-1])  # (tokens, n)
        moment = (x.T @ x).double()
        totals[module] = totals[module].add_(moment) if module in totals else moment
        counts[module] += len(x)
        if stop and not waiting:
            raise _Stop

    if stop and not modules:
        return {}
    with _before_each(modules, accumulate):
        for index in range(batches):
            waiting.update(modules)
            with contextlib.suppress(_Stop):
                run(index)
    return {module: total / counts[module] for module, total in totals.items()}


class _Stack:
    """Blocks and, for each batch, the hidden states that enter the current one."""

    def __init__(
        self, model: PreTrainedModel, batches: list[torch.Tensor], blocks: list[nn.Module]
    ) -> None:
        """Run the modules before the blocks, and store the inputs of the first block.

        Inputs of each block besides the hidden states (masks, positions) do not depend on
        weights, and are stored too.
        """
        self.model, self.batches, self.blocks, self.current = model, batches, blocks, 0
        self.hidden: list[torch.Tensor] = []
        self.rest: list[list[tuple[tuple, dict]]] = [[] for _ in blocks]
        self._stepped: list[torch.Tensor] = []
        index_of = {block: index for index, block in enumerate(blocks)}

        def keep(module: nn.Module, args: tuple, kwargs: dict) -> None:
            index = index_of[module]
            hidden, args, kwargs = _split(args, kwargs)
            if index == 0:
                self.hidden.append(hidden)
            self.rest[index].append((args, kwargs))
            if len({len(rest) for rest in self.rest}) == 1:  # every block has seen this batch
                raise _Stop

        with _before_each(blocks, keep):
            _run(model, batches[0])  # for real, because blocks show here what they return
        self._others = self._returned_besides()
        with _before_each(blocks, keep), self._passing_on(lambda hidden: hidden):
            for inputs in batches[1:]:
                _run(model, inputs)

    @property
    def is_last(self) -> bool:
        """Whether the last block is the current one, or was."""
        return self.current >= len(self.blocks) - 1

    def run(self, batch: int) -> torch.Tensor:
        """Output of the current block."""
        output = self._output(batch)
        return output[0] if isinstance(output, tuple) else output

    def step(self, batch: int) -> None:
        """Run the current block and keep its output for ``stepped``."""
        self._stepped.append(self.run(batch))

    def stepped(self) -> None:
        """Go to the next block, with the outputs of ``step`` for all batches."""
        self.hidden, self._stepped = self._stepped, []
        self.current += 1

    def advance_to(self, block: nn.Module | None) -> None:
        """Make ``block`` the current one, or none after the last; earlier blocks do not change any
        more."""
        while self.current < len(self.blocks) and self.blocks[self.current] is not block:
            for batch in range(len(self.hidden)):
                self.hidden[batch] = self.run(batch)  # releases the old states of one batch
            self.current += 1

    def run_after(self, batch: int) -> None:
        """Run the modules after the blocks until a hook stops."""
        with self._passing_on(lambda _hidden: self.hidden[batch]):
            self.model(self.batches[batch], use_cache=False)

    def _output(self, batch: int) -> Any:
        args, kwargs = self.rest[self.current][batch]
        return self.blocks[self.current](self.hidden[batch], *args, **kwargs)

    def _returned_besides(self) -> tuple | None:
        """Further outputs of blocks besides hidden states; None if there are none."""
        output = self._output(0)
        return output[1:] if isinstance(output, tuple) else None

    @contextlib.contextmanager
    def _passing_on(self, choose: Callable[[torch.Tensor], torch.Tensor]) -> Iterator[None]:
        """Make blocks compute nothing: they return the hidden states that ``choose`` makes of
        theirs."""

        def forward(*args: Any, **kwargs: Any) -> Any:
            hidden = choose(_split(args, kwargs)[0])
            return hidden if self._others is None else (hidden, *self._others)

        with contextlib.ExitStack() as patches:
            for block in self.blocks:
                patches.enter_context(mock.patch.object(block, "forward", forward))
            yield


def _split(args: tuple, kwargs: dict) -> tuple[torch.Tensor, tuple, dict]:
    """Split hidden states from the other arguments of a block or layer."""
    if args:
        return args[0], args[1:], kwargs
    name = "hidden_states" if "hidden_states" in kwargs else next(iter(kwargs))
    others = {key: value for key, value in kwargs.items() if key != name}
    return kwargs[name], (), others
