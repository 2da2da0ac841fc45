"""A suite for the report: sizes, and the seeds of each."""

from dataclasses import dataclass
from functools import cached_property
from pathlib import Path

import pandas as pd

from dashboard.analysis.bound.terms import Choice
from dashboard.artifacts.errors import ArtifactError
from dashboard.artifacts.files import list_suites
from dashboard.artifacts.settings import UNQUANTIZED, Setting
from dashboard.artifacts.suite import Suite
from dashboard.style.glossary import parameter_count

#: Failure probability of every bound, unless another is named.
DELTA = 0.05


@dataclass(frozen=True)
class Size:
    """Models that differ only in their seed.

    Attributes:
        models: rows of ``Ladder.models``, the first seed first.
    """

    models: pd.DataFrame

    @property
    def first(self) -> pd.Series:
        """The model that the app shows, of the first seed."""
        return self.models.iloc[0]

    @property
    def params(self) -> int:
        """N."""
        return int(self.first["params_total"])

    @property
    def label(self) -> str:
        """N as text."""
        return parameter_count(self.params)

    @property
    def seeds(self) -> int:
        """The number of models of this size."""
        return len(self.models)


@dataclass(frozen=True, eq=False)
class Ladder:
    """A suite of models of several sizes with every training token scored.

    Attributes:
        suite: open.
        data_dir: folder of the suites.
    """

    suite: Suite
    data_dir: Path

    @cached_property
    def models(self) -> pd.DataFrame:
        """Rows of ``Suite.every_model`` with the losses of the unquantized model, smallest first.

        Seeds are in order. Columns added: train_loss_nats, heldout_loss_nats, heldout_loss_se_nats,
        train_tokens_evaluated, heldout_tokens_evaluated.
        """
        losses = ["model_id", "train_loss_nats", "heldout_loss_nats", "heldout_loss_se_nats"]
        counts = ["train_tokens_evaluated", "heldout_tokens_evaluated"]
        trained = self.suite.quantized(UNQUANTIZED)[losses + counts]
        frame = self.suite.every_model().merge(trained, on="model_id")
        repeated = frame["repeats"] != frame["model_id"]
        order = ["params_total", "repeats", "repeated", "seed", "model_id"]
        frame = frame.assign(repeated=repeated).sort_values(order, ignore_index=True)
        return frame.drop(columns="repeated")

    @property
    def first_models(self) -> pd.DataFrame:
        """Models of the first seed of each size, which laws are fitted to, as in the app."""
        return self.models[self.models["repeats"] == self.models["model_id"]]

    @cached_property
    def sizes(self) -> tuple[Size, ...]:
        """Sizes, the smallest first."""
        groups = self.models.groupby("repeats", sort=False)
        return tuple(Size(rows.reset_index(drop=True)) for _, rows in groups)

    @property
    def largest(self) -> Size:
        """The largest size."""
        return self.sizes[-1]

    def choice(self, setting: Setting, code: str, form: str, delta: float = DELTA) -> Choice:
        """A choice of the dashboard's controls."""
        return Choice(setting, code, delta, form)

    def gptq(self, bits: int) -> Setting | None:
        """GPTQ on whole rows at the number of bits nearest to ``bits`` that has bounds."""
        plain = [s for s in self.suite.settings() if s == Setting("gptq", s.bits)]
        return min(plain, key=lambda s: (abs(s.bits - bits), s.bits), default=None)


def open_ladder(data_dir: Path, name: str | None = None) -> Ladder:
    """The suite called ``name``, or the first of the folder.

    Raises:
        ArtifactError: there is none of that name, it cannot be read, or only windows of it were
            scored.
    """
    there = list_suites(data_dir)
    if not there:
        raise ArtifactError(f"There is no suite under {data_dir}; run `make compute` first.")
    name = name or there[0]
    if name not in there:
        raise ArtifactError(f"There is no suite “{name}” under {data_dir}: {', '.join(there)}.")
    suite = Suite(data_dir, name)
    if suite.is_sampled:
        raise ArtifactError(
            f"The suite “{name}” holds losses of sampled windows; the report is of ladders, whose "
            "every training token is scored."
        )
    return Ladder(suite, data_dir)
