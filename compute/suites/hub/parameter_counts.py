"""How many parameters a model has, those of its embeddings apart from the others.

Scaling laws are drawn over either (SUITES.md); those of Kaplan et al. (2020) over the second.
"""

import torch
from torch import nn
from transformers import AutoModelForCausalLM, PreTrainedConfig, PreTrainedModel


def parameter_counts(model: PreTrainedModel) -> tuple[int, int]:
    """(embedding, non-embedding) parameters, each tensor once even where it is tied.

    Embedding are the parameters of every ``nn.Embedding``, learned positions included, and of the
    output embeddings.
    """
    tables = [module for module in model.modules() if isinstance(module, nn.Embedding)]
    ends = (model.get_input_embeddings(), model.get_output_embeddings())
    tables += [end for end in ends if end is not None]
    embeddings = {id(p): p.numel() for table in tables for p in table.parameters()}
    total = sum(parameter.numel() for parameter in model.parameters())
    return sum(embeddings.values()), total - sum(embeddings.values())


def parameter_counts_of(config: PreTrainedConfig) -> tuple[int, int]:
    """``parameter_counts`` of the causal language model of this shape; allocates no weights."""
    with torch.device("meta"):
        model = AutoModelForCausalLM.from_config(config)
    # Built on this device, the two ends of a tied model are tied already; this makes sure.
    model.tie_weights()
    return parameter_counts(model)
