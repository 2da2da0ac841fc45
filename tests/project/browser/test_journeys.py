"""From page to page and from suite to suite in a real browser, by links and by hand."""

from urllib.parse import quote

import pytest
from playwright.sync_api import expect

from dashboard.ui.page.navigation import PAGES
from tests.dashboard.helpers.hostile import VALUES
from tests.project.browser.chromium import (
    CHART,
    METRIC,
    bound,
    go_to,
    is_whole,
    open_link,
    open_page,
    press,
    until,
    wait_until_drawn,
)

pytestmark = pytest.mark.slow

ALERT = '[data-testid="stAlert"]'


def test_the_first_visitor_of_a_fresh_server_may_come_by_a_link_to_a_page(visited):
    assert visited.headings == ["Loss variation"]
    assert len(visited.pages) == len(PAGES)
    assert not visited.errors


def test_the_typed_name_of_the_first_page_opens_it_with_what_the_address_says(visitor, address):
    """A server that somebody has visited: before, every file of ``pages`` has its own address."""
    page, errors = visitor
    open_link(page, f"{address}/overview?suite=rounded&delta=0.01")
    page.wait_for_url(f"{address}/?suite=rounded&delta=0.01")
    assert page.get_by_role("heading", name="Overview", exact=True).count() == 1
    assert page.get_by_text("Page not found").count() == 0
    assert page.get_by_text("(δ = 0.01)").count() == 1
    assert page.locator('[data-testid="stSidebarNavLink"]').count() == len(PAGES)
    assert not errors


def test_a_links_view_goes_along_to_the_next_page_though_nothing_was_touched(visitor, address):
    page, errors = visitor
    open_link(page, f"{address}/bound_explorer?bits=3&delta=0.01&code=nominal&model=ladder-6k")
    go_to(page, "Quantization")
    assert page.get_by_text("Layer by layer: ladder-6k, GPTQ, 3 bits").count() == 1
    for part in ("bits=3", "delta=0.01", "code=nominal", "model=ladder-6k"):
        assert part in page.url
    # What is put back to its default stays there on the next page.
    press(page, "Bits per weight", "ArrowRight")
    page.get_by_text("Layer by layer: ladder-6k, GPTQ, 4 bits").wait_for()
    wait_until_drawn(page)
    go_to(page, "Loss variation")
    assert "bits=" not in page.url
    assert "delta=0.01" in page.url
    assert page.locator(ALERT).count() == 0
    assert not errors


SHORT = [value for value in VALUES if len(value) < 60]
KEYS = ("suite", "unit", "form", "quantizer", "bits", "code", "delta", "model", "n", "x", "<b>")
TAGS = ("a", "img", "script", "iframe", "b", "strong", "em", "h1", ".katex", "svg[onload]")


def paths(page) -> int:
    return page.locator(CHART).first.inner_html().count("<path")


def test_a_strangers_link_opens_the_default_view_and_nothing_of_it_comes_to_life(visitor, address):
    page, errors = visitor
    open_link(page, f"{address}/bound_explorer")
    plain = bound(page), paths(page)
    pairs = [f"{quote(KEYS[i % len(KEYS)])}={quote(value)}" for i, value in enumerate(SHORT)]
    open_link(page, f"{address}/bound_explorer?{'&'.join(pairs)}&unit=&code=&bits=%ff%fe")
    assert (bound(page), paths(page)) == plain
    complaints = page.locator(ALERT)
    assert complaints.count() > 3
    for tag in TAGS:
        assert complaints.locator(tag).count() == 0, tag
    for code in complaints.locator("code").all_inner_texts():
        assert len(code) <= 41
    assert page.get_by_text("Something went wrong").count() == 0
    go_to(page, "Loss variation")
    assert complaints.count() == 0
    assert not errors


def test_what_the_controls_show_is_what_the_page_computes(visitor, address):
    """Also where another suite lacks the chosen quantizer, and another quantizer the rate."""
    page, errors = visitor
    open_link(page, f"{address}/bound_explorer?suite=micro")
    for control, option, shown in (
        ("Quantizer", "Grid-step GPTQ", "Grid-step GPTQ, step "),
        ("Quantizer", "GPTQ", "GPTQ, 4 bits"),
        ("Quantizer", "Grid-step GPTQ", "Grid-step GPTQ, step "),
        ("Suite of models", "rounded", "Round to nearest, 4 bits"),
    ):
        choose(page, control, option)
        page.get_by_text(f"training tokens), {shown}").first.wait_for()
        wait_until_drawn(page)
        quantizer, _, rate = shown.partition(", ")
        assert select_box(page, "Quantizer").input_value() == quantizer
        slider = page.locator('[data-testid="stSlider"]').first.inner_text()
        assert rate.removesuffix(" bits").strip() in slider
        assert page.locator(ALERT).count() == 0
    assert not errors


def select_box(page, label):
    """The field of a select box."""
    boxes = page.locator('[data-testid="stSelectbox"]')
    return boxes.filter(has=page.get_by_text(label, exact=True)).locator("input")


def choose(page, label, option):
    """Pick an option of a select box."""
    field = select_box(page, label)
    field.click()
    field.press("ArrowDown")  # opens the list if the click has not
    page.get_by_role("option", name=option, exact=True).click()


def test_suites_are_compared_by_a_link_and_by_hand(visitor, address):
    page, errors = visitor
    open_link(page, f"{address}/bound_explorer?suite=sampled&compare=micro")
    charts = page.locator(CHART).count()
    assert page.get_by_text("compare only in bits per byte").count() == 1
    number = bound(page)
    page.get_by_role("radio", name="bits per byte").click()
    page.wait_for_url("**unit=bits+per+byte**")
    expect(page.locator(METRIC).first).not_to_have_text(number, timeout=60_000)
    wait_until_drawn(page)
    assert page.get_by_text("compare only in bits per byte").count() == 0
    assert "compare=micro" in page.url
    assert is_whole(page)
    go_to(page, "Scaling laws")
    assert page.get_by_text("Training loss, view by view").count() == 1
    assert "compare=micro" in page.url
    assert "unit=bits+per+byte" in page.url
    assert page.locator(CHART).count() > charts
    assert is_whole(page)
    assert not errors


def test_a_view_is_kept_by_hand_and_opened_by_a_link(chromium, visitor, address):
    page, errors = visitor
    open_link(page, f"{address}/bound_explorer?suite=micro")
    charts = page.locator(CHART).count()
    page.get_by_role("button", name="Pin this view to compare").click()
    page.wait_for_url("**beside=**")
    page.get_by_role("button", name="Stop comparing").wait_for()
    wait_until_drawn(page)
    page.get_by_role("radio", name="entropy-coded").click()
    page.wait_for_url("**code=entropy-coded**")
    until(page, lambda: page.locator(CHART).count() == charts + 1)
    wait_until_drawn(page)
    assert is_whole(page)
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
