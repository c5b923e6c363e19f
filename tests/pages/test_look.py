"""The frame in a real browser, on a small phone, a phone and a desk."""

from __future__ import annotations

import socket
import threading
from collections.abc import Iterator
from typing import TYPE_CHECKING

import pytest
import uvicorn

from tests.pages.gallery import PATHS, gallery_app

if TYPE_CHECKING:
    from playwright.sync_api import Browser

LOW_CONTRAST = """() => {
  const numbers = (color) => color.match(/[\\d.]+/g).map(Number);
  const channel = (c) => (c /= 255) <= 0.04045 ? c / 12.92 : ((c + 0.055) / 1.055) ** 2.4;
  const light = ([r, g, b]) => 0.2126 * channel(r) + 0.7152 * channel(g) + 0.0722 * channel(b);
  const ground = (element) => {
    for (let e = element; e; e = e.parentElement) {
      const color = numbers(getComputedStyle(e).backgroundColor);
      if (color.length === 3 || color[3] > 0.5) return color;
    }
    return [255, 255, 255];
  };
  const poor = [];
  for (const element of document.querySelectorAll("body *")) {
    const own = [...element.childNodes].some((node) => node.nodeType === 3 && node.textContent.trim());
    if (!own || element.closest("svg") || !element.getClientRects().length) continue;
    const style = getComputedStyle(element);
    const [a, b] = [light(numbers(style.color)), light(ground(element))].sort((x, y) => y - x);
    const ratio = (a + 0.05) / (b + 0.05);
    if (ratio < 4.5) poor.push(`${ratio.toFixed(2)} ${element.className} ${element.textContent.trim().slice(0, 40)}`);
  }
  return poor;
}"""
SMALL_TARGETS = """() => [...document.querySelectorAll(".fb-button, .fb-nav__link, .fb-choices label, .fb-reach__link, "
    + ".fb-account__out, summary, select, input:not([type=hidden], [type=radio], [type=checkbox])")]
  .filter((e) => e.getClientRects().length && e.getBoundingClientRect().height < 44)
  .map((e) => e.outerHTML.slice(0, 80))"""
CROWDED = """() => {
  const labels = [...document.querySelectorAll(".fb-nav__label")].map((e) => e.getBoundingClientRect());
  return labels.filter((box, i) => i && box.left - labels[i - 1].right < 4).length;
}"""
TOO_WIDE = """() => document.documentElement.scrollWidth - innerWidth"""


@pytest.fixture(scope="module")
def address() -> Iterator[str]:
    listening = socket.create_server(("127.0.0.1", 0))
    server = uvicorn.Server(uvicorn.Config(gallery_app(), log_level="warning"))
    thread = threading.Thread(target=server.run, kwargs={"sockets": [listening]}, daemon=True)
    thread.start()
    yield f"http://127.0.0.1:{listening.getsockname()[1]}"
    server.should_exit = True
    thread.join(10)


@pytest.mark.parametrize("width", [320, 360, 1280])
@pytest.mark.parametrize("path", PATHS)
def test_pages_look_right_in_a_browser(browser: Browser, address: str, path: str, width: int) -> None:
    page = browser.new_page(viewport={"width": width, "height": 740})
    hosts: set[str] = set()
    troubles: list[str] = []
    page.on("request", lambda request: hosts.add("/".join(request.url.split("/")[:3])))
    page.on("pageerror", lambda error: troubles.append(str(error)))
    page.on("console", lambda said: troubles.append(said.text) if "Content Security Policy" in said.text else None)
    page.goto(address + path, wait_until="networkidle")
    assert page.evaluate(TOO_WIDE) <= 0, "the page scrolls sideways"
    assert page.evaluate(CROWDED) == 0, "two places of the navigation run into each other"
    assert page.evaluate(LOW_CONTRAST) == []
    assert page.evaluate(SMALL_TARGETS) == []
    assert hosts - {"data:"} == {address}, "everything comes from our own host"
    assert troubles == []
    page.close()


def test_the_pages_work_without_scripts(browser: Browser, address: str) -> None:
    context = browser.new_context(java_script_enabled=False, viewport={"width": 360, "height": 740})
    page = context.new_page()
    page.goto(address + "/gallery/bridger")
    assert page.get_by_label("What does it depend on?").is_visible(), "nothing hides where no script can show it"
    page.get_by_text("Read it as a table").click()
    assert page.get_by_role("table", name="When people were reached").is_visible()
    context.close()


def test_a_fold_opens_and_the_error_summary_leads_to_its_field(browser: Browser, address: str) -> None:
    page = browser.new_page(viewport={"width": 360, "height": 740})
    page.goto(address + "/gallery/bridger", wait_until="networkidle")
    note = page.get_by_label("What does it depend on?")
    assert note.is_hidden()
    page.get_by_label("A guess").check()
    assert note.is_visible()
    page.get_by_role("link", name="There is no month 13.").click()
    assert page.evaluate("document.activeElement.id") == "born_on"
    page.close()
