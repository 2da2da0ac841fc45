from pathlib import Path

import pytest

from dashboard.artifacts.manifest import SHIPPED
from tests.conftest import ROOT
from tests.tools.seeded_suite import make_seeded_suite, write_sweep
from tools.results.ladder import Ladder, open_ladder
from tools.results.report import Report, build

#: Best rates of the sweep, by size; at the last one the lowest loss is at the lowest rate.
BEST = {29152: 0.018, 52944: 0.0125, 132864: 0.0075, 274640: 0.0012}


@pytest.fixture(scope="session")
def seeded(tmp_path_factory) -> Path:
    """A folder with the suite ``seeded`` and its sweep beside it; shared: do not write into it."""
    folder = tmp_path_factory.mktemp("seeded")
    suite = make_seeded_suite(ROOT / "data" / SHIPPED, folder)
    metadata = next((suite / "models").glob("*.parquet"))
    write_sweep(folder / "seeded-sweep", metadata, BEST, diverged={132864: 0.04})
    return folder


@pytest.fixture(scope="session")
def seeded_ladder(seeded) -> Ladder:
    return open_ladder(seeded, "seeded")


@pytest.fixture(scope="session")
def seeded_report(seeded_ladder) -> Report:
    return build(seeded_ladder)
