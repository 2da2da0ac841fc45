"""A stranger's link in a real browser: the default view, and nothing of theirs comes to life."""

from urllib.parse import quote

import pytest

from tests.dashboard.helpers.hostile import VALUES
from tests.project.browser.chromium import CHART, bound, open_page, serve

pytestmark = pytest.mark.slow


@pytest.fixture(scope="module")
def address(micro_suite):
    with serve(micro_suite / "data") as url:
        yield url


def picture(page):
    return page.locator(CHART).first.inner_html().count("<path")


SHORT = [value for value in VALUES if len(value) < 60]
KEYS = ("suite", "unit", "form", "quantizer", "bits", "code", "delta", "model", "n", "x", "<b>")


def test_the_view_is_the_default_one(chromium, address):
    address = f"{address}/bound_explorer"
    plain, _ = open_page(chromium, address)
    pairs = [f"{quote(KEYS[i % len(KEYS)])}={quote(value)}" for i, value in enumerate(SHORT)]
    page, errors = open_page(chromium, f"{address}?{'&'.join(pairs)}&unit=&code=&bits=%ff%fe")
    assert not errors
    assert bound(page) == bound(plain)
    assert picture(page) == picture(plain)
    complaints = page.locator('[data-testid="stAlert"]')
    assert complaints.count() > 3
    for tag in ("a", "img", "script", "iframe", "b", "strong", "em", "h1", ".katex", "svg[onload]"):
        assert complaints.locator(tag).count() == 0, tag
    for code in complaints.locator("code").all_inner_texts():
        assert len(code) <= 41
    assert page.locator("text=Something went wrong").count() == 0
