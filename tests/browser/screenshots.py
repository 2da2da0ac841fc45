"""Take the README's screenshots: ``make screenshots`` writes ``docs/*.png``."""

from tests.browser.chromium import ROOT, VIEWPORT, browser, serve, wait_until_drawn


def main() -> None:
    """One picture per page, in light colours, on the shipped artifacts."""
    folder = ROOT / "docs"
    folder.mkdir(exist_ok=True)
    with serve() as address, browser() as opened:
        page = opened.new_page(viewport=VIEWPORT, color_scheme="light")
        page.goto(address)
        wait_until_drawn(page)
        page.screenshot(path=folder / "bound-explorer.png")


if __name__ == "__main__":
    main()
