"""Take the README's screenshots: ``make screenshots`` writes ``docs/*.png``."""

from tests.project.browser.chromium import (
    CHART,
    ROOT,
    TABLE,
    VIEWPORT,
    browser,
    serve,
    wait_until_drawn,
)

#: Address of each page and name of its picture.
PAGES = {
    "": "overview",
    "bound_explorer?quantizer=Grid-step+GPTQ&bits=step+1&code=entropy-coded": "bound-explorer",
    "loss_variation": "loss-variation",
    "quantization?quantizer=Grid-step+GPTQ&bits=step+1&code=entropy-coded": "quantization",
    "curvature": "curvature",
    "information?quantizer=Grid-step+GPTQ&bits=step+1": "information",
    "scaling_laws?quantizer=Grid-step+GPTQ&bits=step+1&code=entropy-coded": "scaling-laws",
    "what_if?quantizer=Grid-step+GPTQ&bits=step+1&code=entropy-coded": "what-if",
    "your_losses?own_example=true": "your-losses",
    "artifacts": "artifacts",
}


def main() -> None:
    """One picture per page, in light colours, on the shipped artifacts."""
    folder = ROOT / "docs"
    folder.mkdir(exist_ok=True)
    with serve() as address, browser() as opened:
        page = opened.new_page(viewport=VIEWPORT, color_scheme="light")
        for path, name in PAGES.items():
            page.goto(f"{address}/{path}")
            wait_until_drawn(page, f"{CHART} svg, {TABLE} canvas")
            page.screenshot(path=folder / f"{name}.png")


if __name__ == "__main__":
    main()
