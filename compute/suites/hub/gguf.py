"""Models as GGUF files, read by transformers: what llama.cpp and its relatives run.

The weights are quantized already.  They are decoded into float32, exactly, and what is measured is
that model: the file is a code of it.
"""

import functools
import re
from collections import Counter
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import torch
from transformers import (
    AutoConfig,
    AutoModelForCausalLM,
    AutoTokenizer,
    GgufConfig,
    PreTrainedConfig,
    PreTrainedModel,
    PreTrainedTokenizerBase,
)

from compute.base.errors import InputError


@dataclass(frozen=True)
class Declared:
    """Metadata of a GGUF file.

    Attributes:
        file_bits: its size.
        tensor_bits: of the tensors alone, without names, shapes and the tokenizer.
        weights: entries of all tensors.
        types: (name of a type such as ``Q4_1``, weights stored in it), most weights first.
    """

    file_bits: int
    tensor_bits: int
    weights: int
    types: tuple[tuple[str, int], ...]

    @property
    def bits_per_weight(self) -> float:
        """Mean bits per weight of the tensors."""
        return self.tensor_bits / self.weights

    @property
    def bits(self) -> int:
        """Bits in the name of the most common type: 4 of ``Q4_1``."""
        return int(re.search(r"\d+", self.types[0][0])[0])

    @property
    def name(self) -> str:
        """``Q4_1 79 %, Q8_0 21 %``: shares of the weights, from half a percent on."""
        shares = [(name, count / self.weights) for name, count in self.types]
        return ", ".join(f"{name} {share:.0%}" for name, share in shares if share >= 0.005)


def declared(file: Path) -> Declared:
    """Sizes and types of the tensors, none of which is read.

    Raises:
        InputError: it is not a GGUF file, or not a whole one.
    """
    state = file.stat()
    return _declared(file, state.st_size, state.st_mtime_ns)


@functools.lru_cache(maxsize=8)
def _declared(file: Path, size: int, _time: int) -> Declared:
    """Read once, as a file with many tokens takes seconds."""
    import gguf

    tensors = _explained(file, lambda: gguf.GGUFReader(file).tensors)
    if not tensors:
        raise InputError(f"{file} holds no tensors: it is not a model.")
    counts: Counter[str] = Counter()
    for tensor in tensors:
        counts[tensor.tensor_type.name] += int(tensor.n_elements)
    if max(tensor.data_offset + tensor.n_bytes for tensor in tensors) > size:
        raise InputError(f"{file} is damaged: it ends before its tensors do; fetch it again.")
    return Declared(
        file_bits=8 * size,
        tensor_bits=8 * sum(int(tensor.n_bytes) for tensor in tensors),
        weights=counts.total(),
        types=tuple(counts.most_common()),
    )


def config_of(file: Path) -> PreTrainedConfig:
    """The architecture, from the file's own metadata.

    Raises:
        InputError: it is damaged, or of an architecture that transformers does not read.
    """
    declared(file)
    read = lambda: AutoConfig.from_pretrained(  # noqa: E731 - one expression
        file.parent, gguf_file=file.name, local_files_only=True
    )
    return _explained(file, read)


def tokenizer_of(file: Path) -> PreTrainedTokenizerBase:
    """The tokenizer that the file holds.

    Raises:
        InputError: it holds none that transformers reads.
    """
    read = lambda: AutoTokenizer.from_pretrained(  # noqa: E731 - one expression
        file.parent, gguf_file=file.name, local_files_only=True
    )
    return _explained(file, read)


def decoded_model(file: Path) -> PreTrainedModel:
    """The model with every weight decoded into float32.

    Raises:
        InputError: it cannot be read, or lacks weights, which would be drawn at random.
    """
    read = lambda: AutoModelForCausalLM.from_pretrained(  # noqa: E731 - one expression
        file.parent,
        gguf_file=file.name,
        dtype=torch.float32,
        local_files_only=True,
        quantization_config=GgufConfig(dequantize=True),
        output_loading_info=True,
    )
    model, found = _explained(file, read)
    if found["missing_keys"]:
        raise InputError(f"{file} lacks {min(found['missing_keys'])}: it is not a whole model.")
    return model.eval()


def _explained(file: Path, read: Callable[[], Any]) -> Any:
    """What ``read`` returns.

    Raises:
        InputError: it fails; a damaged file may fail in any way.
    """
    try:
        return read()
    except InputError:
        raise
    except Exception as error:
        reason = " ".join(str(error).split())[:200] or type(error).__name__
        raise InputError(f"transformers does not read the GGUF file {file}: {reason}") from error
