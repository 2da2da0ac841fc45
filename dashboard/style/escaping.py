"""Text from artifacts, links and files inside our own Markdown, where it must not take effect."""

import re

#: Characters of it that are shown.
MOST_SHOWN = 40


def quoted(text: str) -> str:
    """A stranger's text as code, so that no Markdown in it takes effect.

    What is not printable becomes a space: a line break would end the code, and marks that turn the
    direction of writing would reorder our own words.
    """
    shown = text if len(text) <= MOST_SHOWN else text[:MOST_SHOWN] + "…"
    safe = "".join(c if c.isprintable() else " " for c in shown.replace("`", "'"))
    return f"`{safe}`" if safe.strip() else "(empty)"


def escaped(text: str) -> str:
    """Words from an artifact as Markdown that shows them as they are, without a full stop."""
    return re.sub(r"([\\`*_\[\]$<>:#~])", r"\\\1", str(text).rstrip("."))
