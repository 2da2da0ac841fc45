"""Which models have no bound at a setting, and why."""

import pandas as pd

from dashboard.analysis.bound.terms import Choice
from dashboard.artifacts.suite import Suite
from dashboard.style.escaping import escaped
from dashboard.ui.drawing import show


def without_bound(suite: Suite, choice: Choice, terms: pd.DataFrame) -> None:
    """Name the models that were not measured at the setting, or on too few tokens for a bound.

    Args:
        terms: from ``terms.bound_terms`` at the same choice.
    """
    scored = set(suite.quantized(choice.setting)["model_id"])
    missing = [name for name in suite.models()["model_id"] if name not in set(terms["model_id"])]
    reasons = {
        "their losses at this setting were measured only on part of the training tokens": [
            name for name in missing if name in scored
        ],
        "they were not measured at this setting": [name for name in missing if name not in scored],
    }
    for reason, names in reasons.items():
        if names:
            show.caption(
                f":material/hide_source: No bound at *{choice.setting.label}* for "
                f"**{escaped(', '.join(names))}**: {reason}."
            )
