"""Pages from templates: one environment, one function, and the context that every template may count on.

What a page gets besides its own context comes from `request.state`, set by whoever signs people in:
`me`, `csrf_token`, `flash` (a list of `Flash`) and `badges` (href → count). Each may be missing: nobody is signed in.
"""

from __future__ import annotations

import html
import re
from collections.abc import Iterable, Mapping
from functools import lru_cache
from pathlib import Path
from typing import Any, Literal, NamedTuple, Protocol

from fastapi import Request
from fastapi.responses import HTMLResponse
from jinja2 import ChainableUndefined, ChoiceLoader, Environment, FileSystemLoader, PackageLoader

from api.filters import FILTERS
from api.navigation import navigation
from api.static_files import static
from records import clock
from records.settings import get_settings

TEMPLATES_DIR = Path(__file__).parent.parent / "templates"


class SignedIn(Protocol):
    """What the frame asks of the member of staff who is signed in."""

    @property
    def name(self) -> str: ...

    @property
    def roles(self) -> Iterable[str]: ...


class Flash(NamedTuple):
    """A sentence shown once, on the next page. `done`: it worked; `note`: worth knowing; `problem`: it did not work."""

    kind: Literal["done", "note", "problem"]
    text: str


@lru_cache(maxsize=1)
def environment() -> Environment:
    """The one Jinja environment. `ChainableUndefined` because the NHS macros look into options nobody passed."""
    made = Environment(
        loader=ChoiceLoader([FileSystemLoader(TEMPLATES_DIR), PackageLoader("nhsuk_frontend_jinja")]),
        autoescape=True,
        auto_reload=False,  # a form asks for dozens of small files; looking at each one's date took a fifth of the time
        undefined=ChainableUndefined,
        trim_blocks=True,
        lstrip_blocks=True,
    )
    made.filters.update(FILTERS)
    made.filters["in_page_order"] = in_page_order
    made.globals["static"] = static
    return made


def in_page_order(errors: Mapping[str, str] | None, body: str) -> list[tuple[str, str]]:
    """The sentences of `errors` in the order in which their fields stand on the page, whatever the order in which they
    were found; before them, without a name to lead to, those that have no field there."""
    found = errors or {}
    places = {name: body.find(f'id="{name}"') if name else -1 for name in found}
    in_order = sorted(found, key=lambda name: places[name])
    return [
        (name, named(field_label(name, places[name], body), found[name])) if places[name] >= 0 else ("", found[name])
        for name in in_order
    ]


def field_label(name: str, place: int, body: str) -> str:
    """What the page calls the field whose id stands at `place`: the legend of the group that it begins, its own words
    when it is a heading, or its label."""
    tag, group = body.rfind("<", 0, place), body.rfind("<fieldset", 0, place)
    before = body[group:tag] if group >= 0 else ""
    if _HEADING.match(body, tag):
        found = _HEADING.match(body, tag)
    elif before and "</fieldset>" not in before and not _INPUT.search(before):
        found = _LEGEND.search(before)
    else:
        found = re.search(rf'<label[^>]* for="{re.escape(name)}"[^>]*>(.*?)</label>', body, re.DOTALL)
    words = html.unescape(_TAG.sub(" ", found[1])) if found is not None else ""
    return " ".join(words.split())


_HEADING = re.compile(r"<h[2-6][^>]*>([^<]*)")
_LEGEND = re.compile(r"<legend[^>]*>(.*?)</legend>", re.DOTALL)
_TAG = re.compile(r"<[^>]*>")
_INPUT = re.compile(r"<(?:input|select|textarea)\b")
LONGEST_LABEL = 60
"""A label that is longer is a sentence by itself, and not repeated."""


def named(label: str, sentence: str) -> str:
    """A refusal as the summary says it: far from its field, so with the field's name."""
    if not label or len(label) > LONGEST_LABEL:
        return sentence
    if label[-1] in "?.:":
        return f"{label} {sentence}"
    return f"{label}: {sentence[:1].lower()}{sentence[1:]}"


def frame_context(request: Request) -> dict[str, Any]:
    """What every template may use: `me`, `csrf_token`, `now`, `path`, `nav`, `unseen`, `flash`, `demonstration`,
    `idle_seconds`."""
    me: SignedIn | None = getattr(request.state, "me", None)
    path = request.url.path
    return {
        "me": me,
        "csrf_token": getattr(request.state, "csrf_token", ""),
        "now": clock.now(),
        "path": path,
        "nav": navigation(me.roles, path, getattr(request.state, "badges", {})) if me else [],
        "unseen": getattr(request.state, "badges", {}).get("/notifications", 0),
        "flash": getattr(request.state, "flash", []),
        "idle_seconds": get_settings().session_idle_minutes * 60,
        "demonstration": get_settings().environment == "demonstration",
    }


def render(name: str, request: Request, *, status: int = 200, **context: Any) -> HTMLResponse:
    """The page `templates/<name>` for this request. `context` is the page's own; it wins over the frame's.

    `errors` in the context, a mapping of field name to sentence, fills the error summary and marks the title.
    """
    text = environment().get_template(name).render(frame_context(request) | context)
    return HTMLResponse(text, status_code=status)
