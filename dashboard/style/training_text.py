"""What a suite's models were trained on, in words, and what was scored in its place."""

import pandas as pd

from dashboard.style.plural import listed

#: What the artifacts call the training text of a model that came without one.
_UNKNOWN = "its own training text"


def trained_on(models: pd.DataFrame) -> str:
    """The training texts of rows of `models` by name."""
    texts = set(models["corpus"])
    known = sorted(texts - {_UNKNOWN})
    return listed([*known, "a text that is not known here"] if _UNKNOWN in texts else known)


def stand_ins(models: pd.DataFrame) -> str:
    """The texts that were scored in place of those, empty where they are the same."""
    texts = sorted(set(models["stand_in"].dropna()))
    return listed(texts) if texts else ""
