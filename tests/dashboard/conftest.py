import functools
import shutil
from pathlib import Path
from unittest.mock import patch

import pyarrow.compute as pc
import pyarrow.parquet as pq
import pytest
from streamlit.components.v2 import manifest_scanner
from streamlit.testing.v1 import AppTest

from dashboard.artifacts.suite import Suite
from dashboard.export import view_file
from tests.conftest import ROOT, made_once
from tests.dashboard.helpers.sampled_suite import STAND_IN, make_sampled_suite


@pytest.fixture(autouse=True)
def nothing_unexpected(caplog):
    """The app catches every error, so that no visitor sees one; no test may overlook one."""
    yield
    caught = [r for r in caplog.get_records("call") if r.name == "dashboard.ui.page.error_boundary"]
    assert not caught, caught[0].exc_info


@pytest.fixture
def data_copy(tmp_path, micro_suite) -> Path:
    """A copy of the micro artifacts that a test may damage."""
    shutil.copytree(micro_suite / "data", tmp_path / "data")
    return tmp_path / "data"


@pytest.fixture(scope="session")
def repeated(tmp_path_factory, micro_suite) -> Path:
    """The micro artifacts with a second seed of ladder-5k, whose losses are all higher by 0.1;
    shared: write into copies only."""

    def make(data: Path) -> None:
        shutil.copytree(micro_suite / "data/micro", data / "micro")
        for file in data.glob("micro/*/ladder-5k--*.parquet"):
            rows = pq.read_table(file)
            metadata = rows.schema.metadata
            for name in rows.column_names:
                if name == "model_id":
                    column = pc.replace_substring(rows[name], "5k", "5k-seed1")
                elif name == "seed":
                    column = pc.add(rows[name], 1)
                elif name == "loss_nats":
                    column = pc.add(rows[name], 0.1)
                else:
                    continue
                rows = rows.set_column(rows.column_names.index(name), name, column)
            seed = file.name.replace("ladder-5k", "ladder-5k-seed1")
            pq.write_table(rows.replace_schema_metadata(metadata), file.with_name(seed))

    return made_once(tmp_path_factory, "repeated", make)


@pytest.fixture
def repeated_copy(tmp_path, repeated) -> Path:
    """A copy of these that a test may damage."""
    shutil.copytree(repeated / "micro", tmp_path / "repeated/micro")
    return tmp_path / "repeated"


@pytest.fixture(scope="session")
def sampled_suites(tmp_path_factory, micro_suite) -> Path:
    """The micro ladder, the same sampled, and the same with a text that stands in; shared: write
    into copies only."""

    def make(data: Path) -> None:
        (data / "micro").symlink_to(micro_suite / "data/micro")
        make_sampled_suite(micro_suite / "data/micro", data)
        make_sampled_suite(micro_suite / "data/micro", data, "stand-in", STAND_IN)

    return made_once(tmp_path_factory, "sampled-suites", make)


@pytest.fixture(scope="session")
def suite(micro_suite) -> Suite:
    """The micro artifacts, open for all tests of this process; what they remember they share."""
    return Suite(micro_suite / "data", "micro")


@pytest.fixture
def new_suite(micro_suite) -> Suite:
    """The micro artifacts, opened again: nothing is remembered, and a test may change it."""
    return Suite(micro_suite / "data", "micro")


@pytest.fixture(scope="session", autouse=True)
def components_listed_once():
    """What is installed does not change meanwhile; Streamlit looks through it for every new app."""
    found = functools.cache(manifest_scanner.scan_component_manifests)
    with patch.object(manifest_scanner, "scan_component_manifests", found):
        yield


@pytest.fixture
def new_app():
    """The app at the address of a page, before its first run.

    The first page has the address of the app itself: ``None`` and ``"overview"`` name it.
    """

    def start(page: str | None) -> AppTest:
        app = AppTest.from_file(str(ROOT / "app.py"), default_timeout=60)
        if page not in (None, "overview"):
            app.switch_page(f"pages/{page}.py")
        return app

    return start


@pytest.fixture
def open_page(new_app, monkeypatch, micro_suite):
    """Follow a link to a page on the micro artifacts, or on another folder or address."""

    def start(page: str | None, data: Path | str | None = None, **query: str) -> AppTest:
        monkeypatch.setenv("BOUNDSCAPE_DATA", str(data or micro_suite / "data"))
        app = new_app(page)
        for name, value in query.items():
            app.query_params[name] = value
        return app.run()

    return start


@pytest.fixture(scope="session")
def _seen() -> dict[tuple, AppTest]:
    """Pages that were opened to be looked at."""
    return {}


@pytest.fixture
def seen_page(open_page, _seen):
    """As ``open_page``, once for all tests of this process: a page to look at, not to touch."""

    def start(page: str | None, data: Path | None = None, **query: str) -> AppTest:
        key = (page, data, *sorted(query.items()))
        if key not in _seen:
            _seen[key] = open_page(page, data, **query)
        return _seen[key]

    return start


@pytest.fixture
def no_pictures(monkeypatch):
    """Charts are not drawn, which takes seconds a page."""
    picture = b'<svg xmlns="http://www.w3.org/2000/svg"></svg>'
    monkeypatch.setattr(view_file.chart_files, "draw", lambda specs, *_: [picture] * len(specs))


@pytest.fixture
def open_app(open_page):
    """Follow a link to the bound explorer."""
    return functools.partial(open_page, "bound_explorer")


@pytest.fixture
def seen_app(seen_page):
    """The bound explorer, to look at."""
    return functools.partial(seen_page, "bound_explorer")


def pytest_collection_modifyitems(items: list[pytest.Item]) -> None:
    """Tests that open a page of the app are marked: they take half a second each and more."""
    for item in items:
        if "new_app" in getattr(item, "fixturenames", ()):
            item.add_marker("app")
