"""The system's Chromium, without a window. Playwright's own download is not used: it does not work everywhere."""

from __future__ import annotations

import shutil
from collections.abc import Iterator
from contextlib import contextmanager
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from playwright.sync_api import Browser

_NAMES = ("chromium", "chromium-browser", "google-chrome", "google-chrome-stable")
_FLAGS = (
    "--no-sandbox",
    "--disable-gpu",
    "--disable-quic",
    "--no-first-run",
    "--disable-background-networking",
    "--disable-component-update",
    "--disable-sync",
)


def chromium_path() -> str:
    """Where Chromium is. Raises RuntimeError with what to install."""
    for name in _NAMES:
        if found := shutil.which(name):
            return found
    raise RuntimeError(
        "Chromium is not installed here. On Debian: apt-get install chromium; on macOS install Google Chrome "
        "and put google-chrome on the PATH"
    )


@contextmanager
def chromium() -> Iterator[Browser]:
    """A browser for the length of the block. While it is open, this thread cannot run an asyncio loop of its own."""
    from playwright.sync_api import sync_playwright  # not at import: most tests need no browser

    path = chromium_path()
    with sync_playwright() as playwright:
        browser = playwright.chromium.launch(executable_path=path, args=list(_FLAGS))
        try:
            yield browser
        finally:
            browser.close()
