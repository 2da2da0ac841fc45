"""A mixture of experts with an equal share of the tokens for every expert.

The tokens of an expert depend on their values, and tensors without contents have none.  But
each token goes to a fixed number of experts, so rows, and with them memory and arithmetic,
are the same in number if they are distributed evenly.
"""

import torch
from torch import nn
from transformers import PreTrainedModel
from transformers.integrations.moe import ALL_EXPERTS_FUNCTIONS

_NAME = "dealt_out_evenly"


def deal_out_evenly(model: PreTrainedModel) -> None:
    """Give all experts of ``model`` equal shares of the tokens, independent of their values."""
    ALL_EXPERTS_FUNCTIONS[_NAME] = _evenly
    model.set_experts_implementation(_NAME)


def _evenly(
    experts: nn.Module, hidden: torch.Tensor, chosen: torch.Tensor, weights: torch.Tensor
) -> torch.Tensor:
    """The plain loop of transformers' experts: the same operations on as many rows.

    Args:
        experts: the stack.
        hidden: shape (tokens, width).
        chosen, weights: shape (tokens, k): the experts of each token, and their weights.
    """
    out = torch.zeros_like(hidden)
    count, pairs = experts.num_experts, chosen.numel()
    mask = torch.zeros((count + 1, *chosen.shape[::-1]), dtype=torch.int64)  # (E+1, k, tokens)
    first = experts.gate_up_proj if experts.has_gate else experts.up_proj
    for index in range(min(count, pairs)):
        rows = pairs // count + (index < pairs % count)
        tokens = torch.zeros(rows, dtype=torch.int64, device=hidden.device)
        inner = _linear(experts, hidden[tokens], first[index])
        inner = experts._apply_gate(inner) if experts.has_gate else experts.act_fn(inner)
        part = _linear(experts, inner, experts.down_proj[index])
        part = part * weights[tokens, torch.zeros_like(tokens), None]
        out.index_add_(0, tokens, part.to(out.dtype))
    del mask  # it lives as long as the loop
    return out


def _linear(experts: nn.Module, rows: torch.Tensor, weight: torch.Tensor) -> torch.Tensor:
    return nn.functional.linear(rows, weight.T if experts.is_transposed else weight)
