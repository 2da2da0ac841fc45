"""Matrix products of layers by oneDNN, which is faster than MKL on processors not made by Intel."""

from collections.abc import Iterator
from contextlib import contextmanager
from functools import partial

import torch


@contextmanager
def onednn_products(model: torch.nn.Module) -> Iterator[None]:
    """Context in which the linear layers of a float32 model on a CPU multiply with oneDNN.

    Torch uses oneDNN for float32 by itself only in compiled code.  Without gradients; the products
    are those of float32, their last digits may differ.  Other models are not changed.
    """
    layers = [layer for layer in model.modules() if _can_multiply(layer)]
    for layer in layers:
        layer.forward = partial(_product, layer)
    try:
        yield
    finally:
        for layer in layers:
            del layer.forward  # restores the method of its class


def _can_multiply(layer: torch.nn.Module) -> bool:
    return (
        type(layer) is torch.nn.Linear
        and torch.backends.mkldnn.is_available()
        and layer.weight.device.type == "cpu"
        and layer.weight.dtype == torch.float32
    )


def _product(layer: torch.nn.Linear, inputs: torch.Tensor) -> torch.Tensor:
    """x W^T + b, inputs (..., columns), result (..., rows)."""
    return torch.ops.mkldnn._linear_pointwise(inputs, layer.weight, layer.bias, "none", [], "")
