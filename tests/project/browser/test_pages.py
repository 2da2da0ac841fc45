"""Every page once in a real browser: whole in light, used by hand, whole in dark."""

import pytest
from playwright.sync_api import expect

from dashboard.ui.page.navigation import PAGES
from tests.project.browser.chromium import (
    CHART,
    TABLE,
    VIEWPORT,
    bound,
    copied_link,
    go_to,
    is_whole,
    open_link,
    open_page,
    picture,
    press,
    until,
    wait_until_drawn,
)

#: Pages that are opened by a link, and what it asks for; the others by the sidebar.
LINKS = {
    "overview": "",
    "bound_explorer": "",
    "quantization": "quantizer=Grid-step+GPTQ&bits=step+0.7&code=entropy-coded",
    "curvature": "bandwidth=0.5",
    "what_if": "n=2M&form=paper%2C+four+terms&vocab=300",
    "your_losses": "own_example=true",
    "artifacts": "part=Tables&table=layers",
}

#: Charts of pages that draw all of them at once.
CHARTS = {
    "loss_variation": 4,
    "quantization": 7,
    "curvature": 11,
    "information": 8,
    "scaling_laws": 6,
    "what_if": 3,
}

WHAT = f"{CHART} svg, {TABLE} canvas"

pytestmark = pytest.mark.slow


@pytest.mark.parametrize("entry", PAGES, ids=lambda entry: entry.name)
def test_a_page_is_whole_in_both_schemes_and_heeds_its_visitor(
    chromium, address, visitor, entry, tmp_path
):
    """Loaded in light; the app follows when the visitor's system turns dark."""
    page, errors = visitor
    if entry.name in LINKS or page.url == "about:blank":
        name = entry.name if entry is not PAGES[0] else ""
        open_link(page, f"{address}/{name}?{LINKS.get(entry.name, '')}", WHAT)
    else:
        go_to(page, entry.title)
    assert page.get_by_role("heading", name=entry.title, exact=True).count() == 1
    page.get_by_role("button", name="Copy link").wait_for()
    page.get_by_role("button", name="Export view").wait_for()
    assert page.locator(CHART).count() == CHARTS.get(entry.name, page.locator(CHART).count())
    assert is_whole(page)
    BY_HAND.get(entry.name, nothing)(page, chromium, tmp_path)
    charts, light = page.locator(CHART).count(), colours(page)
    page.emulate_media(color_scheme="dark")
    until(page, lambda: are_all_others(colours(page), light))
    wait_until_drawn(page, WHAT)
    assert page.locator(CHART).count() == charts
    assert is_whole(page)
    page.emulate_media(color_scheme="light")
    assert not errors


def colours(page) -> list[str]:
    """Of what is behind the page, and of the words in its first chart, if it has one."""
    return page.evaluate(
        """chart => {
            const words = document.querySelector(`${chart} svg text`);
            const app = document.querySelector('[data-testid="stApp"]');
            const fill = words ? [getComputedStyle(words).fill] : [];
            return [getComputedStyle(app).backgroundColor, ...fill];
        }""",
        CHART,
    )


def are_all_others(colours, before) -> bool:
    """A chart has no words for the moment in which it is drawn again."""
    return len(colours) == len(before) and not {*colours} & {*before}


# --- by hand


def nothing(*_):
    """Other pages are only looked at."""


def claim_on_one_screen(page, *_):
    for chart in page.locator(CHART).all()[:2]:
        assert ends_on_the_screen(chart)


def ends_on_the_screen(chart) -> bool:
    box = chart.bounding_box()
    return box["y"] + box["height"] <= VIEWPORT["height"]


def slider_link_and_file(page, chromium, tmp_path):
    """The chart changes; the copied link opens it elsewhere; the exported view has it."""
    assert ends_on_the_screen(page.locator(CHART).first)
    before, number = picture(page), bound(page)
    press(page, "Bits per weight", "ArrowLeft")
    page.wait_for_url("**bits=3**")
    until(page, lambda: bound(page) != number)
    wait_until_drawn(page)
    until(page, lambda: picture(page) != before)
    link = copied_link(page)
    assert "/bound_explorer?suite=micro&" in link
    assert "version=" in link
    elsewhere, errors = open_page(chromium, link)
    assert bound(elsewhere) == bound(page)
    until(elsewhere, lambda: picture(elsewhere) == picture(page))
    assert elsewhere.url.partition("&version=")[0] == page.url
    assert elsewhere.locator('[data-testid="stAlert"]').count() == 0
    assert not errors
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


def layers_of_the_links_setting(page, *_):
    assert page.get_by_text("Layer by layer: ladder-12k, Grid-step GPTQ, step 0.7").count() == 1


def bandwidth(page, *_):
    assert page.locator('[data-testid="stAlert"]').count() == 0
    before = picture(page)
    press(page, "Bandwidth of the spectrum, decades", "ArrowLeft")
    page.wait_for_url("**bandwidth=0.3**")
    wait_until_drawn(page)
    until(page, lambda: picture(page) != before)


def size_that_is_typed(page, *_):
    before, number = picture(page), bound(page)
    assert number.startswith("≈")
    size = page.get_by_role("textbox", name="Parameters N")
    assert size.input_value() == "2M"
    size.fill("3B")
    size.press("Enter")
    page.wait_for_url("**n=3B**")
    page.get_by_text("N = 3B").first.wait_for()
    wait_until_drawn(page)
    until(page, lambda: bound(page) != number and picture(page) != before)
    assert page.get_by_text("beyond the largest measured model").count() >= 1
    assert page.locator(CHART).count() == CHARTS["what_if"]


def file_of_losses(page, _, tmp_path):
    """The example, downloaded and given back; it is gone after a visit to another page."""
    shown = bound(page)
    with page.expect_download() as download:
        page.get_by_role("button", name="Download the example").click()
    file = tmp_path / download.value.suggested_filename
    download.value.save_as(file)
    link = copied_link(page)
    page.locator('[data-testid="stSidebar"]').get_by_text("Show the example").click()
    page.get_by_text("Missing: a file; in the sidebar").wait_for()  # they were the example's
    page.goto(link.replace("own_example=true", "own_example=false"))
    page.get_by_text("Missing: a file").wait_for()
    page.locator('[data-testid="stFileUploader"] input[type="file"]').set_input_files(str(file))
    wait_until_drawn(page)
    assert bound(page) == shown
    go_to(page, "Overview")
    page.locator('[data-testid="stSidebarNav"]').get_by_role("link", name="Your losses").click()
    page.get_by_role("heading", name="Your losses", exact=True).wait_for()
    page.get_by_text("Missing: a file").wait_for()
    page.locator('[data-testid="stSidebar"]').get_by_text("Show the example").click()
    wait_until_drawn(page)


def rows_by_a_filter(page, *_):
    rows = page.get_by_text("rows 1 to ")
    whole = rows.inner_text()
    field = page.get_by_role("textbox", name="Rows where")
    field.fill("bits = 3; layer ~ attention")
    field.press("Enter")
    page.wait_for_url("**where=**")
    expect(rows).not_to_have_text(whole, timeout=60_000)
    shown = rows.inner_text()
    page.reload()
    wait_until_drawn(page, WHAT)
    assert field.input_value() == "bits = 3; layer ~ attention"
    assert rows.inner_text() == shown


BY_HAND = {
    "overview": claim_on_one_screen,
    "bound_explorer": slider_link_and_file,
    "quantization": layers_of_the_links_setting,
    "curvature": bandwidth,
    "what_if": size_that_is_typed,
    "your_losses": file_of_losses,
    "artifacts": rows_by_a_filter,
}
