"""A real browser and a real server, for tests and screenshots."""

import os
import shutil
import socket
import subprocess
import sys
import time
import urllib.request
from collections.abc import Iterator
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


def wait_until_drawn(page: Page, what: str = f"{CHART} svg") -> None:
    """Wait until the first chart (or what else is to be seen) is there and the script at rest."""
    page.wait_for_selector(what, timeout=60_000)
    page.wait_for_selector(
        '[data-testid="stApp"][data-test-script-state="notRunning"]', timeout=60_000
    )
    page.wait_for_timeout(500)


def open_page(chromium, url, what=f"{CHART} svg"):
    """A page in a fresh context, drawn, with the list that its errors will be in."""
    page = chromium.new_context(viewport=VIEWPORT, color_scheme="light").new_page()
    errors: list[str] = []
    page.on("pageerror", lambda error: errors.append(str(error)))
    page.goto(url)
    wait_until_drawn(page, what)
    return page, errors


def bound(page):
    """The first number of a page, as it is written."""
    return page.locator(METRIC).first.inner_text()
