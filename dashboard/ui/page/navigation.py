"""The pages of the app, in the order of the sidebar, and the question that each answers."""

from dataclasses import dataclass

import streamlit as st
from streamlit.navigation.page import StreamlitPage


@dataclass(frozen=True)
class PageEntry:
    """A page of the app.

    Attributes:
        name: of its file under ``pages``, and in the address.
        title: in the sidebar and over the page.
        icon: a Material symbol.
        question: that it answers, in one short line.
    """

    name: str
    title: str
    icon: str
    question: str

    @property
    def file(self) -> str:
        """The page's script, as a page of Streamlit."""
        return f"pages/{self.name}.py"


#: An address without a page opens the first.
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
    PageEntry("what_if", "What if", "science", "What would a larger model get?"),
    PageEntry("your_losses", "Your losses", "upload_file", "What about your own model?"),
    PageEntry("artifacts", "Artifacts", "inventory_2", "What was run, and where?"),
)

_BY_NAME = {page.name: page for page in PAGES}


def navigation() -> StreamlitPage:
    """Declare all pages; return the one that the address asks for.

    Streamlit serves the first page only at the root, and says "Page not found" to its name, which
    people type: that address belongs to a page without an entry in the sidebar, which redirects to
    the root.
    """
    pages = [
        st.Page(
            page.file,
            title=page.title,
            icon=f":material/{page.icon}:",
            # Otherwise its name would be reserved for it.
            **({"default": True, "url_path": ""} if page is PAGES[0] else {}),
        )
        for page in PAGES
    ]
    named = st.Page(_nothing, title=PAGES[0].title, url_path=PAGES[0].name, visibility="hidden")
    chosen = st.navigation([*pages, named])
    if chosen is named:  # before any control is bound to the address
        said = {key: st.query_params.get_all(key) for key in st.query_params}
        st.switch_page(pages[0], query_params=said)
    return chosen


def _nothing() -> None:
    """A page that redirects to another one before it runs."""


def title_of(name: str) -> str:
    """Title of the page whose file has this name."""
    return _BY_NAME[name].title


def link_to(name: str, label: str | None = None) -> None:
    """A link to a page that keeps the visitor's choices, like the links of the sidebar."""
    page = _BY_NAME[name]
    st.page_link(page.file, label=label or page.title, icon=f":material/{page.icon}:")
