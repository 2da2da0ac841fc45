"""An example of a file of token losses: real ones, of the smallest model of the open suite."""

import io
from dataclasses import dataclass

import numpy as np
import pandas as pd

from dashboard.analysis.bound.terms import training_losses
from dashboard.artifacts.settings import Setting
from dashboard.artifacts.suite import Suite
from dashboard.views.your_losses.bounds import ESTIMATE, REAL

#: Draws of an example from a sampled suite, half of each kind.
_DRAWS = 2000


@dataclass(frozen=True)
class Example:
    """An example file, and the values that belong to it.

    Attributes:
        model_id, setting: whose losses they are.
        values: of the page's fields, by their names in links.
    """

    model_id: str
    setting: Setting
    values: dict[str, str]

    @property
    def name(self) -> str:
        """The name of the file."""
        return f"losses-{self.model_id}-{self.setting.slug}.parquet"


def example_of(suite: Suite) -> Example:
    """The smallest model at GPTQ's 4 bits, or at the middle setting.

    Raises:
        ArtifactError: the suite has no setting at which bounds can be computed.
    """
    settings = suite.settings()
    usual = Setting("gptq", 4)
    setting = usual if usual in settings else settings[len(settings) // 2]
    sizes = suite.quantized(setting).set_index("model_id")
    scored = suite.train_losses(setting)
    model = next(m for m in suite.models().itertuples() if m.model_id in scored)
    values = {
        "own_n": f"{model.params_total}",
        "own_d": f"{model.train_tokens}",
        "own_v": f"{model.vocab_size}",
        "own_bits": _exact(sizes.loc[model.model_id, "entropy_coded_bits"]),
        "own_start": _exact(training_losses(suite)[model.model_id]),
        "own_bytes": _exact(model.bytes_per_token),
        "own_code": ESTIMATE if isinstance(model.stand_in, str) else REAL,
    }
    return Example(str(model.model_id), setting, values)


def _exact(value: float) -> str:
    """A number with all its digits."""
    return repr(float(value)).removesuffix(".0")


def content_of(suite: Suite, example: Example) -> bytes:
    """The file as Parquet: cells of the histogram, or sampled windows."""
    if suite.is_sampled:
        windows = suite.windows(example.setting, example.model_id)
        loss, entropy = (
            np.concatenate(
                [getattr(w, key)[: _DRAWS // 2] for w in (windows.selection, windows.evaluation)]
            )
            for key in ("loss_nats", "entropy_nats")
        )
        frame = pd.DataFrame(
            {
                "window": np.repeat(np.arange(len(loss)), loss.shape[1]),
                "loss_nats": loss.ravel(),
                "entropy_nats": entropy.ravel(),
            }
        )
    else:
        cells = suite.train_losses(example.setting)[example.model_id]
        frame = pd.DataFrame(
            {
                "loss_nats": cells.loss_nats,
                "entropy_nats": cells.entropy_nats,
                "tokens": cells.tokens.astype(np.int64),
            }
        )
    file = io.BytesIO()
    frame.to_parquet(file, index=False)
    return file.getvalue()
