"""Signing in on a page: the cookie, where one goes on to, and how it ends."""

from __future__ import annotations

from datetime import timedelta

import pytest

from api import auth
from records import clock, engine
from records.access import actor_of
from records.commands import staff
from records.settings import get_settings
from records.tables import Staff
from tests.api.house import PASSWORD, House
from tests.api.signing import sign_in, token_of
from tests.pages.client import TestClient
from tests.pages.harness import check_page

pytestmark = pytest.mark.sqlite
COOKIE = "footbridge-session"


def test_the_form_is_sound_and_the_first_page_is_the_roles_own(house: House) -> None:
    check_page(house.client.get("/sign-in").text)
    first = {"planner": "/referrals", "bridger": "/today", "clinician": "/escalations", "manager": "/board"}
    for name, path in first.items():
        client = TestClient(house.app, follow_redirects=False)
        assert sign_in(client, name).headers["location"] == "/"
        assert client.get("/").headers["location"] == path


def test_the_cookie_is_kept_from_scripts_and_other_sites(house: House) -> None:
    said = sign_in(house.client, "planner").headers.get_list("set-cookie")
    assert said[0].startswith(f"{COOKIE}=")
    assert len(said) > 1
    for cookie in said:
        assert "HttpOnly" in cookie
        assert "SameSite=lax" in cookie


def test_over_https_the_cookie_is_bound_to_this_host(house: House) -> None:
    client = TestClient(house.app, base_url="https://bridges.example", follow_redirects=False)
    said = sign_in(client, "planner").headers.get_list("set-cookie")
    assert said[0].startswith("__Host-footbridge-session=")
    for cookie in said:
        assert cookie.startswith("__Host-footbridge-")
        assert "Secure" in cookie
        assert "Path=/;" in cookie
        assert "Domain" not in cookie
    assert client.get("/").status_code == 303


@pytest.mark.parametrize(
    "changes",
    [{"password": "wrong wrong wrong"}, {"email": "nobody@program.example"}],
    ids=["wrong password", "unknown address"],
)
def test_what_is_wrong_is_not_said_more_closely(house: House, changes: dict[str, str]) -> None:
    response = sign_in(house.client, "planner", **changes)
    assert response.status_code == 403
    assert "do not match" in response.text
    assert COOKIE not in response.headers.get("set-cookie", "")
    page = check_page(response.text)
    typed = {one.attributes["name"]: one.attributes.get("value", "") for one in page.all("input")}
    assert typed["email"] == changes.get("email", "planner@program.example")
    assert typed["password"] == ""


def test_empty_fields_are_named(house: House) -> None:
    response = sign_in(house.client, "planner", email="", password="")
    assert response.status_code == 422
    page = check_page(response.text)
    assert {"#email", "#password"} <= {link.attributes.get("href", "") for link in page.all("a")}


def test_one_goes_on_to_where_one_was(house: House) -> None:
    wanted = house.client.get("/probe/look?status=open")
    assert wanted.status_code == 303
    form = house.client.get(wanted.headers["location"])
    assert 'value="/probe/look?status=open"' in form.text
    response = sign_in(house.client, "planner", next="/probe/look?status=open")
    assert response.headers["location"] == "/probe/look?status=open"


@pytest.mark.parametrize(
    "path",
    [
        "//evil.example",
        "/\\evil.example",
        "https://evil.example/",
        "javascript:alert(1)",
        "/sign-out",
        "/a\r\nSet-Cookie: x=1",
        "",
        "/" + "x" * 600,
    ],
)
def test_one_never_goes_on_to_elsewhere(path: str) -> None:
    assert auth.safe_return(path) == "/"


def test_a_form_without_its_token_is_refused(house: House) -> None:
    sent = {"email": "planner@program.example", "password": PASSWORD}
    assert house.client.post("/sign-in", data=sent).status_code == 403
    house.client.get("/sign-in")
    assert house.client.post("/sign-in", data=sent | {"csrf_token": "0" * 64}).status_code == 403


@pytest.mark.parametrize(
    "headers",
    [{"Sec-Fetch-Site": "cross-site"}, {"Sec-Fetch-Site": "same-site"}, {"Origin": "https://evil.example"}],
    ids=["cross-site", "same-site", "another origin"],
)
def test_a_form_from_elsewhere_is_refused_even_with_a_token(house: House, headers: dict[str, str]) -> None:
    sign_in(house.client, "planner")
    sent = {"csrf_token": token_of(house.client.get("/sign-in").text)}
    assert house.client.post("/sign-out", data=sent, headers=headers).status_code == 403
    assert house.client.get("/").headers["location"] == "/referrals", "still signed in"


def test_signing_out_ends_the_session_on_the_server(house: House) -> None:
    sign_in(house.client, "planner")
    kept = house.client.cookies[COOKIE]
    sent = {"csrf_token": token_of(house.client.get("/sign-in").text)}
    assert house.client.post("/sign-out", data=sent).headers["location"] == "/sign-in"
    thief = TestClient(house.app, cookies={COOKIE: kept}, follow_redirects=False)
    assert thief.get("/").headers["location"] == "/sign-in"


def test_signing_out_everywhere_ends_the_other_device_too(house: House) -> None:
    other = TestClient(house.app, follow_redirects=False)
    sign_in(other, "planner")
    sign_in(house.client, "planner")
    sent = {"csrf_token": token_of(house.client.get("/sign-in").text)}
    house.client.post("/sign-out-everywhere", data=sent)
    assert other.get("/").headers["location"] == "/sign-in"


def test_an_idle_session_ends_and_says_so(house: House) -> None:
    sign_in(house.client, "planner")
    clock.advance(timedelta(minutes=get_settings().session_idle_minutes + 1))
    response = house.client.get("/probe/look")
    assert response.headers["location"] == "/sign-in?next=/probe/look"
    form = house.client.get(response.headers["location"])
    assert "nothing happened for a while" in form.text
    assert "nothing happened for a while" not in house.client.get("/sign-in").text, "said once"


def test_using_it_keeps_it(house: House) -> None:
    sign_in(house.client, "planner")
    for _ in range(6):
        clock.advance(timedelta(minutes=get_settings().session_idle_minutes - 1))
        assert house.client.get("/").headers["location"] == "/referrals"


def test_a_session_ends_with_its_day(house: House) -> None:
    sign_in(house.client, "planner")
    for _ in range(get_settings().session_absolute_hours * 6 - 1):
        clock.advance(timedelta(minutes=10))
        assert house.client.get("/").headers["location"] == "/referrals"
    clock.advance(timedelta(minutes=10))
    assert house.client.get("/").headers["location"] == "/sign-in"


def test_whoever_is_disabled_is_out_at_once(house: House) -> None:
    sign_in(house.client, "planner")
    with engine.transaction() as session:
        admin = actor_of(session.get_one(Staff, house.staff["admin"]))
        staff.disable_staff(session, admin, house.staff["planner"])
    assert house.client.get("/").headers["location"] == "/sign-in"
    assert house.call("planner", "GET", "/referrals").status_code == 401


def test_a_cookie_is_nothing_to_the_api_and_a_token_nothing_to_a_page(house: House) -> None:
    sign_in(house.client, "manager")
    assert house.client.get("/api/v1/referrals").status_code == 401
    bare = TestClient(house.app, follow_redirects=False)
    response = bare.get("/", headers={"Authorization": f"Bearer {house.tokens['manager']}"})
    assert response.headers["location"] == "/sign-in"


@pytest.mark.parametrize(
    ("sent", "code"),
    [
        ("", "sign_in"),
        ("Bearer", "sign_in"),
        ("Basic abc", "sign_in"),
        ("Bearer nonsense", "token_unknown"),
        ("Bearer fbt_\u00e9", "token_unknown"),
    ],
)
def test_without_a_good_token_the_api_says_what_to_send(house: House, sent: str, code: str) -> None:
    response = house.client.get("/api/v1/referrals", headers={"Authorization": sent.encode("latin-1")})
    assert response.status_code == 401
    assert response.headers["www-authenticate"].startswith("Bearer")
    assert response.json()["code"] == code
