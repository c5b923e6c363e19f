"""Somebody at a browser, who notices what is wrong with every page they come to."""

from __future__ import annotations

import re
from collections import Counter
from dataclasses import dataclass, field
from functools import cache
from pathlib import Path
from types import TracebackType
from typing import TYPE_CHECKING, Any
from urllib.parse import urlsplit

from records.seed.people import PASSWORD

if TYPE_CHECKING:
    from playwright.sync_api import Browser, ConsoleMessage, Locator, Page, Request, Response

SIZES = {"phone": (360, 740), "desk": (1280, 900)}
GRAVE = ("serious", "critical")
AXE = Path(__file__).parent / "vendor" / "axe.min.js"
AXE_RUN = """async () => {
  const found = await axe.run(document, {resultTypes: ["violations"], elementRef: true});
  const revealing = (node) => node.element?.matches("input:is([type=radio], [type=checkbox])[aria-expanded]");
  const nodes = (v) => v.id === "aria-allowed-attr" ? v.nodes.filter((n) => !revealing(n)) : v.nodes;
  return found.violations.filter((v) => nodes(v).length)
    .map((v) => [v.impact, v.id, nodes(v).map((n) => n.target.join(" ")).slice(0, 4).join(" | ")]);
}"""
"""What axe finds. Choices that reveal a field say `aria-expanded`, which the frontends of GOV.UK and the NHS keep on
purpose (alphagov/govuk-frontend issue 979): ARIA does not list it there, and some screen readers announce it."""
_examined: set[tuple[str, str, str]] = set()
"""Pages that axe has seen in this run, by size, path and title: examining one takes longer than walking to it."""
TOO_WIDE = "() => document.documentElement.scrollWidth - innerWidth"


def sign_in(page: Page, address: str, email: str) -> None:
    """As people do."""
    page.goto(address + "/sign-in")
    page.get_by_label("E-mail").fill(email)
    page.get_by_label("Password", exact=True).fill(PASSWORD)
    page.get_by_role("button", name="Sign in").click()
    page.wait_for_url(lambda url: "/sign-in" not in url)


@dataclass
class Visitor:
    """A signed-in person at one size of screen. Use as a block: at its end nothing may have gone wrong unnoticed."""

    browser: Browser
    address: str
    email: str
    size: str = "phone"
    scripts: bool = True
    troubles: list[str] = field(default_factory=list)
    hosts: Counter[str] = field(default_factory=Counter)

    def __enter__(self) -> Visitor:
        width, height = SIZES[self.size]
        self.context = self.browser.new_context(
            viewport={"width": width, "height": height},
            java_script_enabled=self.scripts,
            has_touch=self.size == "phone",
        )
        self.page: Page = self.context.new_page()
        self.page.set_default_timeout(15_000)
        self.page.on("console", self._hear)
        self.page.on("pageerror", lambda error: self.troubles.append(f"{self.where}: {error}"))
        self.page.on("request", self._note_host)
        self.page.on("response", self._note_answer)
        sign_in(self.page, self.address, self.email)
        return self

    def __exit__(self, kind: type[BaseException] | None, error: BaseException | None, at: TracebackType | None) -> None:
        self.context.close()
        if kind is None:
            assert self.troubles == []
            assert set(self.hosts) == {self.address}, "everything comes from our own host"

    @property
    def where(self) -> str:
        """The path of the page."""
        return urlsplit(self.page.url).path

    @property
    def main(self) -> Locator:
        """The main part, where the words are."""
        return self.page.get_by_role("main")

    def goes_to(self, path: str) -> None:
        """Type an address, or come from a bookmark."""
        self.page.goto(self.address + path)
        self.looks()

    def follows(self, link: str, *, within: Locator | None = None) -> None:
        """Tap a link by what it says."""
        (within or self.page).get_by_role("link", name=link).first.click()
        self.looks()

    def presses(self, button: str, *, within: Locator | None = None) -> None:
        """Tap a button by what it says."""
        (within or self.page).get_by_role("button", name=button).first.click()
        self.looks()

    def fills(self, **fields: str) -> None:
        """Type into fields by their name."""
        for name, value in fields.items():
            self.page.locator(f'[name="{name}"]').fill(value)

    def reads(self, *sentences: str) -> None:
        """See these words on the page, whatever marks stand between them."""
        text = " ".join(self.main.inner_text().split())
        for sentence in sentences:
            assert sentence in text, f"{self.where} does not say “{sentence}”, but: {text[:1500]}"

    def looks(self) -> None:
        """The page fits the screen and, the first time anybody sees it at this size, has nothing grave against it."""
        if not self.scripts:
            return
        self.page.wait_for_load_state("load")
        assert self.page.evaluate(TOO_WIDE) <= 0, f"{self.where} scrolls sideways on a {self.size}"
        state = (self.size, re.sub(r"[a-z]{3}_\w{10,}", "*", self.where), self.page.title())
        if state not in _examined:
            _examined.add(state)
            self.page.evaluate(_axe())
            found: list[list[Any]] = self.page.evaluate(AXE_RUN)
            grave = [" ".join(map(str, one)) for one in found if one[0] in GRAVE]
            assert not grave, f"{self.where} on a {self.size}:\n" + "\n".join(grave)

    def is_asked_again(self, status: int = 422) -> None:
        """The form came back with what is to be changed: said above and at the field, and by the answer's status."""
        summary = self.page.get_by_role("alert")
        assert summary.is_visible()
        assert self.page.title().startswith("Check this: ")
        kept = [trouble for trouble in self.troubles if str(status) not in trouble]
        assert kept != self.troubles, f"the answer does not say {status}: {kept}"
        self.troubles = kept

    def _hear(self, said: ConsoleMessage) -> None:
        if said.type in ("error", "warning"):
            self.troubles.append(f"{self.where}: {said.text}")

    def _note_host(self, request: Request) -> None:
        if request.url.startswith("http"):
            self.hosts["/".join(request.url.split("/")[:3])] += 1

    def _note_answer(self, response: Response) -> None:
        if response.status >= 400:
            self.troubles.append(f"{response.request.method} {urlsplit(response.url).path}: {response.status}")


@cache
def _axe() -> str:
    return AXE.read_text(encoding="utf-8")
