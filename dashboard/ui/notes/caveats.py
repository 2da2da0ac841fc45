"""Caveats under a chart: bounds that are not certificates with the reasons, and remarks."""

from collections.abc import Sequence

import pandas as pd

from dashboard.artifacts.suite import Suite
from dashboard.style.badges import NOT_CERTIFIED
from dashboard.style.escaping import escaped
from dashboard.ui.drawing import show


def not_certified(terms: pd.DataFrame, what: str = "Hollow points") -> None:
    """A caveat about bounds that are not certificates, with the reasons.

    Args:
        terms: columns model_id, certified, not_certified_because.
        what: how they are drawn.
    """
    if terms.empty:
        return
    hollow = terms[~terms["certified"].astype(bool)]
    for reason, rows in hollow.groupby("not_certified_because", sort=False):
        of = "" if len(rows) == len(terms) else f" ({escaped(', '.join(rows['model_id']))})"
        show.caption(f"{NOT_CERTIFIED} {what}{of}: {escaped(reason)}. They guarantee nothing.")


def remarks(suites: Sequence[Suite]) -> None:
    """Remarks on single models, also on models without a bound or a measurement.

    Raises:
        ArtifactError: a file is damaged.
    """
    rows = pd.concat([suite.remarks() for suite in suites]).drop_duplicates()
    notes = [
        f"**{escaped(', '.join(of['model_id']))}**: {escaped(remark)}"
        for remark, of in rows.groupby("remark", sort=False)
    ]
    if notes:
        show.caption(f":material/sticky_note_2: {'; '.join(notes)}.")
