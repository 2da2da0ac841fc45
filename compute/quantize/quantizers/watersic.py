"""Steps where they matter: wider ones where the loss feels an error less (section 7).

After WaterSIC (arXiv 2603.04956).  Rounding column i with step s_i costs a proxy loss of
s_i^2/12 * d_i a row and log2(1/s_i) bits a weight, so the least loss at a given rate has s_i
proportional to 1/sqrt(d_i).  Rows of an embedding are tokens, and their second moment is diagonal:
rare tokens get wider steps.  Both are on a grid of quarter octaves, and part of the code.
"""

import torch

from compute.quantize.quantizers.grid import (
    SCALES_PER_OCTAVE,
    Grid,
    coded_scales,
    unclipped_grid,
)
from compute.quantize.quantizers.ldlq import round_with_feedback
from compute.quantize.quantizers.tensors import QuantizedTensor, row_chunks

#: Step of vectors (norms and biases) in units of their root mean square.
VECTOR_STEP = 1 / 8

#: Steps of an embedding go as the frequency of a token to this power.  1/2 would be best if a
#: token's rows mattered in proportion to its frequency; a quarter had the smallest losses at equal
#: bits on models of the ladder.
TOKEN_EXPONENT = -0.25

#: Step of a token of mean frequency in units of the setting's: likewise.
TOKEN_STEP = 0.75

#: Step of a matrix whose share in loss and length was not measured (``quantize.allocation``).
UNPRICED_STEP = 1.0

#: The widest column has at most so many quarter octaves more than the mean one, or less.
_MOST = 100


def quantize(weight: torch.Tensor, hessian: torch.Tensor, step: float) -> QuantizedTensor:
    """LDLQ in act-order onto a grid with a step for each row and each column.

    Args:
        weight: shape (rows, columns), float; rows are output channels.
        hessian: second moment of the layer's inputs, shape (columns, columns).
        step: in units of the row's root mean square; the factors of the columns have geometric
            mean 1.

    Raises:
        ValueError: as ``gptq_step.quantize``.
    """
    return round_with_feedback(
        weight,
        hessian,
        lambda rows, losses: unclipped_grid(rows, step, column_steps(losses)),
        act_order=True,
    )


def column_steps(losses: torch.Tensor) -> torch.Tensor:
    """Quarter octaves of each column's factor, proportional to 1/sqrt(d); int8.

    Args:
        losses: d of ``ldlq``, shape (columns,), positive.
    """
    octaves = -0.5 * losses.log2()
    quarters = (octaves - octaves.mean()) * SCALES_PER_OCTAVE
    return quarters.round().clamp(-_MOST, _MOST).to(torch.int8)


def by_frequency(values: torch.Tensor, frequencies: torch.Tensor, step: float) -> QuantizedTensor:
    """Nearest multiples of a step for each row, wider for rare tokens; unused ones become 0.

    Args:
        values: an embedding, shape (tokens, width).
        frequencies: share of each token, shape (tokens,); at least one positive.
        step: of the setting; that of a token of mean frequency is ``TOKEN_STEP`` of it, in units of
            the root mean square of the used rows.

    Raises:
        ValueError: ``step`` is not positive, or so small that codes or scales overflow.
    """
    if step is None or not step > 0.0:
        raise ValueError(f"step={step} must be positive")
    shares = frequencies.to(values.device).double()
    used = shares > 0
    # In parts: an embedding may have more entries than there is room for in float64.
    parts = [*row_chunks(*values.shape)]
    squares = sum(values[part][used[part]].double().square().sum() for part in parts)
    rms = (squares / (used.sum() * values.shape[1])).sqrt()
    shares = torch.where(used, shares / shares[used].mean(), 1.0)
    sizes = torch.where(used, rms * shares**TOKEN_EXPONENT, 0.0)[:, None]
    scales = coded_scales(sizes, TOKEN_STEP * step)
    codes = []
    for part in parts:
        grid = Grid(scales[part], torch.zeros_like(sizes[part]), None, None)
        rows = torch.where(used[part, None], values[part].double(), 0.0)
        codes.append(grid.tensor(grid.nearest(rows)).codes)
    return QuantizedTensor(torch.cat(codes), scales.cpu(), None, None, None)
