"""Speed as a visitor feels it, in a real browser: to the first chart, and from a control to the new
picture, alone and among many visitors."""

import asyncio
import statistics
import time
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from dataclasses import dataclass
from pathlib import Path

from playwright.async_api import Browser, Page, async_playwright
from playwright.async_api import TimeoutError as NothingDrawn

from dashboard.ui.page.navigation import PAGES
from tests.project.browser.chromium import CHART, FLAGS, METRIC, VIEWPORT, find_chromium, serving

#: Starts of the app, each of a process of its own.
STARTS = 5

#: Moves of a control on every page.
MOVES = 12

#: Pages that draw no chart before a visitor brings something.
WITHOUT_CHARTS = ("artifacts", "your_losses")

#: Visitors at once, seconds between what one of them does, and for how long.
CLIENTS, EVERY_SECONDS, FOR_SECONDS = 20, 3.0, 60.0

#: The picture counts as complete once no chart has changed for so long.
STILL_MS = 400

#: Notes when a control was released, and when a chart last changed after that.
_WATCH = f"""
window.felt = {{released: null, drawn: null}};
for (const event of ["keyup", "pointerup"])
  addEventListener(event, () => {{
    window.felt = {{released: performance.now(), drawn: null}};
  }}, true);
new MutationObserver(changes => {{
  if (changes.some(c => c.target.closest && c.target.closest('{CHART}')))
    window.felt.drawn = performance.now();
}}).observe(document, {{subtree: true, childList: true, attributes: true}});
"""

_AT_REST = f"""() => {{
  const app = document.querySelector('[data-testid="stApp"]');
  return app && app.dataset.testScriptState === "notRunning" && felt.drawn !== null
    && performance.now() - felt.drawn > {STILL_MS};
}}"""


@dataclass(frozen=True)
class Together:
    """What many visitors at once found.

    Attributes:
        seconds: from release to picture, of every move.
        wrong: moves after which the page showed another number than it shows a lone visitor.
        late: moves that showed no new picture within a minute.
        peak_bytes: most memory that the server held.
    """

    seconds: list[float]
    wrong: int
    late: int
    peak_bytes: int


def report() -> None:
    """Print every figure."""
    asyncio.run(_report())


async def _report() -> None:
    async with _chromium() as browser:
        starts = [await _first_chart(browser) for _ in range(STARTS)]
        print(f"From start to the first chart, {STARTS} fresh processes: {_summary(starts)}")
        with serving() as server:
            print(
                f"From a control's release to the new picture, {MOVES} moves a page, one visitor:"
            )
            everything: list[float] = []
            for page in (page for page in PAGES if page.name not in WITHOUT_CHARTS):
                # The first page has the address without a name; with one it is not found.
                name = "" if page is PAGES[0] else page.name
                found = await _moves(browser, f"{server.address}/{name}", MOVES)
                everything += found
                print(f"  {page.title}: {_summary(found)}")
            print(f"  all pages: {_summary(everything)}")
        with serving() as server:
            together = await _many(browser, server.address, server.process.pid)
        print(
            f"{CLIENTS} visitors, each acting every {EVERY_SECONDS:g} s for {FOR_SECONDS:g} s: "
            f"{len(together.seconds)} moves, {_summary(together.seconds)}; "
            f"{together.wrong} wrong numbers, {together.late} without a picture; the server held "
            f"{together.peak_bytes / 1e9:.2f} GB at most"
        )


@asynccontextmanager
async def _chromium() -> AsyncIterator[Browser]:
    async with async_playwright() as playwright:
        browser = await playwright.chromium.launch(executable_path=find_chromium(), args=FLAGS)
        yield browser
        await browser.close()


async def _open(browser: Browser, address: str) -> Page:
    context = await browser.new_context(viewport=VIEWPORT)
    await context.add_init_script(_WATCH)
    page = await context.new_page()
    await page.goto(address)
    await page.wait_for_function(_AT_REST, timeout=60_000)
    return page


async def _first_chart(browser: Browser) -> float:
    """Seconds from the command to the first chart of the first page."""
    begun = time.perf_counter()
    with serving() as server:
        page = await browser.new_page(viewport=VIEWPORT)
        await page.goto(server.address)
        await page.wait_for_selector(f"{CHART} svg", timeout=60_000)
        seconds = time.perf_counter() - begun
        await page.close()
    return seconds


async def _moves(browser: Browser, address: str, count: int) -> list[float]:
    """Seconds from release to picture of one control, moved to and fro.

    The first move of each kind is left out: it computes what later ones remember.
    """
    page = await _open(browser, address)
    seconds = [await _move(page, forth=move % 2 == 0) for move in range(count + 2)]
    await page.context.close()
    return seconds[2:]


async def _move(page: Page, forth: bool) -> float:
    """Seconds from the release of the sidebar's first slider, at one end or the other, to the last
    change of a chart.

    Raises:
        NothingDrawn: nothing changed in a minute.
    """
    await page.get_by_test_id("stSidebar").get_by_role("slider").first.focus()
    await page.keyboard.press("Home" if forth else "End")
    await page.wait_for_function(_AT_REST, timeout=60_000)
    return await page.evaluate("(felt.drawn - felt.released) / 1000")


async def _many(browser: Browser, address: str, pid: int) -> Together:
    """Visitors who come one after the other and then move a slider each, at the same pace."""
    target = f"{address}/bound_explorer"
    page = await _open(browser, target)
    alone = {}
    for forth in (True, False):
        await _move(page, forth)
        alone[forth] = await page.locator(METRIC).first.inner_text()
    await page.context.close()
    pages = [await _open(browser, target) for _ in range(CLIENTS)]
    end = time.monotonic() + FOR_SECONDS
    seconds: list[float] = []
    wrong = late = 0

    async def visit(page: Page, delay: float) -> None:
        nonlocal wrong, late
        await asyncio.sleep(delay)
        forth = True
        while time.monotonic() < end:
            begun = time.monotonic()
            try:
                seconds.append(await _move(page, forth))
            except NothingDrawn:
                late += 1
            else:
                wrong += await page.locator(METRIC).first.inner_text() != alone[forth]
            forth = not forth
            await asyncio.sleep(max(0.0, EVERY_SECONDS - (time.monotonic() - begun)))

    async def watch() -> int:
        peak = 0
        while time.monotonic() < end:
            peak = max(peak, _resident_bytes(pid))
            await asyncio.sleep(0.5)
        return peak

    delays = [EVERY_SECONDS * client / CLIENTS for client in range(CLIENTS)]
    peak, *_ = await asyncio.gather(watch(), *map(visit, pages, delays))
    return Together(seconds, wrong, late, peak)


def _resident_bytes(pid: int) -> int:
    """Memory that a process holds (Linux)."""
    for line in Path(f"/proc/{pid}/status").read_text().splitlines():
        if line.startswith("VmRSS:"):
            return 1024 * int(line.split()[1])
    raise ValueError(f"/proc/{pid}/status has no VmRSS")


def _summary(seconds: list[float]) -> str:
    """Median, 95th percentile and slowest."""
    ranked = sorted(seconds)
    high = ranked[min(len(ranked) - 1, int(0.95 * len(ranked)))]
    return f"median {statistics.median(ranked):.2f} s, p95 {high:.2f} s, slowest {ranked[-1]:.2f} s"


if __name__ == "__main__":
    report()
