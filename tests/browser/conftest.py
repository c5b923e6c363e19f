"""The demonstration once a session, and for each test a copy of it behind a web server."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from pathlib import Path
from typing import TYPE_CHECKING

import pytest

from tests.browser.house import house, seeded
from tests.browser.visitor import Visitor

if TYPE_CHECKING:
    from playwright.sync_api import Browser

Visit = Callable[..., Visitor]
"""`visit(who, size="phone", scripts=True)`: somebody of the demonstration, by the word before the @."""


@pytest.fixture(scope="session")
def _demonstration(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return seeded(tmp_path_factory.mktemp("demonstration"))


@pytest.fixture
def address(_demonstration: Path, tmp_path: Path) -> Iterator[str]:
    """Where the pages are."""
    with house(_demonstration, tmp_path) as at:
        yield at


@pytest.fixture
def visit(browser: Browser, address: str) -> Visit:
    def visit(who: str, size: str = "phone", *, scripts: bool = True) -> Visitor:
        email = who if "@" in who else f"{who}@footbridge.example"
        return Visitor(browser, address, email, size, scripts)

    return visit
