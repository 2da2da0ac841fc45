"""The pages' Markdown as HTML for a separate file, with formulas and badges.

HTML, images and links in a text are shown as plain characters.
"""

import re
from html import escape

from markdown_it import MarkdownIt
from markdown_it.rules_inline import StateInline

from dashboard.export.mathml import mathml

_MATH = re.compile(r"\$((?:[^$\\]|\\.)+)\$")
_BADGE = re.compile(r":([a-z]+)-badge\[((?:[^\[\]\\]|\\.)*)\]")
_ICON = re.compile(r":material/\w+:\s?")

#: The only HTML that pages write: coloured marks of the legends, small print, line breaks.
_OWN_HTML = re.compile(
    r"<span style='color:#[0-9A-Fa-f]{6}(?:;[a-z0-9:.# -]*)?'>|</span>|</?small>|<br>"
)


def _rule(kind: str, pattern: re.Pattern[str], render):
    """A rule that replaces matches of ``pattern`` by the result of ``render``."""

    def rule(state: StateInline, silent: bool) -> bool:
        match = pattern.match(state.src, state.pos)
        if match is None:
            return False
        if not silent:
            token = state.push("own_html", "", 0)
            token.content = render(match)
        state.pos = match.end()
        return True

    return kind, rule


def _badge(match: re.Match[str]) -> str:
    words = re.sub(r"\\(.)", r"\1", _ICON.sub("", match[2]))
    return f'<span class="badge {match[1]}">{escape(words)}</span>'


def _reader() -> MarkdownIt:
    reader = MarkdownIt("commonmark", {"html": False}).enable("table")
    reader.disable(["image", "link", "autolink", "html_inline", "html_block", "reference", "code"])
    for kind, rule in (
        _rule("math", _MATH, lambda match: mathml(match[1])),
        _rule("badge", _BADGE, _badge),
        _rule("icon", _ICON, lambda _: ""),
        _rule("own", _OWN_HTML, lambda match: match[0]),
    ):
        reader.inline.ruler.after("escape", kind, rule)
    reader.add_render_rule("own_html", lambda self, tokens, i, options, env: tokens[i].content)
    return reader


_READER = _reader()


def block(text: str) -> str:
    """Paragraphs, lists and tables."""
    return _READER.render(text)


def line(text: str) -> str:
    """One line, such as a heading."""
    return _READER.renderInline(text)
