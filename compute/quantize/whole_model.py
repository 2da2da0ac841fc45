"""A whole model through one quantizer, layer by layer, with statistics of each layer."""

from collections.abc import Callable, Iterator
from pathlib import Path

import torch
from torch import nn
from transformers import PreTrainedModel

from compute.base.setting import Setting
from compute.models.layout import Kind, Parameter, layout, modules_of
from compute.quantize import allocation
from compute.quantize.calibration import layer_inputs, lookup_counts
from compute.quantize.input_moment import InputMoment, Spectrum
from compute.quantize.layer_statistics import LayerStatistics, layer_statistics
from compute.quantize.quantizers import ACT_ORDER, WITHOUT_INPUTS, StoredTensor, quantize
from compute.quantize.quantizers.tensors import all_finite
from compute.quantize.trained_moments import TrainedMoments

#: Share of the work that goes into trials of steps, where there are any.
_TRIALS = 0.9


def quantize_model(
    model: PreTrainedModel,
    setting: Setting,
    batches: list[torch.Tensor],
    token_counts: torch.Tensor | None = None,
    report: Callable[[float], None] = lambda share: None,
    moments: Path | None = None,
) -> tuple[dict[str, StoredTensor], list[LayerStatistics]]:
    """Quantize every parameter; ``model`` then has the decoded weights.

    Rounding to nearest processes layers one by one, with inputs from the trained model for their
    statistics.  For quantizers that feed errors back, embeddings, norms and biases come first, then
    linear layers in the order in which they run, each with inputs from the model as quantized so
    far.  A matrix that is embedding and output layer at once comes before all, with the inputs of
    the output layer of the trained model.

    Args:
        model: in evaluation mode, float32.
        setting: of the quantization.
        batches: calibration windows, token ids of shape (B, T) each.
        token_counts: how often each token is an input in all of training, shape (V,); None to
            count them in the calibration windows.
        report: called with the share of layers that are done.
        moments: folder that stores the inputs of the trained model for all settings; None to
            store nothing, and to take every spectrum from the current inputs.

    Raises:
        ValueError: naming the parameter that cannot be quantized, or a buffer that no code covers.
    """
    check_buffers(model)
    for name, weights in model.named_parameters():
        if not all_finite(weights):
            raise ValueError(f"{name}: it holds values that are not finite")
    work = _Quantization(model, setting, batches, token_counts, report, moments)
    if setting.quantizer in ("none", "cast"):
        for parameter in work.parameters:
            work.replace(parameter, None)
    elif setting.quantizer in WITHOUT_INPUTS:
        work.round_to_nearest()
    else:
        if setting.quantizer == "watersic_priced":
            work.allocate()
        work.feed_errors_back()
    return work.tensors, work.statistics


class _Quantization:
    """One model during its quantization."""

    def __init__(
        self,
        model: PreTrainedModel,
        setting: Setting,
        batches: list[torch.Tensor],
        token_counts: torch.Tensor | None,
        report: Callable[[float], None],
        moments: Path | None,
    ) -> None:
        self.model, self.setting, self.batches = model, setting, batches
        self.token_counts, self.report = token_counts, report
        self.parameters = layout(model)
        self.tensors: dict[str, StoredTensor] = {}
        self.statistics: list[LayerStatistics] = []
        owners = modules_of(model, self.parameters)
        self.linear = {p.name: p for p in self.parameters if p.kind == Kind.LINEAR}
        by_module = {m: p for name, p in self.linear.items() for m in owners[name]}
        tied = {m for m in by_module if isinstance(m, nn.Embedding)}
        self.layers = {m: p for m, p in by_module.items() if m not in tied}
        self.tied = {by_module[m].name for m in tied}
        self.embeddings = {
            m: p for p in self.parameters if p.kind == Kind.EMBEDDING for m in owners[p.name]
        }
        self.trained = TrainedMoments(model, batches, self.layers, moments)
        #: By name of the parameter, where they are allocated.
        self.steps: dict[str, float] = {}

    def round_to_nearest(self) -> None:
        """Quantize layers separately; the trained model's inputs are measured before it changes."""
        for inputs in self.trained.inputs():
            for name in inputs.layers:
                self.replace(self.linear[name], inputs.moment, inputs.spectrum)
            self._report_layers()
        self._replace_others()
        self._replace_what_never_ran()

    def allocate(self) -> None:
        """Choose the step of every matrix by the price of a bit, which the setting names."""

        def moments() -> Iterator[tuple[Parameter, torch.Tensor]]:
            for module, seen in self._frequencies().items():
                yield self.embeddings[module], seen
            for inputs in self.trained.inputs():
                for name in inputs.layers:
                    yield self.linear[name], inputs.moment.hessian

        def measure() -> dict[str, list[allocation.Trial]]:
            count = len(self.embeddings) + len(self.linear)
            return allocation.measure_trials(
                self.model, moments(), self.batches, lambda done: whole(_TRIALS * done / count)
            )

        whole = self.report
        self.report = lambda share: whole(_TRIALS + (1 - _TRIALS) * share)
        trials = allocation.kept_trials(self.trained.folder, measure)
        params = sum(weights.numel() for weights in self.model.parameters())
        self.steps = allocation.cheapest_steps(trials, self.setting.step, params)

    def feed_errors_back(self) -> None:
        """Quantize every layer with its inputs in the model as quantized so far."""
        spectra = self.trained.spectra()
        first = {m: p for m, p in self.layers.items() if p.name in self.tied}
        for module, parameter in first.items():
            moment = self.trained.moment(parameter.name)
            if moment is None:
                for inputs in layer_inputs(self.model, self.batches, {module}):
                    moment = inputs.second_moment
                    if spectra:  # in the width in which it would have been stored
                        moment = moment.float().double()
            if moment is not None:
                self.replace(parameter, InputMoment(moment), spectra.get(parameter.name))
        self._replace_others()
        shared: InputMoment | None = None
        modules = self.layers.keys() - first.keys()
        for inputs in layer_inputs(self.model, self.batches, modules, self.report):
            if shared is None or shared.hessian is not inputs.second_moment:
                shared = InputMoment(inputs.second_moment)
            parameter = self.layers[inputs.module]
            self.replace(parameter, shared, spectra.get(parameter.name))
        self._replace_what_never_ran()

    def replace(
        self,
        parameter: Parameter,
        moment: torch.Tensor | InputMoment | None,
        spectrum: Spectrum | None = None,
    ) -> None:
        """Quantize a parameter, once, and replace it by the decoded weights.

        Args:
            moment: of a layer's inputs, or frequencies of an embedding's entries, shape (rows,).
            spectrum: of the layer's inputs in the trained model, if it is known.
        """
        if parameter.name in self.tensors:  # a matrix that two modules share
            return
        held = self.model.get_parameter(parameter.name)
        values = parameter.to_matrix(held.detach())
        hessian = moment.hessian if isinstance(moment, InputMoment) else moment
        setting = self.setting
        if parameter.name in self.steps:
            setting = Setting("watersic", step=self.steps[parameter.name])
        try:
            tensor = quantize(parameter, values, hessian, setting)
        except ValueError as error:
            raise ValueError(f"{parameter.name}: {error}") from None
        self.tensors[parameter.name] = tensor
        if moment is not None:
            act_order = self.setting.quantizer in ACT_ORDER
            found = layer_statistics(parameter, values, tensor, moment, act_order, spectrum)
            self.statistics.append(found)
        with torch.no_grad():
            held.copy_(parameter.from_matrix(tensor.dequantize()))

    def _replace_others(self) -> None:
        """Embeddings, norms and biases."""
        frequencies = self._frequencies()
        for module, parameter in self.embeddings.items():
            self.replace(parameter, frequencies.get(module))
        for parameter in self.parameters:
            if parameter.kind == Kind.OTHER:
                self.replace(parameter, None)

    def _frequencies(self) -> dict[nn.Module, torch.Tensor]:
        """Share of each entry in the lookups of each embedding that is used, shape (entries,)."""
        counts = lookup_counts(self.model, self.batches, set(self.embeddings))
        first = self.model.get_input_embeddings()
        if self.token_counts is not None and first in counts:
            counts[first] = self.token_counts
        return {module: seen.double() / seen.sum() for module, seen in counts.items()}

    def _replace_what_never_ran(self) -> None:
        """Quantize layers that no calibration window has reached."""
        for parameter in self.linear.values():
            self.replace(parameter, None)

    def _report_layers(self) -> None:
        self.report(len(self.tensors) / len(self.linear))


def check_buffers(model: nn.Module) -> None:
    """Refuse a buffer that is saved with a checkpoint: no code would pay for it.

    Raises:
        ValueError: naming it.
    """
    for name, module in model.named_modules():
        saved = set(module._buffers) - module._non_persistent_buffers_set
        if saved:
            raise ValueError(f"{name}.{min(saved)} is a buffer of the checkpoint, and is not coded")
