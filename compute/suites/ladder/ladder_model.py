"""One model of the ladder: its shape, and how it is trained."""

from dataclasses import asdict, dataclass
from typing import ClassVar

from transformers import GPTNeoXConfig, PreTrainedTokenizerFast

from compute.suites.text.tokenizers.byte_tokenizer import byte_tokenizer
from compute.suites.text.windows.tiling import DOCUMENT_END

#: One token per byte.
VOCAB_SIZE = 256

#: In which arithmetic a model can be trained.
ARITHMETICS = ("float32", "bfloat16")


@dataclass(frozen=True)
class LadderModel:
    """One GPT-NeoX model of the ladder and how it is trained.

    Attributes:
        hidden_size, layers, heads: shape; the MLP is four times as wide, embeddings are untied.
        learning_rate: peak of the schedule.
        batch_windows: windows per optimizer step.
        seed: of the initial weights.
        context_length: tokens of a window.
        tokens_per_parameter: D/N.
        train_arithmetic: of the products of matrices while it is trained; weights and optimizer
            are float32 whatever it is.
    """

    hidden_size: int
    layers: int
    heads: int
    learning_rate: float
    batch_windows: int
    seed: int
    context_length: int
    tokens_per_parameter: int
    train_arithmetic: str = "float32"

    trained_here: ClassVar[bool] = True

    def __post_init__(self) -> None:
        if self.hidden_size % self.heads:
            raise ValueError(f"heads={self.heads} does not divide hidden_size={self.hidden_size}")
        if self.train_arithmetic not in ARITHMETICS:
            raise ValueError(
                f"train_arithmetic={self.train_arithmetic!r} is not one of {', '.join(ARITHMETICS)}"
            )

    @property
    def config(self) -> GPTNeoXConfig:
        """The architecture."""
        return GPTNeoXConfig(
            vocab_size=VOCAB_SIZE,
            hidden_size=self.hidden_size,
            num_hidden_layers=self.layers,
            num_attention_heads=self.heads,
            intermediate_size=4 * self.hidden_size,
            max_position_embeddings=self.context_length,
            use_cache=False,
            bos_token_id=DOCUMENT_END,
            eos_token_id=DOCUMENT_END,
        )

    @property
    def tokenizer(self) -> PreTrainedTokenizerFast:
        """One token a byte."""
        return byte_tokenizer()

    @property
    def vocab_size(self) -> int:
        """V."""
        return VOCAB_SIZE

    @property
    def params_embedding(self) -> int:
        """Input and output embeddings."""
        return 2 * VOCAB_SIZE * self.hidden_size

    @property
    def params_nonembedding(self) -> int:
        """Blocks (weights, biases, two layer norms each) and the final layer norm."""
        d = self.hidden_size
        return self.layers * (12 * d * d + 13 * d) + 2 * d

    @property
    def params_total(self) -> int:
        """N."""
        return self.params_embedding + self.params_nonembedding

    @property
    def train_windows(self) -> int:
        """Windows of the one epoch; the remainder of D/N * N tokens is dropped."""
        return self.tokens_per_parameter * self.params_total // self.context_length

    @property
    def train_tokens(self) -> int:
        """D."""
        return self.train_windows * self.context_length

    @property
    def steps(self) -> int:
        """Optimizer steps; the last batch may be smaller."""
        return -(-self.train_windows // self.batch_windows)

    @property
    def model_id(self) -> str:
        """For example ``ladder-29k`` or ``ladder-1.1M``."""
        thousands = round(self.params_total / 1000)
        size = f"{thousands}k" if thousands < 1000 else f"{self.params_total / 1e6:.1f}M"
        name = f"ladder-{size}"
        return name if self.seed == 0 else f"{name}-seed{self.seed}"

    @property
    def identity(self) -> dict:
        """Everything that determines the trained weights but for the corpus."""
        return asdict(self)
