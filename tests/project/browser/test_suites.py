"""Sampled suites, units and comparisons with a real browser."""

import pytest
from playwright.sync_api import expect

from tests.dashboard.helpers.sampled_suite import STAND_IN, make_sampled_suite
from tests.project.browser.chromium import (
    CHART,
    METRIC,
    VIEWPORT,
    bound,
    open_page,
    serve,
    wait_until_drawn,
)

pytestmark = pytest.mark.slow


@pytest.fixture(scope="module")
def address(tmp_path_factory, micro_suite):
    data = tmp_path_factory.mktemp("suites")
    (data / "micro").symlink_to(micro_suite / "data/micro")
    make_sampled_suite(micro_suite / "data/micro", data)
    make_sampled_suite(micro_suite / "data/micro", data, "stand-in", STAND_IN)
    with serve(data) as url:
        yield url


def unbroken(page):
    wide = page.evaluate("document.documentElement.scrollWidth")
    return wide <= VIEWPORT["width"] and page.locator('[data-testid="stException"]').count() == 0


def test_suites_are_compared_by_a_link_and_by_hand(chromium, address):
    page, errors = open_page(chromium, f"{address}/bound_explorer?suite=sampled&compare=micro")
    charts = page.locator(CHART).count()
    assert page.get_by_text("compare only in bits per byte").count() == 1
    number = bound(page)
    page.get_by_role("radio", name="bits per byte").click()
    page.wait_for_url("**unit=bits+per+byte**")
    expect(page.locator(METRIC).first).not_to_have_text(number, timeout=60_000)
    wait_until_drawn(page)
    assert page.get_by_text("compare only in bits per byte").count() == 0
    assert "compare=micro" in page.url
    assert unbroken(page)
    page.get_by_role("link", name="Scaling laws").click()
    page.get_by_role("heading", name="Scaling laws", exact=True).wait_for()
    wait_until_drawn(page)
    assert page.get_by_text("Training loss, view by view").count() == 1
    assert "compare=micro" in page.url
    assert "unit=bits+per+byte" in page.url
    assert page.locator(CHART).count() > charts
    assert unbroken(page)
    assert not errors


def test_a_view_is_kept_by_hand_and_opened_by_a_link(chromium, address):
    page, errors = open_page(chromium, f"{address}/bound_explorer?suite=micro")
    charts = page.locator(CHART).count()
    page.get_by_role("button", name="Pin this view to compare").click()
    page.wait_for_url("**beside=**")
    page.get_by_role("button", name="Stop comparing").wait_for()
    wait_until_drawn(page)
    page.get_by_role("radio", name="entropy-coded").click()
    page.wait_for_url("**code=entropy-coded**")
    page.locator(CHART).nth(charts).wait_for()
    wait_until_drawn(page)
    assert page.locator(CHART).count() == charts + 1
    assert unbroken(page)
    number = bound(page)
    other, more = open_page(chromium, page.url)
    assert bound(other) == number
    assert other.locator(CHART).count() == charts + 1
    other.get_by_role("button", name="Stop comparing").click()
    other.get_by_role("button", name="Pin this view to compare").wait_for()
    wait_until_drawn(other)
    assert "beside=" not in other.url
    assert other.locator(CHART).count() == charts
    assert not [*errors, *more]


def test_a_stand_in_is_said_to_be_one(chromium, address):
    page, errors = open_page(chromium, f"{address}/bound_explorer?suite=stand-in")
    alerts = page.locator('[data-testid="stAlert"]').all_inner_texts()
    assert any("stands in for the training text" in text for text in alerts)
    assert page.get_by_text("not certified").count() >= 1
    assert unbroken(page)
    assert not errors
