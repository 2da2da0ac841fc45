"""Text from artifacts, links and files inside our own Markdown, without effect on it."""

import re

#: Number of its characters that are shown.
MOST_SHOWN = 40


def quoted(text: str) -> str:
    """Untrusted text as code, so that no Markdown in it takes effect.

    Characters that are not printable become spaces: a line break would end the code, and marks
    that change the direction of writing would reorder the sentence.
    """
    shown = text if len(text) <= MOST_SHOWN else text[:MOST_SHOWN] + "…"
    safe = "".join(c if c.isprintable() else " " for c in shown.replace("`", "'"))
    return f"`{safe}`" if safe.strip() else "(empty)"


def escaped(text: str) -> str:
    """Text from an artifact as Markdown that shows it literally, without a full stop."""
    return re.sub(r"([\\`*_\[\]$<>:#~])", r"\\\1", str(text).rstrip("."))
