"""Memory that a published model takes while it is read, scored or quantized, at most about."""

import torch

from compute.models.sampled_evaluation import SCORED_LOGITS, batch_windows
from compute.quantize.quantizers.tensors import ROW_ENTRIES
from compute.suites.published.hub_model import HubModel

#: Bytes of a process before it has a model: the interpreter and its libraries.
PROCESS_BYTES = 768 << 20

#: Widths of what flows through a block at once: of the residual stream (its own, norms, queries,
#: keys, values, outputs) and of the MLP's layer (before and after it is gated).
_STREAM, _MLP = 8, 4

FLOAT32, _FLOAT64 = 4, 8

#: Square matrices of the widest layer that a quantizer and the statistics after it hold at once,
#: in float64.
_SQUARES = 12

#: Bytes for each entry of the largest matrix: its codes as they are put together, its values before
#: and after, and signed codes as they are sorted into classes.
_LARGEST = 12

#: Bytes for each entry of the rows that are worked on at once, in float64 with what they become.
_CHUNK = 96

#: The same where codes are only decoded.
_DECODED = 24

#: Bytes for each weight in a code that is not on a grid of so many bits.
_STEP_BYTES = 2

#: How many times the files of a coded model are there while they are put together.
_FILES = 4


def placed(device: str, on_device: int, beside: int, files: int = 0) -> tuple[int, int]:
    """(bytes on the device, bytes beside it) of a process.

    Args:
        device: torch device; on a CPU all is on the device.
        on_device: bytes while the model is worked on.
        beside: bytes while it is read or written, at another time.
        files: bytes that a CPU holds with the former.
    """
    if device.startswith("cuda"):
        return on_device, beside + PROCESS_BYTES
    return max(beside, on_device + files) + PROCESS_BYTES, 0


def reading(model: HubModel) -> int:
    """A checkpoint in float32, and the files that it is read from."""
    dtype = getattr(model.config, "dtype", None)
    in_files = dtype.itemsize if isinstance(dtype, torch.dtype) else _STEP_BYTES
    return (FLOAT32 + in_files) * model.params_total


def scoring(model: HubModel, positions: int, device: str, weight_bytes: int) -> tuple[int, int]:
    """As ``placed``, where losses are measured at so many positions of each window."""
    n, vocab_size, kind = model.params_total, model.config.vocab_size, device.partition(":")[0]
    windows = batch_windows(model.context_length, positions, vocab_size, kind)
    logits = windows * positions * vocab_size * (weight_bytes + FLOAT32)
    flowing = windows * model.context_length * _flowing(model)
    on_device = weight_bytes * (n + flowing) + logits
    on_device += 4 * _FLOAT64 * max(SCORED_LOGITS[kind], vocab_size)
    decoded = (FLOAT32 + _STEP_BYTES) * n + _LARGEST * _largest(model) + _DECODED * ROW_ENTRIES
    return placed(device, on_device, max(reading(model), decoded), _STEP_BYTES * n)


def quantizing(
    model: HubModel, bits: int | None, windows: int, tokens: int, device: str
) -> tuple[int, int]:
    """As ``placed``, where a model is quantized and its files are written.

    Args:
        model: which.
        bits: of a code; None where that is not on a grid of so many bits.
        windows: that the quantizer looks at.
        tokens: of them in one forward pass.
        device: torch device.
    """
    n, width, largest = model.params_total, model.config.hidden_size, _LARGEST * _largest(model)
    chunk = _CHUNK * max(ROW_ENTRIES, _widest(model) * min(_widest(model), width))
    layers = 2 * windows * model.context_length * width * FLOAT32
    layers += tokens * _flowing(model) * FLOAT32 + chunk
    layers += _SQUARES * _FLOAT64 * _widest(model) ** 2 + largest
    codes = (1 if bits is not None and bits <= 8 else _STEP_BYTES) * n
    files = _FILES * n * (bits or 8 * _STEP_BYTES) // 8 + largest + chunk
    writing = FLOAT32 * n + codes + files
    return placed(device, layers + FLOAT32 * n, max(reading(model), writing), codes)


def _widest(model: HubModel) -> int:
    """Inputs of the MLP's second layer."""
    found = getattr(model.config, "intermediate_size", None)
    return found if isinstance(found, int) else 4 * model.config.hidden_size


def _flowing(model: HubModel) -> int:
    """Numbers of a token inside of a block."""
    return _STREAM * model.config.hidden_size + _MLP * _widest(model)


def _largest(model: HubModel) -> int:
    """Entries of the largest matrix."""
    return model.config.hidden_size * max(model.config.vocab_size, _widest(model))
