"""Find phrases that plain English does without, in Python and in Markdown."""

import ast
import io
import re
import tokenize
import tomllib
from functools import cache
from pathlib import Path

#: Phrases as regular expressions, each with a replacement.
LIST = Path(__file__).with_name("phrases.toml")

#: Quotes around a string, or the sign in front of a comment.
_MARKS = re.compile(r"\A(?:[A-Za-z]*(?:\"{3}|'{3}|\"|')|#:?)|(?:\"{3}|'{3}|\"|')\Z")

#: Python 3.12 splits f-strings into several tokens.
_PROSE = {"STRING", "COMMENT", "FSTRING_START", "FSTRING_MIDDLE", "FSTRING_END"}


def prose_of_python(source: str) -> str:
    """Comments and strings of ``source`` at their places, with all code replaced by NUL.

    Quotes and comment signs become spaces, so that a phrase is found across the lines of a comment
    and across strings that Python joins.  A single string of one word is a value, not prose.
    """
    starts = [0]
    for line in source.splitlines(keepends=True):
        starts.append(starts[-1] + len(line))
    prose = [char if char.isspace() else "\0" for char in source]
    before = ""
    for token in tokenize.generate_tokens(io.StringIO(source).readline):
        kind = tokenize.tok_name[token.type]
        value = kind == "STRING" != before and not re.search(r"\s", token.string)
        before = before if kind == "NL" else kind
        if kind in _PROSE and not value:
            start = starts[token.start[0] - 1] + token.start[1]
            end = starts[token.end[0] - 1] + token.end[1]
            prose[start:end] = _MARKS.sub(lambda mark: " " * len(mark[0]), source[start:end])
    return "".join(prose)


def first_lines(source: str) -> list[tuple[int, str]]:
    """Line number and first line of every docstring in ``source``."""
    documented = (ast.Module, ast.ClassDef, ast.FunctionDef, ast.AsyncFunctionDef)
    return [
        (node.body[0].lineno, text.strip().partition("\n")[0])
        for node in ast.walk(ast.parse(source))
        if isinstance(node, documented) and (text := ast.get_docstring(node, clean=False))
    ]


def patterns(table: dict[str, str]) -> list[tuple[re.Pattern, str]]:
    """Compiled phrases, each with its replacement; a space matches any white space."""
    spaced = {phrase.replace(" ", r"\s+"): plain for phrase, plain in table.items()}
    return [(re.compile(rf"\b(?:{p})\b", re.IGNORECASE), plain) for p, plain in spaced.items()]


@cache
def _any_of(phrases: tuple[str, ...]) -> re.Pattern:
    """One pattern for a quick look at lower-case text: most files have no phrase at all."""
    return re.compile("|".join(phrases))


_LISTS = tomllib.loads(LIST.read_text(encoding="utf-8"))
PHRASES = patterns(_LISTS["phrases"])
OPENINGS = patterns(_LISTS["docstring_openings"])


def complaints(path: Path) -> list[str]:
    """One line ``file:line: not "X" but Y`` for each banned phrase in a Python or Markdown file."""
    text = path.read_text(encoding="utf-8")
    python = path.suffix == ".py"
    prose = prose_of_python(text) if python else text
    any_of = _any_of(tuple(pattern.pattern for pattern, _ in PHRASES))
    found = [
        (text.count("\n", 0, match.start()) + 1, " ".join(match[0].split()), plain)
        for pattern, plain in (PHRASES if any_of.search(prose.lower()) else [])
        for match in pattern.finditer(prose)
    ]
    found += [
        (line, f"{match[0]} ...", plain)
        for line, first in (first_lines(text) if python else [])
        for pattern, plain in OPENINGS
        if (match := pattern.match(first))
    ]
    return [f'{path}:{line}: not "{bad}" but {plain}' for line, bad, plain in sorted(found)]
