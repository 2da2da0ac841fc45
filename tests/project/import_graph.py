"""Who imports whom within a package, as its sources say, imports inside functions included."""

import ast
from graphlib import CycleError, TopologicalSorter
from pathlib import Path

#: Module -> those of the same package that it imports; a package is its ``__init__``.
Graph = dict[str, set[str]]


def sources_of(package: Path) -> dict[str, str]:
    """Source of every module of a package, by its dotted name."""
    names = {path: path.relative_to(package.parent).with_suffix("") for path in _python(package)}
    return {".".join(name.parts): path.read_text() for path, name in names.items()}


def graph_of(sources: dict[str, str]) -> Graph:
    """The arrows between modules of these sources; what else they import is left out."""

    def known(name: str) -> str | None:
        return next((n for n in (name, f"{name}.__init__") if n in sources), None)

    def imported(source: str) -> set[str]:
        found = set()
        for node in ast.walk(ast.parse(source)):
            if isinstance(node, ast.Import):
                found |= {known(alias.name) for alias in node.names}
            elif isinstance(node, ast.ImportFrom):
                names = (f"{node.module}.{alias.name}" for alias in node.names)
                found |= {known(name) or known(node.module) for name in names}
        return found - {None}

    return {name: imported(source) for name, source in sources.items()}


def wrong_arrows(graph: Graph, package: str, rooms: tuple[str, ...]) -> list[str]:
    """Arrows from a room to one that is not named before it, and modules that are in no room.

    Args:
        rooms: of the package, in their order.  ``__init__`` is before and ``__main__`` after
            all of them.
    """
    order = {room: place for place, room in enumerate(("__init__", *rooms, "__main__"))}
    wrong = [name for name in graph if _entry(name, package) not in order]
    for name in graph.keys() - set(wrong):
        mine = order[_entry(name, package)]
        arrows = [(other, order.get(_entry(other, package), mine)) for other in graph[name]]
        wrong += [f"{name} -> {other}" for other, theirs in arrows if theirs > mine]
    return sorted(wrong)


def circles(graph: Graph) -> list[str]:
    """One circle of every folder whose entries (modules and folders) import one another in a
    circle: a circle of modules is one of the entries of the folder that has them all."""
    folders = {name.rpartition(".")[0] for name in graph}
    folders |= {part for name in folders for part in _above(name)}
    found = []
    for folder in sorted(folders):
        entries: dict[str, set[str]] = {}
        for name, others in graph.items():
            if (mine := _entry(name, folder)) is not None:
                theirs = {_entry(other, folder) for other in others}
                entries.setdefault(mine, set()).update(theirs - {mine, None})
        try:
            TopologicalSorter(entries).prepare()
        except CycleError as error:
            found.append(f"{folder}: {' <- '.join(error.args[1])}")
    return found


def crowded(package: Path, most: int, uncounted: frozenset[str] = frozenset()) -> list[str]:
    """Folders of code with more than ``most`` entries, each with their number.

    Args:
        package: all of whose folders are looked at.
        most: entries of a folder.
        uncounted: names of files that are not entries.
    """
    folders = {path.parent for path in _python(package)}
    counts = {
        folder.relative_to(package.parent).as_posix(): sum(
            not entry.name.startswith((".", "__pycache__")) and entry.name not in uncounted
            for entry in folder.iterdir()
        )
        for folder in folders
    }
    return sorted(f"{folder}: {count}" for folder, count in counts.items() if count > most)


def _python(package: Path) -> list[Path]:
    return sorted(package.rglob("*.py"))


def _entry(module: str, folder: str) -> str | None:
    """The entry of ``folder`` that ``module`` is or lies in; None if it lies elsewhere."""
    prefix = f"{folder}."
    return module.removeprefix(prefix).partition(".")[0] if module.startswith(prefix) else None


def _above(name: str) -> list[str]:
    parts = name.split(".")
    return [".".join(parts[:depth]) for depth in range(1, len(parts))]
