"""Whether a model's two ends, its embedding and its output layer, are one matrix or two."""

import torch
from transformers import AutoModelForCausalLM, PreTrainedConfig

from compute.base.errors import InputError
from compute.suites.hub.source import Source
from compute.suites.hub.weights.tensors import StoredTensor, same_values, stored_tensors


def with_true_ends(source: Source, config: PreTrainedConfig) -> PreTrainedConfig:
    """The configuration as the weights are: ``tie_word_embeddings`` unset where they hold two
    different ends, as transformers loads them.

    Where the weights cannot be looked into before they are fetched, the configuration as it is.

    Raises:
        InputError: an end that the configuration asks for is not among the weights: it would be
            drawn at random.
    """
    if source.gguf is not None:  # its reader tells the ends from the file's own list of tensors
        return config
    names, shape = _ends_of(config)
    stored = stored_tensors(source)
    if stored is None or None in names:
        return config
    same_shape = [t for t in stored.values() if t.shape in (shape, shape[::-1])]
    there = [_find(name, stored) for name in names]
    tied = config.tie_word_embeddings
    if all(there):
        if tied and not same_values(*there):
            config = type(config).from_dict(config.to_dict() | {"tie_word_embeddings": False})
        return config
    # Old checkpoints may have other names for a matrix, but never another shape.
    if len(same_shape) >= (1 if tied else 2):
        return config
    missing = " and ".join(n for n, found in zip(names, there, strict=True) if found is None)
    says = "true" if tied else "false"
    raise InputError(
        f"The weights of {source} lack {missing}, and its configuration says tie_word_embeddings "
        f"{says}: it would be drawn at random; fetch the model again, or correct its config.json."
    )


def _ends_of(config: PreTrainedConfig) -> tuple[tuple[str | None, str | None], tuple[int, ...]]:
    """Names of the two ends, None where a model has no such module, and the shape of the first."""
    with torch.device("meta"):
        model = AutoModelForCausalLM.from_config(config)
    first, last = model.get_input_embeddings(), model.get_output_embeddings()
    modules = {id(module): name for name, module in model.named_modules(remove_duplicate=False)}
    names = tuple(None if end is None else f"{modules[id(end)]}.weight" for end in (first, last))
    return names, tuple(first.weight.shape)


def _find(name: str, stored: dict[str, StoredTensor]) -> StoredTensor | None:
    """Under its name, or that of the trunk alone, which some models were published as."""
    trunk = name.partition(".")[2]
    return stored.get(name) or (stored.get(trunk) if "." in trunk else None)
