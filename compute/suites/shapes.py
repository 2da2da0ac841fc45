"""Shapes of published models, from ``shapes.toml``: enough to plan with."""

import tomllib
from dataclasses import dataclass
from pathlib import Path

from transformers import GPTNeoXConfig, PreTrainedConfig

from compute.errors import InputError


@dataclass(frozen=True)
class Shape:
    """One architecture.

    Attributes:
        name: of the model.
        config: of its architecture.
        context_length: tokens of a window.
        params_total: N.
    """

    name: str
    config: PreTrainedConfig
    context_length: int
    params_total: int


def load_shapes(suite: str) -> list[Shape]:
    """The models of a suite, smallest first.

    Raises:
        InputError: there is no such suite.
    """
    content = tomllib.loads(Path(__file__).with_name("shapes.toml").read_text())
    if suite not in content:
        raise InputError(
            f"There are no shapes of a suite {suite!r}; choose one of {', '.join(content)}."
        )
    context = content[suite]["context_length"]
    return [
        Shape(model["name"], _neox(model, context), context, model["params_total"])
        for model in content[suite]["models"]
    ]


def _neox(model: dict, context: int) -> GPTNeoXConfig:
    return GPTNeoXConfig(
        vocab_size=model["vocab_size"],
        hidden_size=model["hidden_size"],
        num_hidden_layers=model["layers"],
        num_attention_heads=model["heads"],
        intermediate_size=4 * model["hidden_size"],
        max_position_embeddings=context,
    )
