"""Where a reader may go from a page: every other one with the question that it answers."""

import streamlit as st

from dashboard.ui.page.navigation import PAGES, link_to

#: Links side by side.
_IN_A_ROW = 4


def next_pages(current: str) -> None:
    """Links to all pages but one; the reader's choices go along."""
    others = [page for page in PAGES if page.name != current]
    for start in range(0, len(others), _IN_A_ROW):
        row = others[start : start + _IN_A_ROW]
        for column, page in zip(st.columns(_IN_A_ROW), row, strict=False):
            with column.container(gap=None):
                link_to(page.name)
                st.caption(page.question)
