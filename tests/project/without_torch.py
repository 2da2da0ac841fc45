"""A pytest plugin that makes the packages of the batch stage impossible to import.

``pytest -p tests.project.without_torch tests/dashboard`` shows that the app's tests need none of
them, also where they are installed; ``make check`` uses it.
"""

import sys
from importlib.abc import MetaPathFinder
from pathlib import Path

ROOT = Path(__file__).resolve().parents[2]

#: Packages that ``requirements.txt``, which the app needs, does not bring along.
BLOCKED = {"torch", "ray"} | {
    line.partition("==")[0].replace("-", "_")
    for line in (ROOT / "compute/requirements.txt").read_text().splitlines()
    if line and not line.startswith("#")
}


class _Blocker(MetaPathFinder):
    """Refuses the packages before any other finder is asked."""

    def find_spec(self, name: str, path: object = None, target: object = None) -> None:
        if name.partition(".")[0] in BLOCKED:
            raise ModuleNotFoundError(f"{name} is blocked in these tests", name=name)


sys.meta_path.insert(0, _Blocker())
