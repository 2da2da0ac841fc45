"""Sentences on screen are short: at most 25 words."""

import ast
import re
from pathlib import Path

import pytest

from tests.conftest import ROOT

MOST_WORDS = 25


def shown_texts(source: str) -> list[tuple[int, str]]:
    """Line and text of each string that is not a docstring, placeholders as one word each."""
    tree = ast.parse(source)
    inner, texts = set(), []
    for node in ast.walk(tree):
        if isinstance(node, ast.Expr) and isinstance(node.value, ast.Constant):
            inner.add(node.value)
        if isinstance(node, ast.JoinedStr):
            inner |= set(ast.walk(node)) - {node}
            parts = (p.value if isinstance(p, ast.Constant) else "X" for p in node.values)
            texts.append((node, "".join(parts)))
        if isinstance(node, ast.Constant) and isinstance(node.value, str):
            texts.append((node, node.value))
    return [(node.lineno, text) for node, text in texts if node not in inner]


def too_long(text: str) -> list[str]:
    """Sentences with too many words; a formula is one word, a cell of a table ends a sentence."""
    plain = re.sub(r"\$[^$]*\$", "X", text)
    sentences = re.split(r"(?<=[.!?;:])[*)]*(?:\s|X)+|\n|\|", plain)
    return [sentence for sentence in sentences if len(sentence.split()) > MOST_WORDS]


@pytest.mark.parametrize("folder", ["dashboard", "pages"])
def test_sentences_on_screen_are_short(folder):
    found = [
        (module.relative_to(ROOT), line, sentence)
        for module in sorted(Path(ROOT / folder).rglob("*.py"))
        for line, text in shown_texts(module.read_text())
        if not re.search(r"\bSELECT\b|\bfunction\b", text)  # queries and a script
        for sentence in too_long(text)
    ]
    assert not found


def test_a_long_sentence_is_found():
    source = f'x = f"One. Two {{x}} {"word " * MOST_WORDS}"\n"""{"word " * 30}"""\n'
    assert [(line, len(too_long(text))) for line, text in shown_texts(source)] == [(1, 1)]
    assert not too_long("word " * MOST_WORDS)
