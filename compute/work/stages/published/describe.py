"""Describe one published checkpoint: the `models` table."""

import math
from dataclasses import dataclass

import pyarrow as pa
import torch
from transformers import PreTrainedModel

from compute.models import language_model
from compute.models.causality import check_causal
from compute.models.layout import Kind, layout
from compute.models.placement import arithmetic, dtype_name
from compute.quantize.whole_model import check_buffers
from compute.suites import hub
from compute.suites.published.hub_model import HubModel
from compute.suites.published.repeated_weights import repeated_weights
from compute.suites.text.tokenizers.window_begin import window_begin
from compute.work.stages.rows import model_row
from compute.work.stages.stage import Report, Stage
from compute.work.workspace import Workspace

#: Share of weights that no quantizer touches from which on it is remarked.
_WORTH_SAYING = 0.05


@dataclass(frozen=True, eq=False, kw_only=True)
class Describe(Stage):
    """Describe one checkpoint and its text."""

    stage = "describe"
    version = 2
    tables = ("models",)
    reads = ("checkpoint",)
    early = True

    model: HubModel

    @property
    def identity(self) -> dict:
        """The identity, with the description of the model."""
        counts = [self.model.params_embedding, self.model.params_nonembedding]
        said = {"counts": counts, "train_tokens": self.model.train_tokens}
        return {**super().identity, **said}

    def run(self, workspace: Workspace, report: Report) -> dict[str, pa.Table]:
        """Count its parameters by group, hash its weights, and measure the bytes of a token.

        Raises:
            ValueError: it has other parameters than the suite says, is no causal model, or keeps
                state that no code covers.
        """
        spec = self.model
        model = language_model.load(workspace.checkpoint(self), torch.device("cpu"))
        counted = language_model.parameter_counts(model)
        expected = (spec.params_embedding, spec.params_nonembedding)
        if counted != expected:
            raise ValueError(
                f"{spec.source.name} at {spec.source.revision} has {counted[0]:,} parameters in "
                f"embeddings and {counted[1]:,} others, not {expected[0]:,} and {expected[1]:,}"
            )
        check_buffers(model)
        check_causal(model, spec.vocab_size, spec.context_length)
        unknown = repeated_weights(spec).unknown
        remarks = [spec.remark, _file(spec), unknown, _beginning(spec), _unquantized(model)]
        row = model_row(
            self,
            model,
            bytes_per_token=workspace.windows.open().bytes_per_token(spec),
            corpus=spec.corpus,
            revision=f"{_place(spec.source)} ({hub.commit_of(spec.source)})",
            arithmetic=dtype_name(arithmetic(workspace.device)),
            stand_in=spec.stand_in,
            remark="; ".join(filter(None, remarks)) or None,
        )
        return {"models": row}


def _place(source: hub.Source) -> str:
    return str(source) if source.gguf else f"{source.name}@{source.revision}"


def _file(spec: HubModel) -> str | None:
    """That it comes quantized, where it does."""
    if spec.file is None:
        return None
    return (
        f"decoded from a GGUF file of {spec.file.bits_per_weight:.3g} bits per weight "
        f"({spec.file.name}): it is quantized already, and gaps are counted from what it decodes to"
    )


def _beginning(spec: HubModel) -> str | None:
    """What windows of a stand-in text begin with, where the tokenizer puts something first."""
    if spec.stand_in is None:
        return None
    return window_begin(spec.tokenizer, spec.vocab_size)[1]


def _unquantized(model: PreTrainedModel) -> str | None:
    """That quantizers leave a good part of it alone, such as stacks of experts, if they do."""
    sizes = [(p.kind, math.prod(p.shape)) for p in layout(model) if len(p.shape) > 1]
    left = sum(size for kind, size in sizes if kind == Kind.OTHER)
    share = left / sum(p.numel() for p in model.parameters())
    if share < _WORTH_SAYING:
        return None
    return f"quantizers leave {share:.0%} of its weights, tensors of no layer, in bfloat16"
