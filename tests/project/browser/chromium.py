"""A real browser and a real server, for tests and screenshots."""

import os
import re
import shutil
import socket
import subprocess
import sys
import time
import urllib.request
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path

from playwright.sync_api import Browser, Page, sync_playwright

ROOT = Path(__file__).resolve().parents[3]

CHART = '[data-testid="stVegaLiteChart"]'
TABLE = '[data-testid="stDataFrame"]'
METRIC = '[data-testid="stMetricValue"]'

#: A laptop's screen.
VIEWPORT = {"width": 1280, "height": 800}

FLAGS = [
    "--no-sandbox",  # CI runs as root
    "--disable-gpu",
    "--disable-background-networking",
    "--disable-component-update",
    "--disable-sync",
    "--no-first-run",
]


def find_chromium() -> str | None:
    """Path of an installed Chromium or Chrome."""
    names = ("chromium", "chromium-browser", "google-chrome")
    return next((path for name in names if (path := shutil.which(name))), None)


@dataclass(frozen=True)
class Server:
    """The app, running."""

    address: str
    process: subprocess.Popen


@contextmanager
def serve(data: Path | None = None) -> Iterator[str]:
    """Run the app on a free port; its address."""
    with serving(data) as server:
        yield server.address


@contextmanager
def serving(data: Path | None = None) -> Iterator[Server]:
    """Run the app on a free port."""
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        port = probe.getsockname()[1]
    command = [sys.executable, "-m", "streamlit", "run", "app.py", "--server.headless", "true"]
    command += ["--server.port", str(port), "--server.address", "127.0.0.1"]
    environment = os.environ | ({"BOUNDSCAPE_DATA": str(data)} if data else {})
    process = subprocess.Popen(
        command, cwd=ROOT, env=environment, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL
    )
    address = f"http://127.0.0.1:{port}"
    try:
        for _ in range(300):
            try:
                with urllib.request.urlopen(f"{address}/_stcore/health", timeout=1):
                    break
            except OSError:
                time.sleep(0.2)
        else:
            raise TimeoutError("the app did not start within a minute")
        yield Server(address, process)
    finally:
        process.terminate()
        process.wait()


@contextmanager
def browser() -> Iterator[Browser]:
    """Headless Chromium."""
    with sync_playwright() as playwright:
        opened = playwright.chromium.launch(executable_path=find_chromium(), args=FLAGS)
        yield opened
        opened.close()


#: Whether the script is at rest, all that it drew is of its last run, and every chart in sight (one
#: at least, or what else is to be seen) has its picture.
AT_REST = """
([chart, what]) => {
    const app = document.querySelector('[data-testid="stApp"]');
    const drawn = each => each.offsetParent === null || each.querySelector("svg");
    return app?.dataset.testScriptState === "notRunning"
        && !document.querySelector('[data-stale="true"], [data-testid="stSkeleton"]')
        && document.querySelector(what) !== null
        && [...document.querySelectorAll(chart)].every(drawn);
}
"""


#: Milliseconds between looks: each lays the page out, and the server has the same cores.
LOOK_EVERY = 150


def wait_until_drawn(page: Page, what: str = f"{CHART} svg") -> None:
    """Wait until the script is at rest and everything is drawn: a chart, or what else is named."""
    page.wait_for_function(AT_REST, arg=[CHART, what], timeout=60_000, polling=LOOK_EVERY)


def until(page: Page, condition: Callable[[], object]) -> None:
    """Wait until what the page shows is so; for what no locator can say."""
    end = time.monotonic() + 60
    while not condition():
        assert time.monotonic() < end, "nothing happened in a minute"
        page.wait_for_timeout(LOOK_EVERY)


def new_page(chromium: Browser) -> tuple[Page, list[str]]:
    """A laptop's page in a fresh context, with the list that its errors will be in."""
    page = chromium.new_context(viewport=VIEWPORT, color_scheme="light").new_page()
    errors: list[str] = []
    page.on("pageerror", lambda error: errors.append(str(error)))
    return page, errors


def open_page(chromium: Browser, url: str, what: str = f"{CHART} svg") -> tuple[Page, list[str]]:
    """A page in a fresh context, drawn, with the list that its errors will be in."""
    page, errors = new_page(chromium)
    open_link(page, url, what)
    return page, errors


def open_link(page: Page, url: str, what: str = f"{CHART} svg") -> None:
    """Load an address, until everything is drawn."""
    page.goto(url)
    wait_until_drawn(page, what)


def go_to(page: Page, title: str, what: str = f"{CHART} svg") -> None:
    """Follow the sidebar's link to a page."""
    page.locator('[data-testid="stSidebarNav"]').get_by_role("link", name=title).click()
    page.get_by_role("heading", name=title, exact=True).wait_for()
    wait_until_drawn(page, what)


def picture(page: Page) -> bytes:
    """The first chart of a page, as it looks."""
    return page.locator(CHART).first.screenshot()


def bound(page: Page) -> str:
    """The first number of a page, as it is written."""
    return page.locator(METRIC).first.inner_text()


def copied_link(page: Page) -> str:
    """What the button *Copy link* puts into the clipboard."""
    page.context.grant_permissions(["clipboard-read", "clipboard-write"])
    page.get_by_role("button", name="Copy link").click()
    page.get_by_text("Link copied").wait_for()
    return page.evaluate("navigator.clipboard.readText()")


def press(page: Page, slider: str, key: str) -> None:
    """Move a slider with the keyboard."""
    thumb = page.get_by_role("slider", name=slider)
    thumb.focus()
    thumb.press(key)


def is_whole(page: Page) -> bool:
    """Whether nothing went wrong and the page is no wider than a laptop's screen."""
    broken = page.locator('[data-testid="stException"]').count()
    said = page.get_by_text(re.compile("Something went wrong|does not exist here")).count()
    width = page.evaluate("document.documentElement.scrollWidth")
    return not broken and not said and width <= VIEWPORT["width"]
