"""One browser and one server for all tests of the folder."""

import os
from dataclasses import dataclass, field
from pathlib import Path

import pytest

from tests.dashboard.helpers.sampled_suite import make_sampled_suite
from tests.project.browser.chromium import browser, find_chromium, new_page, open_page, serve


@pytest.fixture(scope="package")
def chromium():
    """A real browser; skipped, with the reason, where there is none."""
    if find_chromium() is None:
        if os.environ.get("CI"):
            pytest.fail("CI must have chromium")
        pytest.skip("no chromium on this machine; on Debian: apt-get install chromium")
    with browser() as opened:
        yield opened


@dataclass
class Visited:
    """The server, and what its first visitor saw, who came by a link to a later page.

    Attributes:
        address: of the server.
        headings: of the page that the link names.
        pages: titles in the sidebar.
        errors: of the browser.
    """

    address: str
    headings: list[str] = field(default_factory=list)
    pages: list[str] = field(default_factory=list)
    errors: list[str] = field(default_factory=list)


@pytest.fixture(scope="package")
def visited(chromium, tmp_path_factory, micro_suite) -> Visited:
    """The app on three suites: ``micro`` is the one that it opens by itself."""
    data = tmp_path_factory.mktemp("suites")
    micro = micro_suite / "data/micro"
    (data / "micro").symlink_to(micro)
    make_sampled_suite(micro, data)
    make_rounded_suite(micro, data / "rounded")
    with serve(data) as address:
        page, errors = open_page(chromium, f"{address}/loss_variation")
        yield Visited(
            address,
            page.get_by_role("heading", level=1).all_inner_texts(),
            page.locator('[data-testid="stSidebarNavLink"]').all_inner_texts(),
            errors,
        )


@pytest.fixture(scope="package")
def address(visited) -> str:
    """Of a server that somebody has visited."""
    return visited.address


@pytest.fixture(scope="package")
def visitor(chromium):
    """One page of one browser for all tests, which is light between them, and its errors."""
    return new_page(chromium)


def make_rounded_suite(source: Path, target: Path) -> None:
    """The suite without the losses of models that GPTQ quantized."""
    for file in source.glob("*/*.parquet"):
        if file.parent.name in ("quantized", "loss_histograms") and "--gptq" in file.name:
            continue
        (target / file.parent.name).mkdir(parents=True, exist_ok=True)
        (target / file.parent.name / file.name).symlink_to(file)
