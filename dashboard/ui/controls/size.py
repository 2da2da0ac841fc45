"""Controls for the model size of a page, and for how far its laws are drawn."""

import math
from dataclasses import replace

import pandas as pd

from dashboard.analysis.laws.fits import too_few
from dashboard.analysis.laws.sizes import ANOTHER, ChosenSize, chosen_size, default_size
from dashboard.artifacts.errors import ArtifactError
from dashboard.style.numbers import count_label
from dashboard.ui.controls.registry import MODEL, REACH, N


def size_control(models: pd.DataFrame) -> ChosenSize:
    """The size that the numbers of the page are for: a measured model, or any other by the laws.

    Args:
        models: columns model_id and params_total, by size.

    Raises:
        ArtifactError: there is none.
    """
    if models.empty:
        raise ArtifactError("No model of this suite was measured at this choice; choose another.")
    names = list(models["model_id"])
    options = names if too_few(models) else [*names, ANOTHER]
    name = MODEL.ask(options, default=names[-1])
    if name == ANOTHER:
        return chosen_size(models, N.ask(default_size(models)))
    params = models.set_index("model_id")["params_total"][name]
    return replace(chosen_size(models, float(params)), model_id=name)


def reach_control(largest: float) -> float:
    """How far laws are drawn beyond the ``largest`` measured size."""
    default = count_label(10.0 ** math.ceil(math.log10(30.0 * largest)))
    return REACH.ask(default, low=largest)
