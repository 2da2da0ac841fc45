"""The losses of the page *Your losses*: an upload, or the example.

A session keeps them for its visitor until the file is removed, the page is
left or the visit ends.  They are in no cache that sessions share, and never on a disk.
"""

import hashlib
from dataclasses import dataclass

import streamlit as st
from starlette.formparsers import MultiPartParser

from bounds.own_losses import LossColumns
from dashboard.artifacts.suite import Suite
from dashboard.export import record
from dashboard.ui.controls.registry import EXAMPLE
from dashboard.views.your_losses.controls import forget_example
from dashboard.views.your_losses.example import Example, content_of
from dashboard.views.your_losses.file import MOST_MEGABYTES, MOST_ROWS, read_columns

#: Key of the session for the file that it has read.
_KEPT = "upload"

# A web server puts uploads above 1 MB into a temporary file while they arrive; not here.
MultiPartParser.spool_max_size = (MOST_MEGABYTES + 1) * 2**20


@dataclass(frozen=True, eq=False)
class Source:
    """Losses, with the name and SHA-256 of their file."""

    name: str
    sha256: str
    columns: LossColumns


def example_control() -> bool:
    """Whether the example replaces a file."""
    on = EXAMPLE.ask()
    if not on:
        forget_example()
    return on


def chosen_source(suite: Suite, example: Example | None) -> Source | None:
    """The uploaded file, or the example, or None without a file.

    Raises:
        UploadError: the file cannot be used.
    """
    uploaded = st.file_uploader(
        "Token losses, as Parquet, CSV or JSON",
        max_upload_size=MOST_MEGABYTES,
        disabled=example is not None,
        key="own_file",
        help=f"At most {MOST_MEGABYTES} MB and {MOST_ROWS:,} rows.",
    )
    if example is not None:
        key, name = (suite.name, suite.version.digest, example.model_id), example.name
    elif uploaded is not None:
        key, name = (uploaded.file_id,), uploaded.name
    else:
        forget()
        return None
    kept = st.session_state.get(_KEPT)
    if kept is None or kept[0] != key:
        forget()
        content = content_of(suite, example) if example else uploaded.getvalue()
        digest = hashlib.sha256(content).hexdigest()
        kept = (key, Source(name, digest, read_columns(name, content)))
        st.session_state[_KEPT] = kept
    _note(kept[1], example)
    return kept[1]


def _note(found: Source, example: Example | None) -> None:
    """Facts for the exported view; it has no suite unless the example is shown."""
    shown = record.current()
    shown.upload = {
        "Name": found.name,
        "SHA-256": found.sha256,
        "Rows": f"{len(found.columns.loss_nats):,}",
    }
    if example is None:
        shown.suites.clear()


def forget() -> None:
    """Release what was read."""
    st.session_state.pop(_KEPT, None)
