"""A suite as if its models had seen another number of tokens, or had another vocabulary."""

from collections.abc import Callable, Hashable
from dataclasses import dataclass
from typing import Any

import pandas as pd

from bounds import TokenLosses
from dashboard.artifacts.settings import Setting
from dashboard.artifacts.suite import Suite
from dashboard.artifacts.windows import SampledWindows, standing_for


@dataclass(frozen=True)
class RescaledSuite:
    """A suite for ``terms.bound_terms`` with D = ratio * N tokens and another V.

    Losses, entropies and code lengths keep their measured values: a histogram keeps its shape, and
    its cells represent more or fewer tokens.

    Attributes:
        suite: the measurements.
        tokens_per_parameter: D/N of every model; None to keep each model's own tokens.
        vocab_size: V of every model, at least that of the suite.
    """

    suite: Suite
    tokens_per_parameter: float | None
    vocab_size: int

    def models(self) -> pd.DataFrame:
        """``Suite.models`` with other ``train_tokens`` and ``vocab_size``."""
        models = self.suite.models()
        return models.assign(
            train_tokens=[
                self._tokens(n, d)
                for n, d in zip(models["params_total"], models["train_tokens"], strict=True)
            ],
            vocab_size=self.vocab_size,
        )

    def _tokens(self, params_total: int, own: int) -> int:
        ratio = self.tokens_per_parameter
        return int(own) if ratio is None else max(1, round(ratio * params_total))

    def train_losses(self, setting: Setting) -> dict[str, TokenLosses]:
        """``Suite.train_losses`` for the other number of tokens.

        Not cached: histograms take megabytes, and visitors may ask for any number of tokens.
        """
        losses = self.suite.train_losses(setting)
        own = self.suite.models().set_index("model_id")["train_tokens"]
        new = self.models().set_index("model_id")["train_tokens"]
        # Losses that do not cover the training set stay unchanged; the bound refuses them.
        return {
            name: standing_for(found, int(new[name]))
            if name in own and found.total_tokens == own[name]
            else found
            for name, found in losses.items()
        }

    @property
    def name(self) -> str:
        """The name of the suite."""
        return self.suite.name

    @property
    def has_students(self) -> bool:
        """``Suite.has_students``."""
        return self.suite.has_students

    @property
    def is_sampled(self) -> bool:
        """Whether the suite is sampled."""
        return self.suite.is_sampled

    def settings(self) -> list[Setting]:
        """``Suite.settings``."""
        return self.suite.settings()

    def windows(self, setting: Setting, model_id: str) -> SampledWindows | None:
        """``Suite.windows``: the sample of the measured tokens."""
        return self.suite.windows(setting, model_id)

    def quantized(self, setting: Setting) -> pd.DataFrame:
        """``Suite.quantized``."""
        return self.suite.quantized(setting)

    def information(self) -> pd.DataFrame:
        """``Suite.information``."""
        return self.suite.information()

    def remember(self, key: Hashable, compute: Callable[[], Any]) -> Any:
        """``Suite.remember`` with separate entries for every ratio and vocabulary."""
        return self.suite.remember((self.tokens_per_parameter, self.vocab_size, key), compute)
