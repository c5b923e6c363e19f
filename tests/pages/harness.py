"""What every page must be, checked on its HTML. Fetch pages in tests through `check_page` and they stay that way."""

from __future__ import annotations

from dataclasses import dataclass, field
from html.parser import HTMLParser

VOID = {"area", "base", "br", "col", "embed", "hr", "img", "input", "link", "meta", "source", "track", "wbr"}
DRAWN = {"path", "circle", "rect", "line", "use", "ellipse", "polyline", "polygon"}  # may be written <path/>
MAY_BE_UNLABELLED = {"hidden", "submit", "button", "image", "reset"}
NOT_INSIDE = {
    "a": {"a", "button", "label"},
    "button": {"a", "button", "label"},
    "p": {"p"},
    "form": {"form"},
    "div": {"p", "span"},
    "ul": {"p", "span"},
    "ol": {"p", "span"},
    "dl": {"p", "span"},
    "table": {"p", "span"},
    "h1": {"p", "span"},
    "h2": {"p", "span"},
    "h3": {"p", "span"},
}
ONLY_INSIDE = {
    "li": {"ul", "ol"},
    "tr": {"thead", "tbody", "tfoot"},
    "td": {"tr"},
    "th": {"tr"},
    "dt": {"dl", "div"},
    "dd": {"dl", "div"},
    "legend": {"fieldset"},
    "option": {"select", "optgroup", "datalist"},
}

NAMELESS = {"Choose one of these.", "Choose among these.", "Write something here.", "Enter a number."}
"""Sentences that say something only beside their field."""


@dataclass
class Element:
    """One element: its attributes, the text within it, and the elements around it."""

    tag: str
    attributes: dict[str, str]
    around: list[Element] = field(repr=False)  # else a failed assertion writes every path through the page
    text: str = ""

    @property
    def line(self) -> str:
        """How the element is named in a complaint."""
        shown = " ".join(f'{name}="{value}"' for name, value in self.attributes.items() if name != "class")
        return f"<{self.tag} {shown}>".replace(" >", ">")


@dataclass
class Page(HTMLParser):
    """A page taken apart: its elements in order, and what was wrong with its nesting."""

    html: str
    elements: list[Element] = field(default_factory=list, repr=False)
    complaints: list[str] = field(default_factory=list)

    def __post_init__(self) -> None:
        super().__init__(convert_charrefs=True)
        self._open: list[Element] = []
        self.feed(self.html)
        self.close()
        self.complaints += [f"{element.line} is never closed" for element in self._open]

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        names = [name for name, _ in attrs]
        element = Element(tag, {name: value or "" for name, value in attrs}, list(self._open))
        self.complaints += [f"{element.line} says {name} twice" for name in names if names.count(name) > 1]
        self._check_nesting(element)
        self.elements.append(element)
        if tag not in VOID:
            self._open.append(element)

    def handle_startendtag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        self.handle_starttag(tag, attrs)
        if tag not in VOID:
            if tag not in DRAWN:
                self.complaints.append(f"<{tag}/> closes itself, which HTML ignores")
            self._open.pop()

    def handle_endtag(self, tag: str) -> None:
        if not self._open or self._open[-1].tag != tag:
            opened = self._open[-1].line if self._open else "nothing"
            self.complaints.append(f"</{tag}> closes {opened}")
            while self._open and any(element.tag == tag for element in self._open) and self._open.pop().tag != tag:
                pass
            return
        self._open.pop()

    def handle_data(self, data: str) -> None:
        for element in self._open:
            element.text += data

    def _check_nesting(self, element: Element) -> None:
        around = {outer.tag for outer in element.around}
        for outer in NOT_INSIDE.get(element.tag, set()) & around:
            self.complaints.append(f"{element.line} stands inside <{outer}>")
        parent = element.around[-1].tag if element.around else "nothing"
        if parent not in ONLY_INSIDE.get(element.tag, {parent}):
            self.complaints.append(f"{element.line} stands directly inside <{parent}>")

    def all(self, *tags: str) -> list[Element]:
        """The elements with one of these tags, in order."""
        return [element for element in self.elements if element.tag in tags]

    def inside(self, outer: Element) -> list[Element]:
        """The elements within another."""
        return [element for element in self.elements if outer in element.around]


def complaints_about(html: str) -> list[str]:
    """Everything wrong with a page, a sentence each; empty when it is as every page must be."""
    page = Page(html)
    checks = (_head, _ids, _scripts_and_styles, _forms, _labels, _cuts, _links, _headings, _error_summary, _references)
    return page.complaints + [complaint for check in checks for complaint in check(page)]


def check_page(html: str) -> Page:
    """Assert that a page is as every page must be, and return it taken apart for further questions."""
    complaints = complaints_about(html)
    assert not complaints, "\n".join(complaints)
    return Page(html)


def _words(text: str) -> str:
    return " ".join(text.split())


def _head(page: Page) -> list[str]:
    found = []
    if not page.html.lstrip().lower().startswith("<!doctype html>"):
        found.append("the page does not begin with <!DOCTYPE html>")
    if not any(html.attributes.get("lang") for html in page.all("html")):
        found.append("<html> has no lang")
    headings = [_words(heading.text) for heading in page.all("h1")]
    titles = [_words(title.text) for title in page.all("title") if not any(o.tag == "svg" for o in title.around)]
    if len(headings) != 1:
        found.append(f"the page has {len(headings)} h1, not one: {headings}")
    if len(titles) != 1:
        found.append(f"the page has {len(titles)} titles, not one: {titles}")
    elif headings and (not headings[0] or headings[0] not in titles[0]):
        found.append(f"the title {titles[0]!r} does not contain the h1 {headings[0]!r}")
    return found


def _ids(page: Page) -> list[str]:
    ids = [element.attributes["id"] for element in page.elements if "id" in element.attributes]
    return [
        f"the id {one!r} stands {ids.count(one)} times" for one in dict.fromkeys(ids) if ids.count(one) > 1 or not one
    ]


def _scripts_and_styles(page: Page) -> list[str]:
    found = [f"{element.line} is inline" for element in page.all("script") if "src" not in element.attributes]
    found += [f"{element.line} is inline" for element in page.all("style")]
    for element in page.elements:
        for name, value in element.attributes.items():
            if name == "style" or name.startswith(("on", "hx-on")):
                found.append(f"{element.line} has the attribute {name}")
            if value.strip().lower().startswith("javascript:"):
                found.append(f"{element.line} runs a script from {name}")
        loaded = element.attributes.get("src", "") or (
            element.attributes.get("href", "") if element.tag == "link" else ""
        )
        if loaded.startswith(("http:", "https:", "//")):
            found.append(f"{element.line} loads from another host")
    return found


def _forms(page: Page) -> list[str]:
    found = []
    for form in page.all("form"):
        inputs = [one for one in page.inside(form) if one.tag == "input" and one.attributes.get("name") == "csrf_token"]
        posts = form.attributes.get("method", "get").lower() == "post"
        if posts and not (inputs and inputs[0].attributes.get("value")):
            found.append(f"{form.line} posts without a csrf field")
        if not posts and inputs:
            found.append(f"{form.line} puts its csrf field into the address")
        if not form.attributes.get("action"):
            found.append(f"{form.line} does not say where it goes")
    return found


def _labels(page: Page) -> list[str]:
    labelled = {label.attributes.get("for") for label in page.all("label") if _words(label.text)}
    found = []
    for one in page.all("input", "select", "textarea"):
        named = one.attributes.get("aria-label") or one.attributes.get("aria-labelledby")
        if one.attributes.get("type") in MAY_BE_UNLABELLED or named or one.attributes.get("id") in labelled:
            continue
        if not any(outer.tag == "label" for outer in one.around):
            found.append(f"{one.line} has no label")
    return found


def _cuts(page: Page) -> list[str]:
    """A browser cuts what is pasted at the maxlength without a word; the server refuses it in words and keeps it."""
    typed = [one for one in page.all("input", "textarea") if one.attributes.get("type") != "search"]
    return [f"{one.line} cuts what is pasted" for one in typed if "maxlength" in one.attributes]


def _links(page: Page) -> list[str]:
    found = []
    for one in page.all("a", "button", "summary"):
        if not (_words(one.text) or one.attributes.get("aria-label")):
            found.append(f"{one.line} says nothing")
        if one.tag == "a" and one.attributes.get("href", "").strip() in ("", "#"):
            found.append(f"{one.line} leads nowhere")
    return found


def _headings(page: Page) -> list[str]:
    found: list[str] = []
    level = 1
    for heading in page.all("h1", "h2", "h3", "h4", "h5", "h6"):
        here = int(heading.tag[1])
        if here > level + 1:
            found.append(f"{heading.line} {_words(heading.text)!r} skips a level after h{level}")
        level = here
        if not _words(heading.text):
            found.append(f"{heading.line} is empty")
    return found


def _error_summary(page: Page) -> list[str]:
    """What needs another look is listed in the order in which it stands on the page, and says which field it is."""
    ids = [element.attributes.get("id", "") for element in page.elements]
    listed = [
        one for one in page.all("a") if any(outer.attributes.get("id") == "error-summary" for outer in one.around)
    ]
    names = [one.attributes.get("href", "")[1:] for one in listed]
    places = [ids.index(name) for name in names if name in ids]
    found = [] if places == sorted(places) else [f"the error summary is not in the order of the page: {names}"]
    nameless = [_words(one.text) for one in listed if _words(one.text) in NAMELESS]
    return found + [f"the error summary says {sentence!r} and not of what" for sentence in nameless]


def _references(page: Page) -> list[str]:
    ids = {element.attributes.get("id") for element in page.elements}
    found = []
    for element in page.elements:
        for name in ("for", "aria-describedby", "aria-labelledby", "aria-controls"):
            for one in element.attributes.get(name, "").split():
                if one not in ids:
                    found.append(f"{element.line} points at #{one}, which is not there")
        href = element.attributes.get("href", "")
        if element.tag == "a" and href.startswith("#") and href[1:] not in ids:
            found.append(f"{element.line} leads to nothing on the page")
    return found
