"""What stages ask of a model, whether it is trained here or published."""

from typing import Protocol

from transformers import PreTrainedConfig, PreTrainedTokenizerBase

from compute.suites.text.windows.window_source import TrainedModel


class Model(TrainedModel, Protocol):
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
    def context_length(self) -> int:
        """Predictions of a window."""

    @property
    def vocab_size(self) -> int:
        """V."""

    @property
    def batch_windows(self) -> int | None:
        """Windows of one training step; None if unknown."""
