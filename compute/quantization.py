"""A whole model through one quantizer, layer by layer, and what that did to each layer."""

from collections.abc import Callable

import torch
from torch import nn
from transformers import PreTrainedModel

from compute.calibration import layer_inputs, lookup_counts
from compute.layer_statistics import LayerStatistics, layer_statistics
from compute.layout import Kind, Parameter, layout, modules_of
from compute.quantizers import ACT_ORDER, StoredTensor, quantize
from compute.setting import Setting


def quantize_model(
    model: PreTrainedModel,
    setting: Setting,
    batches: list[torch.Tensor],
    token_counts: torch.Tensor | None = None,
    report: Callable[[float], None] = lambda share: None,
) -> tuple[dict[str, StoredTensor], list[LayerStatistics]]:
    """Quantize every parameter; ``model`` then holds the decoded weights.

    Embeddings, norms and biases come first, then linear layers in the order in which they run,
    each with inputs from the model as quantized so far.  A matrix that is embedding and output
    layer at once comes before all, with the inputs of the output layer of the trained model.

    Args:
        model: in evaluation mode, float32.
        setting: how.
        batches: calibration windows, token ids of shape (B, T) each.
        token_counts: how often each token is an input in all of training, shape (V,); None to
            count them in the calibration windows.
        report: called with the share of layers that are done.

    Raises:
        ValueError: naming the parameter that cannot be quantized, or a buffer that no code covers.
    """
    check_buffers(model)
    parameters = layout(model)
    owners = modules_of(model, parameters)
    act_order = setting.quantizer in ACT_ORDER
    tensors: dict[str, StoredTensor] = {}
    statistics: list[LayerStatistics] = []

    def replace(parameter: Parameter, moment: torch.Tensor | None) -> None:
        if parameter.name in tensors:  # a matrix that two modules share
            return
        held = model.get_parameter(parameter.name)
        values = parameter.to_matrix(held.detach())
        try:
            tensor = quantize(parameter, values, moment, setting)
        except ValueError as error:
            raise ValueError(f"{parameter.name}: {error}") from None
        tensors[parameter.name] = tensor
        if moment is not None:
            statistics.append(layer_statistics(parameter, values, tensor, moment, act_order))
        with torch.no_grad():
            held.copy_(parameter.from_matrix(tensor.dequantize()))

    if setting.quantizer in ("none", "cast"):
        for parameter in parameters:
            replace(parameter, None)
        return tensors, statistics

    linear = {p.name: p for p in parameters if p.kind == Kind.LINEAR}
    by_module = {module: linear[name] for name in linear for module in owners[name]}
    tied = {m for m, p in by_module.items() if isinstance(m, nn.Embedding)}
    shared = {m for m, p in by_module.items() if any(by_module[t] is p for t in tied)}
    for inputs in layer_inputs(model, batches, shared - tied):
        replace(by_module[inputs.module], inputs.second_moment)
    embeddings = {
        module: p for p in parameters if p.kind == Kind.EMBEDDING for module in owners[p.name]
    }
    counts = lookup_counts(model, batches, set(embeddings))
    if token_counts is not None and model.get_input_embeddings() in counts:
        counts[model.get_input_embeddings()] = token_counts
    for module, parameter in embeddings.items():
        seen = counts.get(module)
        replace(parameter, None if seen is None else seen.double() / seen.sum())
    for parameter in parameters:
        if parameter.kind == Kind.OTHER:
            replace(parameter, None)
    for inputs in layer_inputs(model, batches, set(by_module) - shared, report):
        replace(by_module[inputs.module], inputs.second_moment)
    for name, parameter in linear.items():
        if name not in tensors:  # never run on the calibration windows
            replace(parameter, None)
    return tensors, statistics


def check_buffers(model: nn.Module) -> None:
    """Refuse a buffer that is saved with a checkpoint: it would come to the decoder unpaid.

    Raises:
        ValueError: naming it.
    """
    for name, module in model.named_modules():
        saved = set(module._buffers) - module._non_persistent_buffers_set
        if saved:
            raise ValueError(f"{name}.{min(saved)} is a buffer of the checkpoint, and is not coded")
