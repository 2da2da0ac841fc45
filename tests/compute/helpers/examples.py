"""Layers, second moments and small models that several tests quantize."""

import copy
import functools
from collections.abc import Callable

import torch
from transformers import (
    GPT2Config,
    GPT2LMHeadModel,
    GPTNeoXConfig,
    GPTNeoXForCausalLM,
    LlamaConfig,
    LlamaForCausalLM,
    PreTrainedModel,
)

from compute.base.setting import UNQUANTIZED, Setting
from compute.quantize.layer_statistics import LayerStatistics
from compute.quantize.quantizers import StoredTensor
from compute.quantize.whole_model import quantize_model

VOCABULARY = 48

#: Every quantizer, and those with groups also with groups that do not divide every width.
SETTINGS = [
    UNQUANTIZED,
    Setting("cast", bits=16),
    Setting("rtn", bits=4),
    Setting("rtn", bits=3, group_size=7),
    Setting("gptq", bits=3),
    Setting("gptq", bits=2, group_size=10),
    Setting("gptq_actorder", bits=4),
    Setting("gptq_actorder", bits=3, group_size=10),
    Setting("ldlq", bits=8),
    Setting("ldlq", bits=3, group_size=10),
    Setting("ldlq_rotated", bits=3, quantizer_seed=300),
    Setting("ldlq_rotated", bits=4, group_size=10, quantizer_seed=0),
    Setting("gptq_step", step=0.7),
    Setting("gptq_step", step=0.05),
    Setting("watersic", step=0.7),
    Setting("watersic", step=2.0),
    Setting("watersic_priced", step=0.27),
]


#: Those whose numbers say how a layer is rounded by itself; a price does so for whole models.
OF_LAYERS = [setting for setting in SETTINGS if setting.quantizer != "watersic_priced"]


def layer(rows: int, columns: int, seed: int = 0) -> torch.Tensor:
    """Normal weights, exact in float32."""
    return torch.randn(rows, columns, generator=torch.Generator().manual_seed(seed))


def moment(columns: int, decay: float = 1.0, seed: int = 0, aligned: bool = False) -> torch.Tensor:
    """A second moment with eigenvalues k^-decay; eigenvectors random, or the coordinates."""
    spectrum = torch.arange(1, columns + 1, dtype=torch.float64) ** -decay
    if aligned:
        return torch.diag(spectrum)
    random = torch.Generator().manual_seed(seed)
    vectors, _ = torch.linalg.qr(
        torch.randn(columns, columns, generator=random, dtype=torch.float64)
    )
    found = vectors @ torch.diag(spectrum) @ vectors.T
    return (found + found.T) / 2


def damped(hessian: torch.Tensor, damping: float = 0.01) -> torch.Tensor:
    """What quantizers factor in place of ``hessian``."""
    added = damping * hessian.diagonal().mean().item()
    return hessian + added * torch.eye(len(hessian), dtype=hessian.dtype)


def proxy_loss(error: torch.Tensor, hessian: torch.Tensor) -> float:
    """tr(E H E^T)."""
    error = error.double()
    return torch.trace(error @ hessian.double() @ error.T).item()


def neox() -> PreTrainedModel:
    """Untied embeddings, parallel residual: the ladder's architecture."""
    config = GPTNeoXConfig(
        vocab_size=VOCABULARY,
        hidden_size=16,
        num_hidden_layers=2,
        num_attention_heads=2,
        intermediate_size=24,
        max_position_embeddings=32,
    )
    return GPTNeoXForCausalLM(config)


def gpt2() -> PreTrainedModel:
    """Tied embeddings, learned positions, weights lying as (inputs, outputs)."""
    config = GPT2Config(vocab_size=VOCABULARY, n_embd=16, n_layer=2, n_head=2, n_positions=32)
    return GPT2LMHeadModel(config)


def llama() -> PreTrainedModel:
    """Grouped attention, gated MLP, no biases."""
    config = LlamaConfig(
        vocab_size=VOCABULARY,
        hidden_size=16,
        intermediate_size=20,
        num_hidden_layers=2,
        num_attention_heads=4,
        num_key_value_heads=2,
        max_position_embeddings=32,
        tie_word_embeddings=False,
    )
    return LlamaForCausalLM(config)


MODELS: dict[str, Callable[[], PreTrainedModel]] = {"neox": neox, "gpt2": gpt2, "llama": llama}


@functools.cache
def _trained(name: str) -> PreTrainedModel:
    with torch.random.fork_rng(devices=[]):
        torch.manual_seed(0)
        model = MODELS[name]().eval()
        with torch.no_grad():  # as after training: no bias is 0, no norm 1, no layer near linear
            for parameter in model.parameters():
                parameter += 0.2 * torch.randn_like(parameter)
    return model


def model(name: str) -> PreTrainedModel:
    """A small model of that architecture with weights of its own, to be changed at will."""
    return copy.deepcopy(_trained(name))


@functools.cache
def quantized(
    name: str, setting: Setting
) -> tuple[PreTrainedModel, dict[str, StoredTensor], list[LayerStatistics]]:
    """A model that holds the decoded weights, its tensors, and what was measured of its layers;
    shared: read only."""
    of = model(name)
    return of, *quantize_model(of, setting, batches())


def batches(count: int = 3) -> list[torch.Tensor]:
    """Calibration windows; the last half of the vocabulary occurs only in the last batch."""
    random = torch.Generator().manual_seed(1)
    found = [torch.randint(0, VOCABULARY // 2, (2, 24), generator=random) for _ in range(count - 1)]
    return [*found, torch.randint(0, VOCABULARY - 3, (1, 24), generator=random)]
