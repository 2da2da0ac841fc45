"""A published model: its place, its training, its shape."""

import re
from dataclasses import dataclass, field
from pathlib import Path
from typing import ClassVar

from transformers import PreTrainedConfig, PreTrainedTokenizerBase

from compute.suites.hub import Declared, Source, tokenizer_of

#: In names of revisions that are checkpoints of a training.
_POINT_OF_TRAINING = re.compile(r"(step|iter|ckpt|checkpoint|tokens?)[-_]?\d|\d+[kmb]?[-_]?tokens")


@dataclass(frozen=True)
class HubModel:
    """One checkpoint of a model on the hub, or in a folder.

    Attributes:
        model_id: unique within the suite.
        source: of the checkpoint.
        train_tokens: D, predictions it was trained on up to here, each once, in whole windows.
        context_length: predictions of a window.
        vocab_size: V, ids that the tokenizer uses; logits beyond them are padding.
        params_embedding, params_nonembedding: parameters by group, each tensor once; what is
            loaded must have as many.
        config: of the architecture.
        corpus: what it was trained on.
        stand_in: text that is scored in its place; None if it is the same.
        remark: what to know when it is compared with others, or None.
        batch_windows: windows of one training step; None if unknown.
        final: the last checkpoint of the same training by its own name, beside ``main``; None where
            it has none.
        chain: (training step, source) of its earlier checkpoints, rising; empty if there are none.
        content: commit, or digest of a folder, where the revision alone does not fix the weights.
        window_begin: token that every window begins with, as context only; None where windows begin
            with the token that comes before them in the text.
        file: what its GGUF file says of itself; None for a checkpoint in Hugging Face layout.
    """

    model_id: str
    source: Source
    train_tokens: int
    context_length: int
    vocab_size: int
    params_embedding: int
    params_nonembedding: int
    config: PreTrainedConfig = field(repr=False, compare=False)
    corpus: str
    stand_in: str | None = None
    remark: str | None = None
    batch_windows: int | None = None
    final: Source | None = None
    chain: tuple[tuple[int, Source], ...] = ()
    content: str | None = None
    window_begin: int | None = None
    file: Declared | None = None

    trained_here: ClassVar[bool] = False

    def __post_init__(self) -> None:
        if self.train_windows < 1:
            raise ValueError(
                f"train_tokens={self.train_tokens} of {self.model_id} do not fill one window of "
                f"{self.context_length} tokens"
            )
        # What does not fill a window is dropped from the tiling, so it does not count (section 0).
        object.__setattr__(self, "train_tokens", self.train_windows * self.context_length)

    @property
    def tokenizer(self) -> PreTrainedTokenizerBase:
        """That of its repository or folder.

        Raises:
            InputError: it cannot be had.
        """
        return tokenizer_of(self.source)

    @property
    def params_total(self) -> int:
        """N."""
        return self.params_embedding + self.params_nonembedding

    @property
    def train_windows(self) -> int:
        """Windows of the one epoch."""
        return self.train_tokens // self.context_length

    @property
    def tokens_per_parameter(self) -> float:
        """D/N."""
        return self.train_tokens / self.params_total

    @property
    def is_folder(self) -> bool:
        """Whether it lies in a folder, of which no other revision is known."""
        return Path(self.source.name).expanduser().is_dir()

    @property
    def finals(self) -> list[Source]:
        """Names of the end of its training."""
        main = Source(self.source.name)
        return [main] if self.final is None else [main, self.final]

    @property
    def is_final(self) -> bool:
        """Whether it is the end of its training itself."""
        return self.source in self.finals

    @property
    def is_on_the_way(self) -> bool:
        """Whether its revision names a point before the end of its training."""
        named = _POINT_OF_TRAINING.search(self.source.revision.lower())
        return not self.is_final and (self.final is not None or named is not None)

    @property
    def identity(self) -> dict:
        """Everything that determines the result except the windows that are drawn.

        Windows of its own training text are among its first D tokens, so D is part of it: losses
        never belong to the certificate of another D.  A stand-in text has the
        same windows for every D, and certifies nothing.
        """
        exact = {} if self.stand_in else {"train_tokens": self.train_tokens}
        return {
            "source": [self.source.name, self.content or self.source.revision],
            **exact,
            "context_length": self.context_length,
            "vocab_size": self.vocab_size,
            **({} if self.window_begin is None else {"window_begin": self.window_begin}),
        }
