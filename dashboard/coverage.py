"""Which models have no bound at a setting, and why."""

import pandas as pd

from dashboard import show
from dashboard.artifacts import Suite
from dashboard.terms import Choice


def without_bound(suite: Suite, choice: Choice, terms: pd.DataFrame) -> None:
    """Name the models that were measured at the setting but on too few tokens for a bound.

    Args:
        terms: from ``terms.bound_terms`` at the same choice.
    """
    measured = suite.models()[["model_id"]].merge(suite.quantized(choice.setting))["model_id"]
    missing = [name for name in measured if name not in set(terms["model_id"])]
    if missing:
        show.caption(
            f":material/hide_source: No bound at *{choice.setting.label}* for "
            f"**{', '.join(missing)}**: their losses at this setting were measured on part of the "
            "training tokens only."
        )
