"""The part of the page *Artifacts* about units of work, their software, and failures."""

import pandas as pd
import streamlit as st

from dashboard.analysis.measured import runs
from dashboard.artifacts.suite import Suite
from dashboard.style.numbers import duration
from dashboard.ui.drawing import show
from dashboard.views.artifacts.columns import column_config

_TIME = "YYYY-MM-DD HH:mm"

_NUMBER = st.column_config.NumberColumn


def draw(suite: Suite) -> None:
    """Units by stage, failures, versions, seeds, hardware, models.

    Raises:
        ArtifactError: a file is damaged.
    """
    stages, failed = runs.by_stage(suite), runs.failures(suite)
    origins = {key: runs.counted(suite, key) for key in ("code_revision", "device")}
    libraries, seeds = runs.libraries(suite), runs.seeds(suite)
    models = suite.query("FROM models ORDER BY params_total, model_id, train_fraction")
    if stages.empty:
        show.info("No unit of work was recorded in this suite.", icon=":material/inbox:")
    else:
        _headline(stages)
        show.markdown("**Units of work by stage**")
        look = {"column_config": _stage_columns()}
        show.dataframe(stages, "Units of work by stage", **look)
    _failures(failed)
    show.markdown("**Code, machines, libraries and seeds**")
    left, right = st.columns(2)
    with left:
        show.dataframe(origins["code_revision"].rename(columns={"value": "code"}), "Code")
        show.dataframe(origins["device"].rename(columns={"value": "device"}), "Machines")
    with right:
        show.dataframe(libraries, "Libraries")
        show.dataframe(seeds, "Seeds")
    show.caption(
        "Number of files with this value in their metadata: every file has its provenance."
    )
    show.markdown("**Models**")
    look = {"column_config": column_config("models")}
    show.dataframe(models, "Models", **look)


def _headline(stages: pd.DataFrame) -> None:
    first, last = stages["first"].min(), stages["last"].max()
    days = "" if first.date() == last.date() else f" to {last:%Y-%m-%d}"
    numbers = (
        ("Units done", f"{stages['units'].sum() - stages['failed'].sum():,}", ""),
        ("Failed", f"{stages['failed'].sum():,}", ""),
        ("Computing", duration(stages["seconds"].sum()), "Seconds of all units, added up."),
        ("When", f"{first:%Y-%m-%d}{days}", "When units ended, in UTC."),
    )
    widths = [2, 1, 2, 4]
    for column, (label, value, help_text) in zip(st.columns(widths), numbers, strict=True):
        show.metric(column, label, value, "", help=help_text or None)


def _failures(failed: pd.DataFrame) -> None:
    show.markdown("**Failures**")
    if failed.empty:
        show.markdown(":material/check_circle: No unit failed.")
        return
    show.dataframe(failed, "Failures")
    show.caption(
        "A failed unit does not stop other units; `make compute RETRY_FAILED=1` retries these. "
        "Every page lacks their measurements."
    )


def _stage_columns() -> dict:
    return {
        "seconds": _NUMBER("seconds", format="%.1f", help="Sum over all units."),
        "longest_seconds": _NUMBER("longest, s", format="%.1f"),
        "peak_memory_bytes": _NUMBER("peak memory", format="bytes"),
        "first": st.column_config.DatetimeColumn("first ended, UTC", format=_TIME),
        "last": st.column_config.DatetimeColumn("last ended, UTC", format=_TIME),
        "what": st.column_config.TextColumn("a unit is"),
    }
