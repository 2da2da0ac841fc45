"""What stages ask of a model, whether it is trained here or published."""

from typing import Protocol

from transformers import PreTrainedConfig, PreTrainedTokenizerBase


class Model(Protocol):
    """A model of a suite, as its data file describes it."""

    #: Whether its checkpoint is made here; otherwise it is fetched.
    trained_here: bool

    @property
    def model_id(self) -> str:
        """Unique within the suite."""

    @property
    def config(self) -> PreTrainedConfig:
        """Of the architecture."""

    @property
    def tokenizer(self) -> PreTrainedTokenizerBase:
        """What turns text into its tokens; an InputError where it cannot be had."""

    @property
    def params_total(self) -> int:
        """N."""

    @property
    def train_tokens(self) -> int:
        """D, predictions that it is trained on, each once."""

    @property
    def train_windows(self) -> int:
        """Windows of the one epoch."""

    @property
    def context_length(self) -> int:
        """Predictions of a window."""

    @property
    def vocab_size(self) -> int:
        """V."""

    @property
    def identity(self) -> dict:
        """Everything that determines its weights and windows but for the text, as JSON."""
