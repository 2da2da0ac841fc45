"""Who may import whom: the arrows between the rooms of the house."""

import ast
from pathlib import Path

import pytest

from tests.project.import_graph import circles, crowded, graph_of, sources_of, wrong_arrows

ROOT = Path(__file__).resolve().parents[2]
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
    "tools/plain_words": {"tools"},
    "tools/results": {"tools", "dashboard", "bounds", "schema"},
}

#: Foreign packages that each may not import (None: only the listed ones are allowed).
ONLY = {
    "bounds": {"numpy", "scipy"},
    "schema": {"pyarrow"},
    "tables": {"numpy", "pyarrow"},
    "tools/environment": set(),
    "tools/plain_words": set(),
}
FORBIDDEN = {
    "dashboard": {"torch", "transformers"},
    "pages": {"torch", "duckdb", "pyarrow"},
    "tools/results": {"torch", "transformers", "streamlit", "duckdb", "pyarrow"},
}

#: Rooms of a package in their order: each imports only rooms that are named before it.
ROOMS = {
    "bounds": (
        *("checks", "grid_search", "printed", "losses", "codes", "confidence", "forms"),
        *("curvature", "laws", "progressive", "own_losses", "__init__"),
    ),
    "tables": (
        *("errors", "part", "wanted", "limits", "kinds", "names", "numbers", "formats"),
        *("file", "losses", "read", "__init__"),
    ),
    "compute": ("base", "suites", "models", "quantize", "work", "session", "check", "commands"),
    "dashboard": ("style", "artifacts", "catalog", "analysis", "charts", "export", "ui", "views"),
}

#: Entries of a folder of code, at most: more are not taken in at a glance.
MOST_ENTRIES = 12

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
        ("tools/plain_words", "import numpy"),
        ("tools/results", "from compute import plan"),
        ("tools/results", "import streamlit"),
        ("dashboard", "from tools.results import words"),
    ],
)
def test_the_check_itself_sees_a_wrong_arrow(room, line):
    assert trespasses(room, line)


@pytest.fixture(scope="module", params=ROOMS)
def package(request) -> str:
    return request.param


@pytest.fixture(scope="module")
def graph(package):
    return graph_of(sources_of(ROOT / package))


def test_rooms_import_only_those_before_them(graph, package):
    assert wrong_arrows(graph, package, ROOMS[package]) == []


def test_there_is_no_circle(graph):
    assert circles(graph) == []


def test_no_folder_is_crowded(package):
    assert crowded(ROOT / package, MOST_ENTRIES) == []


def test_no_folder_of_tests_is_crowded():
    """An ``__init__.py`` there is empty: it only makes a package of the folder."""
    empty = frozenset({"__init__.py"})
    assert crowded(ROOT / "tests", MOST_ENTRIES, empty) == []
    assert not any(path.read_text() for path in (ROOT / "tests").rglob("__init__.py"))


HOUSE = {
    "house.__init__": "",
    "house.__main__": "from house.roof.tiles import lay",
    "house.cellar.__init__": "",
    "house.cellar.wine": "import torch",
    "house.cellar.racks.__init__": "",
    "house.cellar.racks.oak": "from house.cellar import wine",
    "house.roof.__init__": "",
    "house.roof.tiles": "from house.cellar.racks import oak",
}


def test_a_sound_house_passes():
    graph = graph_of(HOUSE)
    assert graph["house.roof.tiles"] == {"house.cellar.racks.oak"}
    assert wrong_arrows(graph, "house", ("cellar", "roof")) == []
    assert circles(graph) == []


@pytest.mark.parametrize(
    "line",
    [
        "from house.roof import tiles",
        "import house.roof.tiles",
        "from house.roof.tiles import lay",
        "def drink():\n    from house.roof.tiles import lay",
        "if TYPE_CHECKING:\n    import house.roof",
        "from house import __main__",
    ],
)
def test_the_check_sees_an_arrow_to_a_later_room(line):
    graph = graph_of(HOUSE | {"house.cellar.wine": line})
    (found,) = wrong_arrows(graph, "house", ("cellar", "roof"))
    assert found.startswith("house.cellar.wine -> house.")


def test_the_check_sees_a_module_in_no_room():
    graph = graph_of(HOUSE | {"house.shed": ""})
    assert wrong_arrows(graph, "house", ("cellar", "roof")) == ["house.shed"]
    assert wrong_arrows(graph_of(HOUSE), "house", ("cellar",)) == [
        "house.roof.__init__",
        "house.roof.tiles",
    ]


@pytest.mark.parametrize(
    ("module", "line", "folder"),
    [
        ("house.cellar.wine", "def f():\n    from house.roof import tiles", "house"),
        ("house.cellar.wine", "from house.cellar.racks.oak import shelf", "house.cellar"),
        ("house.cellar.wine", "import house.cellar.racks", "house.cellar"),
    ],
)
def test_the_check_sees_a_circle(module, line, folder):
    extra = {"house.cellar.racks.__init__": "from house.cellar.racks import oak"}
    found = circles(graph_of(HOUSE | extra | {module: line}))
    assert [circle.partition(":")[0] for circle in found] == [folder]


def test_the_check_sees_a_crowded_folder(tmp_path):
    room = tmp_path / "house" / "cellar"
    room.mkdir(parents=True)
    for number in range(3):
        (room / f"wine{number}.py").touch()
    assert crowded(tmp_path / "house", 3) == []
    (room / "__pycache__").mkdir()
    (room / "prices.toml").touch()
    assert crowded(tmp_path / "house", 3) == ["house/cellar: 4"]
    assert crowded(tmp_path / "house", 3, frozenset({"prices.toml"})) == []


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
