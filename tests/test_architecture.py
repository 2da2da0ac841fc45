"""Who may import whom: the arrows between the rooms of the house."""

import ast
from pathlib import Path

import pytest

ROOT = Path(__file__).resolve().parent.parent
OURS = {"app", "bounds", "compute", "dashboard", "pages", "schema", "tables", "tests", "tools"}

#: Ours that each may import; anything of ours that is not listed is an arrow too many.
ALLOWED = {
    "bounds": {"bounds"},
    "schema": set(),
    "tables": {"tables", "schema"},
    "compute": {"compute", "bounds", "schema", "tables"},
    "dashboard": {"dashboard", "bounds", "schema", "tables"},
    "pages": {"dashboard", "bounds"},
    "app": {"dashboard", "bounds"},
    "tools/environment": {"tools"},
    "tools/results": {"tools", "dashboard", "bounds", "schema"},
}

#: Foreign packages that each may not import (None: only the listed ones are allowed).
ONLY = {
    "bounds": {"numpy", "scipy"},
    "schema": {"pyarrow"},
    "tables": {"numpy", "pyarrow"},
    "tools/environment": set(),
}
FORBIDDEN = {
    "dashboard": {"torch", "transformers"},
    "pages": {"torch", "duckdb", "pyarrow"},
    "tools/results": {"torch", "transformers", "streamlit", "duckdb", "pyarrow"},
}
STANDARD = set(__import__("sys").stdlib_module_names)


def modules(room: str) -> list[Path]:
    single = ROOT / f"{room}.py"
    return [single] if single.exists() else sorted((ROOT / room).rglob("*.py"))


def imported(source: str) -> set[str]:
    """Top-level packages that a module imports, wherever in it."""
    found = set()
    for node in ast.walk(ast.parse(source)):
        if isinstance(node, ast.Import):
            found |= {alias.name.partition(".")[0] for alias in node.names}
        elif isinstance(node, ast.ImportFrom):
            assert node.level == 0, "imports are absolute"
            found.add(node.module.partition(".")[0])
    return found


def trespasses(room: str, source: str) -> set[str]:
    names = imported(source)
    wrong = (names & OURS) - ALLOWED[room]
    foreign = names - OURS - STANDARD
    wrong |= foreign - ONLY[room] if room in ONLY else foreign & FORBIDDEN.get(room, set())
    return wrong


@pytest.mark.parametrize("room", ALLOWED)
def test_arrows(room):
    assert modules(room)
    for module in modules(room):
        assert not trespasses(room, module.read_text()), module


@pytest.mark.parametrize(
    ("room", "line"),
    [
        ("bounds", "import torch"),
        ("bounds", "from compute import plan"),
        ("dashboard", "def f():\n    from compute.work.plan import Plan"),
        ("pages", "import schema"),
        ("schema", "import numpy"),
        ("tables", "import pandas"),
        ("tables", "from bounds.own_losses import LossColumns"),
        ("pages", "import tables"),
        ("compute", "import dashboard"),
        ("tools/environment", "import numpy"),
        ("tools/results", "from compute import plan"),
        ("tools/results", "import streamlit"),
        ("dashboard", "from tools.results import words"),
    ],
)
def test_the_check_itself_sees_a_wrong_arrow(room, line):
    assert trespasses(room, line)


def test_every_tool_has_its_arrows():
    rooms = [set(modules(room)) for room in ALLOWED if room.startswith("tools/")]
    assert set(modules("tools")) == set.union(*rooms)


@pytest.mark.parametrize("module", modules("pages"), ids=lambda path: path.name)
def test_a_page_opens_no_file_and_is_thin(module):
    tree = ast.parse(module.read_text())
    called = {
        getattr(node.func, "attr", getattr(node.func, "id", ""))
        for node in ast.walk(tree)
        if isinstance(node, ast.Call)
    }
    assert not called & {"open", "read_parquet", "read_table", "query", "sql", "log", "sqrt", "exp"}
    assert len(module.read_text().splitlines()) < 120
