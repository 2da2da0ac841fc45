"""A model that somebody else has trained: where it is, what it was trained on, how it is shaped."""

from dataclasses import dataclass, field

from transformers import PreTrainedConfig

from compute.hub import Source


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
        chain: (training step, source) of its earlier checkpoints, rising; empty if there are none.
        content: commit, or digest of a folder, where the revision alone does not fix the weights.
        window_begin: token that every window begins with, as context only; None where windows begin
            with the token that comes before them in the text.
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
    chain: tuple[tuple[int, Source], ...] = ()
    content: str | None = None
    window_begin: int | None = None

    def __post_init__(self) -> None:
        if self.train_windows < 1:
            raise ValueError(
                f"train_tokens={self.train_tokens} of {self.model_id} do not fill one window of "
                f"{self.context_length} tokens"
            )
        # What does not fill a window is dropped from the tiling, so it does not count (section 0).
        object.__setattr__(self, "train_tokens", self.train_windows * self.context_length)

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
    def identity(self) -> dict:
        """Everything that determines what is measured but for the windows that are drawn."""
        return {
            "source": [self.source.name, self.content or self.source.revision],
            "train_tokens": self.train_tokens,
            "context_length": self.context_length,
            "vocab_size": self.vocab_size,
            **({} if self.window_begin is None else {"window_begin": self.window_begin}),
        }
