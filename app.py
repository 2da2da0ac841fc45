"""Boundscape: navigation, page frame and the shared sidebar."""

import streamlit as st

from dashboard.export.record import begin
from dashboard.ui.controls.links import enter, keep_choices
from dashboard.ui.page import share
from dashboard.ui.page.error_boundary import as_one_sentence
from dashboard.ui.page.frame import open_suite_from_sidebar
from dashboard.ui.page.navigation import navigation

st.set_page_config(page_title="Boundscape", page_icon="📐", layout="wide")
# Streamlit leaves a wide margin around the content, and a laptop screen has no space to spare.
st.html(
    "<style>.stMainBlockContainer {padding: 2.5rem 3rem 4rem;} .st-key-head {padding-top: 1.2rem;}"
    "</style>"
)
with as_one_sentence():
    page = navigation()
    enter(page.title)
    begin(page.title)
    if open_suite_from_sidebar():
        try:
            page.run()
        finally:  # a page may stop early
            keep_choices()
            share.show()
