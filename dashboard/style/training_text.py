"""The training text of a suite's models as text, and the text that was scored instead."""

import pandas as pd

from dashboard.style.plural import listed

#: The artifacts' name of the training text of a model that came without one.
_UNKNOWN = "its own training text"


def trained_on(models: pd.DataFrame) -> str:
    """The training texts of rows of `models` by name."""
    texts = set(models["corpus"])
    known = sorted(texts - {_UNKNOWN})
    return listed([*known, "an unknown text"] if _UNKNOWN in texts else known)


def stand_ins(models: pd.DataFrame) -> str:
    """The texts that were scored instead of the training texts, empty if they are the same."""
    texts = sorted(set(models["stand_in"].dropna()))
    return listed(texts) if texts else ""
