"""Every page in a real browser, in light and dark: it is whole, and no wider than a laptop."""

import pytest
from playwright.sync_api import expect

from dashboard.ui.page.navigation import PAGES
from tests.project.browser.chromium import (
    CHART,
    TABLE,
    VIEWPORT,
    bound,
    open_page,
    serve,
    wait_until_drawn,
)

#: What a page is asked for where it would show little by itself.
QUERIES = {"your_losses": "own_example=true", "artifacts": "part=Tables&table=layers"}

#: Charts of pages that draw all of them at once.
CHARTS = {"loss_variation": 4, "information": 6, "scaling_laws": 6}

pytestmark = pytest.mark.slow


@pytest.fixture(scope="module")
def address(micro_suite):
    with serve(micro_suite / "data") as url:
        yield url


def is_wide(page):
    return page.evaluate("document.documentElement.scrollWidth") > VIEWPORT["width"]


@pytest.mark.parametrize("entry", PAGES, ids=lambda entry: entry.name)
def test_a_page_is_whole_in_both_schemes(chromium, address, entry):
    """Loaded in light; the app follows when the visitor's system turns dark."""
    url = f"{address}/{entry.name if entry is not PAGES[0] else ''}?{QUERIES.get(entry.name, '')}"
    what = f"{CHART} svg, {TABLE} canvas"
    page, errors = open_page(chromium, url, what)
    assert page.get_by_role("heading", name=entry.title, exact=True).count() == 1
    page.get_by_role("button", name="Copy link").wait_for()
    page.get_by_role("button", name="Export view").wait_for()
    charts = page.locator(CHART).count()
    assert charts == CHARTS.get(entry.name, charts)
    light = background(page)
    check_whole(page)
    page.emulate_media(color_scheme="dark")
    page.wait_for_timeout(500)
    wait_until_drawn(page, what)
    assert background(page) != light
    assert page.locator(CHART).count() == charts
    check_whole(page)
    assert not errors


def check_whole(page):
    assert page.locator('[data-testid="stException"]').count() == 0
    assert page.get_by_text("Something went wrong").count() == 0
    assert page.get_by_text("does not exist here").count() == 0
    assert not is_wide(page)


def background(page):
    """The colour behind a page."""
    return page.evaluate(
        "getComputedStyle(document.querySelector('[data-testid=\"stApp\"]')).backgroundColor"
    )


def test_the_first_page_has_the_claim_on_one_screen(chromium, address):
    page, errors = open_page(chromium, address)
    assert page.get_by_role("heading", name="Overview", exact=True).count() == 1
    for chart in page.locator(CHART).all()[:2]:
        box = chart.bounding_box()
        assert box["y"] + box["height"] <= VIEWPORT["height"]
    page.get_by_role("link", name="Bound explorer").first.click()
    page.get_by_role("heading", name="Bound explorer", exact=True).wait_for()
    wait_until_drawn(page)
    assert page.url.startswith(f"{address}/bound_explorer")
    chart = page.locator(CHART).first.bounding_box()
    assert chart["y"] + chart["height"] <= VIEWPORT["height"]
    assert not errors


def test_the_copied_link_opens_the_same_view_in_another_browser(chromium, address):
    page, errors = open_page(chromium, f"{address}/bound_explorer?bits=3&form=paper%2C+four+terms")
    page.context.grant_permissions(["clipboard-read", "clipboard-write"])
    page.get_by_role("button", name="Copy link").click()
    page.get_by_text("Link copied").wait_for()
    link = page.evaluate("navigator.clipboard.readText()")
    assert link.startswith(f"{address}/bound_explorer?suite=micro&")
    assert "version=" in link
    elsewhere, more_errors = open_page(chromium, link)
    assert bound(elsewhere) == bound(page)
    assert elsewhere.locator('[data-testid="stAlert"]').count() == 0
    assert not errors + more_errors


def test_the_exported_view_is_read_without_a_network(chromium, address, tmp_path):
    page, _ = open_page(chromium, f"{address}/bound_explorer")
    with page.expect_download() as download:
        page.get_by_role("button", name="Export view").click()
    file = tmp_path / "view.html"
    download.value.save_as(file)
    reader = chromium.new_context(offline=True).new_page()
    asked: list[str] = []
    reader.on("request", lambda request: asked.append(request.url))
    reader.goto(file.as_uri())
    assert all(url.startswith(("file:", "data:")) for url in asked)
    widths = reader.evaluate("[...document.images].map(image => image.naturalWidth)")
    assert len(widths) == page.locator(CHART).count()
    assert min(widths) > 0
    assert reader.get_by_text(bound(page)).count() >= 1


def test_rows_are_filtered_by_hand_and_the_link_restores_them(chromium, address):
    link = f"{address}/artifacts?part=Tables&table=layers"
    page, errors = open_page(chromium, link, what=f"{TABLE} canvas")
    rows = page.get_by_text("rows 1 to ")
    whole = rows.inner_text()
    field = page.get_by_role("textbox", name="Rows where")
    field.fill("bits = 3; layer ~ attention")
    field.press("Enter")
    page.wait_for_url("**where=**")
    expect(rows).not_to_have_text(whole, timeout=60_000)
    wait_until_drawn(page, f"{TABLE} canvas")
    shown = rows.inner_text()
    elsewhere, more_errors = open_page(chromium, page.url, what=f"{TABLE} canvas")
    assert elsewhere.get_by_role("textbox", name="Rows where").input_value() == (
        "bits = 3; layer ~ attention"
    )
    assert elsewhere.get_by_text("rows 1 to ").inner_text() == shown
    assert not errors + more_errors


def test_a_file_of_losses_is_read_and_let_go_with_its_page(chromium, address, tmp_path):
    """The example, downloaded and given back."""
    page, errors = open_page(chromium, f"{address}/your_losses?own_example=true")
    shown = bound(page)
    with page.expect_download() as download:
        page.get_by_role("button", name="Download the example").click()
    file = tmp_path / download.value.suggested_filename
    download.value.save_as(file)
    page.context.grant_permissions(["clipboard-read", "clipboard-write"])
    page.get_by_role("button", name="Copy link").click()
    page.get_by_text("Link copied").wait_for()
    link = page.evaluate("navigator.clipboard.readText()")
    page.locator('[data-testid="stSidebar"]').get_by_text("Show the example").click()
    page.get_by_text("Missing: a file; in the sidebar").wait_for()  # they were the example's
    page.goto(link.replace("own_example=true", "own_example=false"))
    page.get_by_text("Missing: a file").wait_for()
    page.locator('[data-testid="stFileUploader"] input[type="file"]').set_input_files(str(file))
    wait_until_drawn(page)
    assert bound(page) == shown
    page.get_by_role("link", name="Overview").first.click()
    page.get_by_role("heading", name="Overview", exact=True).wait_for()
    page.get_by_role("link", name="Your losses").first.click()
    page.get_by_role("heading", name="Your losses", exact=True).wait_for()
    page.get_by_text("Missing: a file").wait_for()
    assert not errors


def test_the_typed_name_of_the_first_page_opens_it_with_what_the_address_says(chromium, address):
    """A server that somebody has visited: before, every file of ``pages`` has its own address."""
    open_page(chromium, f"{address}/bound_explorer")
    page, errors = open_page(chromium, f"{address}/overview?suite=micro&delta=0.01")
    page.wait_for_url(f"{address}/?delta=0.01")  # the only suite needs no name
    assert page.get_by_role("heading", name="Overview", exact=True).count() == 1
    assert page.get_by_text("Page not found").count() == 0
    assert page.get_by_text("(δ = 0.01)").count() == 1
    assert page.locator('[data-testid="stSidebarNavLink"]').count() == len(PAGES)
    assert not errors
