"""The part of the page *Artifacts* about files: the manifest, and every file."""

from functools import partial

import streamlit as st

import schema
from dashboard.artifacts.suite import Suite
from dashboard.style.escaping import escaped
from dashboard.ui.drawing import show
from dashboard.views.artifacts import file_list
from dashboard.views.artifacts.controls import FileChoice
from dashboard.views.artifacts.file_list import MOST_HANDED_OUT

_SHOWN = ("file", "model_id", "setting", "rows", "bytes", "state", "sha256", "code_revision")


def draw(suite: Suite, choice: FileChoice) -> None:
    """Version, files with size and SHA-256, the download of one.

    Raises:
        ArtifactError: a file is damaged.
    """
    _manifest(suite)
    if choice.found.empty:
        show.info("There is no such file.", icon=":material/inbox:")
        return
    rows = choice.found[[key for key in _SHOWN if key in choice.found]]
    config = {"bytes": st.column_config.NumberColumn(format="localized")}
    show.dataframe(rows, "Files", column_config=config)
    if choice.file is not None:
        size = choice.found.set_index("file").loc[choice.file, "bytes"]
        _download(suite, choice.file, int(size))


def _manifest(suite: Suite) -> None:
    """The version, and whether the files agree with the manifest."""
    everything = file_list.states(suite)
    size = everything["bytes"].sum()
    show.markdown(f"**{escaped(suite.name)}**: {len(everything):,} files, {size / 1e6:,.1f} MB")
    of = suite.version.note or f"It is the SHA-256 of `{schema.MANIFEST}`."
    show.markdown(f"Artifact version: `{suite.version.digest}`. {of}")
    if file_list.manifest(suite) is None:
        show.warning(
            "This suite has no manifest that can be read, so its files cannot be checked. `make "
            "compute` writes one when it ends.",
            icon=":material/rule:",
        )
        return
    counts = everything["state"].value_counts()
    odd = [f"{count:,} {state}" for state, count in counts.items() if state != "as listed"]
    if odd:
        show.warning(
            f"Not all files are as the manifest lists them: {', '.join(odd)}. Either a run is in "
            "progress, or they were changed after it.",
            icon=":material/rule:",
        )
    else:
        show.caption(":material/check_circle: All files agree with the manifest (SHA-256).")


def _download(suite: Suite, name: str, size: int) -> None:
    if size > MOST_HANDED_OUT:
        st.caption(
            f":material/block: `{name}` is larger than {MOST_HANDED_OUT / 2**20:.0f} MiB, the "
            "limit for downloads; its rows can be downloaded under *Tables*."
        )
        return
    st.download_button(
        f"Download {name}",
        partial(file_list.content, suite, name),
        file_name=name.rpartition("/")[2],
        mime="application/vnd.apache.parquet",
        on_click="ignore",
        icon=":material/download:",
    )
