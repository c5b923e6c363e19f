"""The frame of the pages and its components: sound HTML, documented arguments, nothing unescaped, safe headers."""

from __future__ import annotations

import re
from typing import Any

import pytest
from jinja2 import nodes

from api.headers import CONTENT_SECURITY_POLICY
from api.rendering import TEMPLATES_DIR, environment
from api.static_files import IMMUTABLE, STATIC_DIR, static, version
from tests.pages.client import TestClient
from tests.pages.gallery import NOW, PATHS, ZONE, gallery_app
from tests.pages.harness import check_page


@pytest.fixture(scope="module")
def client() -> TestClient:
    return TestClient(gallery_app())


@pytest.mark.parametrize("path", PATHS)
def test_pages_are_as_every_page_must_be(client: TestClient, path: str) -> None:
    page = check_page(client.get(path).text)
    assert any(link.attributes["href"] == "tel:988" for link in page.all("a")), "the crisis line is on every page"
    assert page.all("a")[0].attributes["href"] == "#main", "the skip link comes first"
    assert "enter nobody real" in page.html


def test_the_gallery_shows_every_component() -> None:
    gallery = (TEMPLATES_DIR / "pages/components.html").read_text()
    used_by_the_frame = {"all", "icon", "csrf", "error_summary"}
    for path in sorted((TEMPLATES_DIR / "components").glob("*.html")):
        assert path.stem in used_by_the_frame or f"ui.{path.stem}" in gallery, f"{path.name} is not in the gallery"


def test_every_component_is_exported_and_documented() -> None:
    everything = vars(environment().get_template("components/all.html").module)
    readme = (TEMPLATES_DIR / "components/README.md").read_text()
    for path in sorted((TEMPLATES_DIR / "components").glob("*.html")):
        if path.stem == "all":
            continue
        assert path.stem in everything, f"all.html does not export {path.stem}"
        assert path.read_text().startswith("{# "), f"{path.name} does not begin with what its arguments hold"
        assert f"`{path.stem}`" in readme or f"ui.{path.stem}." in readme, f"README.md does not list {path.stem}"


def test_the_readme_names_the_arguments_as_they_are() -> None:
    readme = (TEMPLATES_DIR / "components/README.md").read_text()
    for name, arguments in re.findall(r"^\| `(\w+)` \| `\(([^)]*)\)`", readme, re.MULTILINE):
        path = TEMPLATES_DIR / f"components/{name}.html"
        source = path.read_text() if path.exists() else (TEMPLATES_DIR / "components/field.html").read_text()
        macros = {macro.name: macro for macro in environment().parse(source).find_all(nodes.Macro)}
        documented = [one.split("=")[0].strip() for one in arguments.split(",")]
        assert documented == [argument.name for argument in macros[name].args], name


def test_what_people_typed_is_escaped() -> None:
    module = environment().get_template("components/all.html").module
    macro: Any = module
    nasty = "<script>\"'&"
    for made in (
        macro.tag(nasty),
        macro.field.text("a", nasty, nasty, nasty, nasty),
        macro.field.area("a", nasty, nasty, nasty, nasty),
        macro.field.radios("a", nasty, nasty, nasty, nasty, [{"value": nasty, "text": nasty, "hint": nasty}]),
        macro.field.checkboxes("a", nasty, [nasty], nasty, nasty, [{"value": nasty, "text": nasty, "hint": nasty}]),
        macro.field.select("a", nasty, nasty, nasty, nasty, [{"value": nasty, "text": nasty}]),
        macro.field.date("a", nasty, {"month": nasty, "day": nasty, "year": nasty}, nasty, nasty),
        macro.timeline([{"at": NOW, "by": nasty, "sentence": nasty, "kind": "note"}], ZONE),
    ):
        assert "<script>" not in made
        assert "\"'&" not in made


def test_nothing_vendored_loads_from_another_host() -> None:
    for path in sorted(STATIC_DIR.rglob("*")):
        if path.suffix not in {".css", ".js", ".svg"}:
            continue
        text = path.read_text().lower()
        assert "font-face" not in text, path
        assert not re.search(r"url\(\s*[\"']?(https?:)?//", text), path
        assert not re.search(r"@import|sourcemappingurl", text), path
        assert "frutiger" not in text, path
        hosts = set(re.findall(r"https?://([\w.-]+)", text)) - {"www.w3.org"}  # the name of SVG, never fetched
        assert not hosts, f"{path.name} names {hosts}"


def test_files_the_stylesheets_name_are_there() -> None:
    for path in STATIC_DIR.rglob("*.css"):
        for named in re.findall(r"url\(\"?([^)\"]+)\"?\)", path.read_text()):
            assert named.startswith("data:") or (path.parent / named).is_file(), f"{path.name} names {named}"


def test_static_files_may_be_kept_for_ever_under_their_version(client: TestClient) -> None:
    answer = client.get(static("footbridge.css"))
    assert (answer.status_code, answer.headers["cache-control"]) == (200, IMMUTABLE)
    older = client.get(static("footbridge.css").replace(version(), "0123456789ab"))
    assert (older.status_code, older.headers["cache-control"]) == (200, "public, max-age=60")
    assert client.get(f"/static/{version()}/../rendering.py").status_code == 404
    with pytest.raises(FileNotFoundError):
        static("not-there.css")


def test_pages_carry_the_security_headers_and_are_not_kept(client: TestClient) -> None:
    headers = client.get("/sign-in").headers
    assert headers["content-security-policy"] == CONTENT_SECURITY_POLICY
    assert "unsafe" not in CONTENT_SECURITY_POLICY
    assert headers["cache-control"] == "no-store"
    assert "strict-transport-security" not in headers
    over_https = TestClient(gallery_app(), base_url="https://testserver").get("/sign-in")
    assert "strict-transport-security" in over_https.headers
