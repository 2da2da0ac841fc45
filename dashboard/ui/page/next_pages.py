"""Links from a page to all others, with the question that each answers."""

import streamlit as st

from dashboard.ui.page.navigation import PAGES, link_to

#: Links in a row.
_IN_A_ROW = 4


def next_pages(current: str) -> None:
    """Links to all pages but one; they keep the visitor's choices."""
    others = [page for page in PAGES if page.name != current]
    for start in range(0, len(others), _IN_A_ROW):
        row = others[start : start + _IN_A_ROW]
        for column, page in zip(st.columns(_IN_A_ROW), row, strict=False):
            with column.container(gap=None):
                link_to(page.name)
                st.caption(page.question)
