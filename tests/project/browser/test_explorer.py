"""One visit with a real browser: move a slider, see the chart change, reopen the copied link."""

import shutil

import pytest

from tests.project.browser.chromium import (
    CHART,
    VIEWPORT,
    bound,
    open_page,
    serve,
    wait_until_drawn,
)

pytestmark = pytest.mark.slow


@pytest.fixture(scope="module")
def address(micro_suite):
    with serve(micro_suite / "data") as url:
        yield url


def picture(page):
    return page.locator(CHART).first.screenshot()


def test_a_slider_moves_the_chart_and_the_link_restores_the_view(chromium, address):
    page, errors = open_page(chromium, f"{address}/bound_explorer")
    before, number = picture(page), bound(page)
    thumb = page.get_by_role("slider", name="Bits per weight")
    thumb.focus()
    thumb.press("ArrowLeft")
    page.wait_for_url("**bits=3**")
    wait_until_drawn(page)
    assert picture(page) != before
    assert bound(page) != number
    link = page.url
    elsewhere, more_errors = open_page(chromium, link)
    assert bound(elsewhere) == bound(page)
    assert picture(elsewhere) == picture(page)
    assert elsewhere.url == link
    assert not errors + more_errors


def test_the_quantization_page_follows_its_link(chromium, address):
    link = f"{address}/quantization?quantizer=Grid-step+GPTQ&bits=step+0.7&code=entropy-coded"
    page, errors = open_page(chromium, link)
    assert fits_with(page, charts=7)
    assert page.get_by_text("Layer by layer: ladder-12k, Grid-step GPTQ, step 0.7").count() == 1
    assert not errors


def test_the_curvature_page_follows_its_controls(chromium, address):
    page, errors = open_page(chromium, f"{address}/curvature?bandwidth=0.5")
    assert fits_with(page, charts=11)
    assert page.locator('[data-testid="stAlert"]').count() == 0
    before = picture(page)
    thumb = page.get_by_role("slider", name="Bandwidth of the spectrum, decades")
    thumb.focus()
    thumb.press("ArrowLeft")
    page.wait_for_url("**bandwidth=0.3**")
    wait_until_drawn(page)
    assert picture(page) != before
    assert not errors


def test_the_what_if_page_predicts_what_is_typed(chromium, address):
    link = f"{address}/what_if?n=2M&form=paper%2C+four+terms&vocab=300"
    page, errors = open_page(chromium, link)
    assert fits_with(page, charts=3)
    before, number = picture(page), bound(page)
    assert number.startswith("≈")
    size = page.get_by_role("textbox", name="Parameters N")
    assert size.input_value() == "2M"
    size.fill("3B")
    size.press("Enter")
    page.wait_for_url("**n=3B**")
    page.get_by_text("N = 3B").first.wait_for()
    wait_until_drawn(page)
    assert bound(page) != number
    assert picture(page) != before
    assert page.get_by_text("beyond the largest measured model").count() >= 1
    assert fits_with(page, charts=3)
    assert not errors


def test_a_link_to_another_size_shows_what_the_laws_say(chromium, address):
    page, errors = open_page(chromium, f"{address}/bound_explorer?model=another+size&n=5M")
    assert page.get_by_text("5M parameters: no model of this size was measured").count() == 1
    assert page.get_by_text("beyond the largest measured model").count() == 1
    assert not errors


def test_a_links_view_goes_along_to_the_next_page_though_nothing_was_touched(chromium, address):
    page, errors = open_page(
        chromium, f"{address}/bound_explorer?bits=3&delta=0.01&code=nominal&model=ladder-6k"
    )
    page.get_by_role("link", name="Quantization").click()
    page.get_by_role("heading", name="Quantization", exact=True).wait_for()
    wait_until_drawn(page)
    assert page.get_by_text("Layer by layer: ladder-6k, GPTQ, 3 bits").count() == 1
    for part in ("bits=3", "delta=0.01", "code=nominal", "model=ladder-6k"):
        assert part in page.url
    # What is put back to its default stays there on the next page.
    thumb = page.get_by_role("slider", name="Bits per weight")
    thumb.focus()
    thumb.press("ArrowRight")
    page.get_by_text("Layer by layer: ladder-6k, GPTQ, 4 bits").wait_for()
    wait_until_drawn(page)
    page.get_by_role("link", name="Loss variation").click()
    page.get_by_role("heading", name="Loss variation", exact=True).wait_for()
    wait_until_drawn(page)
    assert "bits=" not in page.url
    assert "delta=0.01" in page.url
    assert page.locator('[data-testid="stAlert"]').count() == 0
    assert not errors


def fits_with(page, charts):
    """Whether so many charts are drawn and the page is no wider than a laptop's screen."""
    width = page.evaluate("document.documentElement.scrollWidth")
    return page.locator(CHART).count() == charts and width <= VIEWPORT["width"]


def choose(page, position, option):
    """Pick an option of the sidebar's select box at this position, and wait for the new picture."""
    field = page.locator('[data-testid="stSelectbox"]').nth(position).locator("input")
    field.click()
    field.press("ArrowDown")  # opens the list if the click has not
    page.get_by_role("option", name=option, exact=True).click()
    page.wait_for_timeout(1000)
    wait_until_drawn(page)


def test_what_the_controls_show_is_what_the_page_computes(chromium, tmp_path, micro_suite):
    """Also where another suite lacks the chosen quantizer, and another quantizer the rate."""
    shutil.copytree(micro_suite / "data/micro", tmp_path / "micro")
    shutil.copytree(micro_suite / "data/micro", tmp_path / "rounded")
    for table in ("quantized", "loss_histograms"):
        for file in (tmp_path / "rounded" / table).glob("*--gptq*"):
            file.unlink()
    with serve(tmp_path) as address:
        page, errors = open_page(chromium, f"{address}/bound_explorer?suite=micro")
        for position, option, shown in (
            (2, "Grid-step GPTQ", "Grid-step GPTQ, step "),
            (2, "GPTQ", "GPTQ, 4 bits"),
            (2, "Grid-step GPTQ", "Grid-step GPTQ, step "),
            (0, "rounded", "Round to nearest, 4 bits"),
        ):
            choose(page, position, option)
            headline = page.get_by_text("training tokens), ").first.inner_text()
            assert f"training tokens), {shown}" in headline
            box = page.locator('[data-testid="stSelectbox"]').nth(2)
            assert box.locator("input").input_value() == shown.partition(", ")[0]
            slider = page.locator('[data-testid="stSlider"]').first.inner_text()
            assert shown.partition(", ")[2].removesuffix(" bits").strip() in slider
            assert page.locator('[data-testid="stAlert"]').count() == 0
        assert not errors


def test_the_first_visitor_of_a_fresh_server_may_come_by_a_link_to_a_page(chromium, micro_suite):
    with serve(micro_suite / "data") as fresh:
        page, errors = open_page(chromium, f"{fresh}/loss_variation")
        assert page.get_by_role("heading", name="Loss variation").count() == 1
        assert page.get_by_text("Bound explorer").count() >= 1
        assert not errors


def test_a_bad_link_shows_a_sentence(chromium, address):
    page, errors = open_page(chromium, f"{address}/bound_explorer?delta=0&suite=nope")
    alerts = page.locator('[data-testid="stAlert"]').all_inner_texts()
    assert len(alerts) == 2
    assert any("delta 0, which" in text for text in alerts)
    page.get_by_role("link", name="Loss variation").click()
    page.get_by_role("heading", name="Loss variation", exact=True).wait_for()
    wait_until_drawn(page)
    assert page.locator('[data-testid="stAlert"]').count() == 0
    assert not errors
