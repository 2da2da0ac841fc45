import os

import pytest

from tests.project.browser.chromium import browser, find_chromium


@pytest.fixture(scope="module")
def chromium():
    """A real browser; skipped, with the reason, where there is none."""
    if find_chromium() is None:
        if os.environ.get("CI"):
            pytest.fail("CI must have chromium")
        pytest.skip("no chromium on this machine; on Debian: apt-get install chromium")
    with browser() as opened:
        yield opened
