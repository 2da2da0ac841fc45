"""The pages of the app, in the order of the sidebar, and the question that each answers."""

from dataclasses import dataclass

import streamlit as st
from streamlit.navigation.page import StreamlitPage


@dataclass(frozen=True)
class PageEntry:
    """A page as it is found.

    Attributes:
        name: of its file under ``pages``, and in the address.
        title: in the sidebar and over the page.
        icon: a Material symbol.
        question: what it answers, in one short line.
    """

    name: str
    title: str
    icon: str
    question: str

    @property
    def file(self) -> str:
        """Its script, as Streamlit knows it."""
        return f"pages/{self.name}.py"


#: The first is what an address without a page opens.
PAGES = (
    PageEntry("overview", "Overview", "home", "What is guaranteed?"),
    PageEntry(
        "bound_explorer", "Bound explorer", "stacked_bar_chart", "What does each choice cost?"
    ),
    PageEntry("loss_variation", "Loss variation", "show_chart", "How steady are the losses?"),
    PageEntry("quantization", "Quantization", "compress", "How few bits will do?"),
    PageEntry("curvature", "Curvature", "landscape", "Why do few bits do?"),
    PageEntry("information", "Information", "data_usage", "How much does a model know?"),
    PageEntry("scaling_laws", "Scaling laws", "trending_down", "How does each number grow?"),
    PageEntry("what_if", "What if", "science", "And a model nobody trained?"),
    PageEntry("your_losses", "Your losses", "upload_file", "And a model of your own?"),
    PageEntry("artifacts", "Artifacts", "inventory_2", "What was run, where is it?"),
)

_BY_NAME = {page.name: page for page in PAGES}


def navigation() -> StreamlitPage:
    """Declare all pages; the one that the address asks for.

    Streamlit serves the first page at the root alone, and says "Page not found" to its name, which
    people type: that is the address of a page without an entry in the sidebar, which leads to the
    root.
    """
    pages = [
        st.Page(
            page.file,
            title=page.title,
            icon=f":material/{page.icon}:",
            # Else its name would be kept for it all the same.
            **({"default": True, "url_path": ""} if page is PAGES[0] else {}),
        )
        for page in PAGES
    ]
    named = st.Page(_nothing, title=PAGES[0].title, url_path=PAGES[0].name, visibility="hidden")
    chosen = st.navigation([*pages, named])
    if chosen is named:  # before any control is bound to what the address says
        said = {key: st.query_params.get_all(key) for key in st.query_params}
        st.switch_page(pages[0], query_params=said)
    return chosen


def _nothing() -> None:
    """A page that leads to another one before it is run."""


def title_of(name: str) -> str:
    """Title of the page whose file has this name."""
    return _BY_NAME[name].title


def link_to(name: str, label: str | None = None) -> None:
    """A link to a page, which takes the reader's choices along as the sidebar's links do."""
    page = _BY_NAME[name]
    st.page_link(page.file, label=label or page.title, icon=f":material/{page.icon}:")
