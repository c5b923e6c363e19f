"""The three pictures of the README, of a fresh demonstration: `python -m tests.browser.pictures`."""

from __future__ import annotations

import tempfile
from pathlib import Path

from records import engine
from records.commands.upkeep import mark_upkeep_ran
from tests.browser.house import house, seeded
from tests.browser.visitor import sign_in
from tests.support.chromium import chromium

IMAGES = Path(__file__).parents[2] / "docs/images"
PICTURES = {
    "planner.png": ("planner@riverside.example", "/referrals", (1100, 760)),
    "bridger.png": ("bridger1@footbridge.example", "/today", (400, 860)),
    "board.png": ("supervisor@footbridge.example", "/board", (1100, 760)),
}
"""File → who signs in, the page, and the size of the window: what one sees without scrolling."""


def main() -> None:
    """Photograph a fresh demonstration, each face once."""
    IMAGES.mkdir(parents=True, exist_ok=True)
    with tempfile.TemporaryDirectory() as kept:
        place = Path(kept)
        with house(seeded(place), place) as address, chromium() as browser:
            with engine.transaction() as session:
                mark_upkeep_ran(session)  # as when a worker runs
            for name, (email, path, (width, height)) in PICTURES.items():
                with browser.new_context(viewport={"width": width, "height": height}) as context:
                    page = context.new_page()
                    sign_in(page, address, email)
                    page.goto(address + path)
                    page.screenshot(path=IMAGES / name)


if __name__ == "__main__":
    main()
