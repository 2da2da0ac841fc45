"""The formulas of this app as MathML, which browsers draw without a script."""

from html import escape, unescape
from xml.etree import ElementTree

from latex2mathml.converter import convert_to_element

#: What a formula may be made of.  LaTeX can also ask for links, styles and scripts of a page.
_ELEMENTS = {"math", "mrow", "mi", "mn", "mo", "mtext", "mspace", "mstyle", "mfrac", "msqrt"} | {
    *("mroot", "msub", "msup", "msubsup", "munder", "mover", "munderover")
}
_ATTRIBUTES = {"xmlns", "display", "width", "mathvariant", "displaystyle", "scriptlevel"} | {
    *("stretchy", "fence", "form", "accent", "movablelimits")
}


def mathml(latex: str) -> str:
    """A formula as a ``<math>`` element; LaTeX that cannot be drawn is shown as code."""
    try:
        formula = convert_to_element(latex)
    except Exception:  # noqa: BLE001 - the library raises errors of many kinds, also of its own
        return f"<code>{escape(latex)}</code>"
    for part in formula.iter():
        part.text = unescape(part.text or "")  # or the entities of the library are escaped again
        drawn = part.tag in _ELEMENTS and part.attrib.keys() <= _ATTRIBUTES
        if not drawn or "\\" in part.text:  # a command that the library does not know
            return f"<code>{escape(latex)}</code>"
    return ElementTree.tostring(formula, encoding="unicode", short_empty_elements=False)
