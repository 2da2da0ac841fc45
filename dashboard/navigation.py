"""The pages of the app, in the order of the sidebar."""

import streamlit as st
from streamlit.navigation.page import StreamlitPage


def navigation() -> StreamlitPage:
    """Declare all pages; the one that the address asks for."""
    return st.navigation(
        [
            st.Page(
                "pages/bound_explorer.py",
                title="Bound explorer",
                icon=":material/stacked_bar_chart:",
                default=True,
            ),
            st.Page(
                "pages/loss_variation.py", title="Loss variation", icon=":material/show_chart:"
            ),
            st.Page("pages/quantization.py", title="Quantization", icon=":material/compress:"),
            st.Page("pages/curvature.py", title="Curvature", icon=":material/landscape:"),
            st.Page("pages/information.py", title="Information", icon=":material/data_usage:"),
            st.Page("pages/scaling_laws.py", title="Scaling laws", icon=":material/trending_down:"),
            st.Page("pages/what_if.py", title="What if", icon=":material/science:"),
            st.Page("pages/your_losses.py", title="Your losses", icon=":material/upload_file:"),
        ]
    )
