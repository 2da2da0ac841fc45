"""Markdown of tables, figures and findings."""

from collections.abc import Iterable, Sequence
from dataclasses import dataclass, field

import altair as alt

from tools.results.words import Finding, Verdict

#: Folder of figures, relative to the report.
FIGURES = "docs/results"


@dataclass(frozen=True)
class Part:
    """A piece of the report.

    Attributes:
        text: Markdown.
        charts: by the stem of their files; every one is shown in ``text``.
        findings: comparisons with the paper.
    """

    text: str
    charts: dict[str, alt.TopLevelMixin] = field(default_factory=dict)
    findings: tuple[Finding, ...] = ()


def table(header: Sequence[str], rows: Iterable[Sequence[str]]) -> str:
    """Rows of strings; the first column to the left, all others to the right."""
    lines = [header, ["---", *["--:"] * (len(header) - 1)], *rows]
    return "\n".join(f"| {' | '.join(_cell(cell) for cell in line)} |" for line in lines)


def _cell(text: str) -> str:
    return str(text).replace("|", r"\|").replace("\n", " ")


def paragraphs(*parts: str) -> str:
    """Parts with an empty line between them; empty ones are left out."""
    return "\n\n".join(part.strip("\n") for part in parts if part)


def bullets(items: Iterable[str]) -> str:
    """A list."""
    return "\n".join(f"- {item}" for item in items)


def images(**alternatives: str) -> str:
    """Figures side by side: stem of the file, ``_`` for ``-``, to its description."""
    width = {1: 70, 2: 49}.get(len(alternatives), 32)
    tags = [
        f'<img src="{FIGURES}/{name.replace("_", "-")}.svg" width="{width}%" alt="{text}">'
        for name, text in alternatives.items()
    ]
    return "\n".join(tags)


def findings(found: Sequence[Finding]) -> str:
    """Findings under a heading for each verdict that occurs."""
    parts = []
    for verdict in Verdict:
        texts = [finding.text for finding in found if finding.verdict is verdict]
        if texts:
            parts += [f"**{verdict.value}**", bullets(texts)]
    return paragraphs(*parts)
