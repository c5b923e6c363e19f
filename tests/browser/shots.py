"""Pictures of the main pages of each face, on a phone and on a desk: `python -m tests.browser.shots FOLDER`."""

from __future__ import annotations

import re
import sys
import tempfile
from pathlib import Path
from typing import TYPE_CHECKING

from playwright.sync_api import Error as PlaywrightError

from tests.browser.house import house, seeded
from tests.browser.visitor import SIZES, sign_in
from tests.support.chromium import chromium

if TYPE_CHECKING:
    from playwright.sync_api import Browser, Page

IN_PLACE = ".fb-nav { position: static !important } .fb-body--with-nav { padding-bottom: 0 !important }"
"""On a picture of the whole page, what is fixed to the bottom of a phone would lie across the middle."""

FACES: dict[str, tuple[str, tuple[tuple[str, str], ...]]] = {
    "planner": (
        "planner@riverside.example",
        (
            ("referrals", "/referrals"),
            ("new", "/referrals/new"),
            ("referral", "/referrals > Jonas Beispiel"),
            ("date", "/referrals > Jonas Beispiel + /date"),
            ("discharge", "/referrals > Jonas Beispiel + /discharge"),
            ("consent", "/referrals > Jonas Beispiel + /consent"),
            ("consents", "/referrals > Jonas Beispiel + /consents"),
            ("risks", "/referrals > Jonas Beispiel + /risks"),
            ("ask-to-cancel", "/referrals > Jonas Beispiel + /ask-to-cancel"),
            ("handoff", "/referrals > Jonas Beispiel + /handoff"),
            ("reach", "/referrals > Jonas Beispiel + /reach"),
            ("imports", "/imports"),
        ),
    ),
    "bridger": (
        "bridger1@footbridge.example",
        (
            ("today", "/today"),
            ("offers", "/offers"),
            ("decline", "/offers > Decline"),
            ("people", "/people"),
            ("person", "/people > Ada Sample"),
            ("consents", "/people > Ada Sample + /consents"),
            ("tell-who", "/people > Ada Sample + /tell"),
            ("tell", "/people > Ada Sample + /tell/anybody"),
            ("sign", "/people > Ada Sample + /consents/new?scope=contact"),
            ("sign-own", "/people > Ada Sample + /consents/new?scope=substance_use"),
            ("log", "/people > Ada Sample + /log"),
            ("note", "/people > Ada Sample + /note"),
            ("reach", "/people > Ada Sample + /reach"),
            ("meeting", "/people > Ada Sample + /meeting"),
            ("another-bridger", "/people > Ada Sample + /another-bridger"),
            ("concern-who", "/concern"),
            ("concern", "/people > Ada Sample + /concern"),
            ("absence", "/absence"),
            ("notices", "/notifications"),
        ),
    ),
    "supervisor": (
        "supervisor@footbridge.example",
        (
            ("board", "/board"),
            ("section", "/board/overdue"),
            ("escalations", "/escalations"),
            ("escalation", "/escalations > Open"),
            ("person", "/people > Boris Example"),
            ("accept", "/people > Hiro Mihon + /accept"),
            ("hold", "/people > Boris Example + /hold"),
            ("close", "/people > Boris Example + /close"),
            ("assign", "/people > Farid Namuna + /assign"),
            ("bridgers", "/bridgers"),
            ("bridger", "/bridgers > Rosa Ejemplo"),
            ("duplicates", "/people/duplicates"),
        ),
    ),
    "clinician": (
        "clinician@footbridge.example",
        (("escalations", "/escalations"), ("escalation", "/escalations > Open")),
    ),
    "manager": (
        "manager@footbridge.example",
        (
            ("measures", "/measures"),
            ("cases", "/measures > /measures/"),
            ("outbox", "/outbox"),
        ),
    ),
    "admin": (
        "admin@footbridge.example",
        (
            ("staff", "/staff"),
            ("new", "/staff/new"),
            ("member", "/staff > Rosa Ejemplo"),
            ("systems", "/systems"),
            ("system", "/systems/new"),
        ),
    ),
}
"""For each face: who signs in, and its pages. `A > B` follows link B of page A; `+ C` goes on below where it led."""


def go(page: Page, address: str, where: str) -> None:
    """Open a page as `FACES` names it. Raises RuntimeError when there is none."""
    found = re.fullmatch(r"(\S+)(?: > (.+?))?(?: \+ (\S+))?", where)
    assert found, where
    start, link, below = found.groups()
    answer = page.goto(address + start)
    if link:
        chosen = (
            page.locator(f'main a[href*="{link}"]') if link.startswith("/") else page.get_by_role("link", name=link)
        )
        answer = page.goto(address + (chosen.first.get_attribute("href") or ""))
    if below:
        answer = page.goto(page.url + below)
    if answer is None or not answer.ok:
        raise RuntimeError(f"{page.url} answers {answer.status if answer else 'nothing'}")


def photograph(browser: Browser, address: str, folder: Path, only: str = "") -> list[str]:
    """Every page at both sizes, whole; returns what could not be photographed."""
    missing = []
    for size, (width, height) in SIZES.items():
        for face, (email, pages) in FACES.items():
            with browser.new_context(viewport={"width": width, "height": height}, bypass_csp=True) as context:
                page = context.new_page()
                page.set_default_timeout(5000)
                if face == "planner":
                    page.goto(address + "/sign-in")
                    page.screenshot(path=folder / f"sign-in-{size}.png", full_page=True)
                sign_in(page, address, email)
                for name, where in pages:
                    try:
                        go(page, address, where)
                    except (PlaywrightError, RuntimeError) as error:
                        missing.append(f"{face} {name} at {size}: {str(error).splitlines()[0]}")
                        continue
                    page.screenshot(path=folder / f"{face}-{name}-{size}.png", full_page=True, style=IN_PLACE)
    return missing


def main(folder: Path) -> int:
    """Photograph a fresh demonstration. The exit code says whether every page could be."""
    folder.mkdir(parents=True, exist_ok=True)
    with tempfile.TemporaryDirectory() as kept:
        place = Path(kept)
        with house(seeded(place), place) as address, chromium() as browser:
            missing = photograph(browser, address, folder)
    for sentence in missing:
        print(f"Not photographed: {sentence}", file=sys.stderr)
    return 1 if missing else 0


if __name__ == "__main__":
    if len(sys.argv) != 2:
        sys.exit("Say where to: python -m tests.browser.shots FOLDER")
    sys.exit(main(Path(sys.argv[1])))
