"""The check of plain words: where it looks, what it finds, and how it says so."""

import re
import subprocess
import sys
from pathlib import Path

import pytest

from tests.conftest import ROOT
from tools.plain_words import check


@pytest.fixture
def listed(monkeypatch):
    """A short list in place of the real one, which this file would not pass."""
    monkeypatch.setattr(check, "PHRASES", check.patterns({"old phrase": '"new"'}))


def found(folder: Path, name: str, text: str) -> list[str]:
    path = folder / name
    path.write_text(text)
    return [line.removeprefix(f"{path}:") for line in check.complaints(path)]


@pytest.mark.parametrize(
    "text",
    [
        "x = 1  # an old phrase\n",
        '"""An old phrase."""\n',
        'x = ("an old " f"phrase {y}")\n',
        "x = r'an old phrase'\n",
        "#: an old\n#: phrase\nx = 1\n",
        'x = (\n    "an old "\n    "phrase"\n)\n',
    ],
)
def test_comments_docstrings_and_strings_are_read(listed, tmp_path, text):
    line = 1 + text[: re.search("old", text).start()].count("\n")
    assert found(tmp_path, "a.py", text) == [f'{line}: not "old phrase" but "new"']


@pytest.mark.parametrize(
    "text", ['x = {"old": "phrase"}\n', "old = phrase\n", "older_phrase = 1\n"]
)
def test_code_and_values_are_not(listed, tmp_path, text):
    assert found(tmp_path, "a.py", text) == []


def test_markdown_is_read_whole(listed, tmp_path):
    assert found(tmp_path, "a.md", "one\nan Old\nphrase\n") == ['2: not "Old phrase" but "new"']


def test_a_first_line_names_what_it_is(tmp_path):
    text = 'def f():\n    """Its size."""\n\n\ndef g():\n    """Size of a file; its bytes."""\n'
    assert found(tmp_path, "a.py", text) == ['2: not "Its ..." but a noun']


@pytest.mark.parametrize(
    "text",
    [
        "the text stands in for it",
        "there is no model here",
        "two terms cannot be told apart",
        "a reader of files",
        "products taken for each vector",
    ],
)
def test_what_is_current_english_passes(tmp_path, text):
    assert found(tmp_path, "a.md", text) == []


def test_the_command_names_every_place_and_fails(tmp_path):
    page = tmp_path / "a.md"
    page.write_text("No{}.\n".format("body"))
    command = [sys.executable, "-m", "tools.plain_words", str(page)]
    result = subprocess.run(command, cwd=ROOT, capture_output=True, text=True, check=False)
    assert result.returncode == 1
    assert result.stdout.startswith(f'{page}:1: not "No')
