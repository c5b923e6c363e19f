"""Signing in with the hospital's own account: a real provider over HTTP, and one that lies."""

from __future__ import annotations

import html
import re
import socket
from collections.abc import Iterator
from typing import Any

import pytest
from httpx import Response
from joserfc.jwk import RSAKey
from pydantic import SecretStr

from api import oidc
from domain.vocabulary import Channel
from records import clock, engine
from records.commands import second_factor
from records.settings import get_settings
from records.tables import JournalEntry, Notification, OutsideIdentity, Staff, StaffSession
from tests.pages.bridging import NOW, Bridging, words
from tests.pages.charge import begin_in_charge
from tests.pages.client import TestClient
from tests.support.oidc_provider import CLIENT, SECRET, Provider, provider

pytestmark = pytest.mark.sqlite
BEGIN = "/sign-in/organization"


@pytest.fixture
def town(database: str) -> Iterator[Bridging]:
    with clock.stopped_at(NOW):
        yield begin_in_charge()


@pytest.fixture
def hospital(monkeypatch: pytest.MonkeyPatch) -> Iterator[Provider]:
    with provider() as made:
        settings = get_settings()
        monkeypatch.setattr(settings, "oidc_issuer", made.address)
        monkeypatch.setattr(settings, "oidc_client_id", CLIENT)
        monkeypatch.setattr(settings, "oidc_client_secret", SecretStr(SECRET))
        monkeypatch.setattr(settings, "oidc_label", "Riverside Example")
        monkeypatch.setattr(settings, "internal_hosts", "127.0.0.1")
        yield made


def visitor(town: Bridging) -> TestClient:
    return TestClient(town.app, follow_redirects=False)


def there_and_back(client: TestClient, hospital: Provider, **changes: str) -> Response:
    """Follow the button, sign in there, and come back."""
    page = client.get("/sign-in?next=/offers")
    link = re.search(r'href="(/sign-in/organization[^"]*)"', page.text)
    assert link is not None
    gone = client.get(html.unescape(link[1]))
    assert gone.status_code == 303
    state, code = hospital.authorize(gone.headers["location"])
    answer: Response = client.get(f"{BEGIN}/back", params={"state": state, "code": code} | changes)
    return answer


def refused(client: TestClient, answer: Response, sentence: str) -> None:
    assert answer.headers["location"] == "/sign-in"
    assert sentence in words(client.get("/sign-in").text)
    assert client.get("/offers").status_code == 303


@pytest.mark.postgresql
def test_somebody_on_the_list_signs_in_with_the_hospitals_account(town: Bridging, hospital: Provider) -> None:
    client = visitor(town)
    assert "Sign in with Riverside Example" in words(client.get("/sign-in").text)
    hospital.email = "Bridger@Program.example"
    answer = there_and_back(client, hospital)
    assert (answer.status_code, answer.headers["location"]) == (303, "/offers")
    assert client.get("/offers").status_code == 200
    (asked,) = hospital.asked
    assert asked["response_type"] == "code"
    assert asked["code_challenge_method"] == "S256"
    assert len(asked["state"]) == len(asked["nonce"]) == 43
    entry = town.rows(JournalEntry, JournalEntry.event == "staff.signed_in")[-1]
    assert entry.data == {"by_organization": f"{hospital.address} u-17"}


def test_without_configuration_there_is_no_button_and_no_way(town: Bridging) -> None:
    client = visitor(town)
    assert "Sign in with" not in words(client.get("/sign-in").text)
    assert client.get(BEGIN).status_code == client.get(f"{BEGIN}/back").status_code == 404


@pytest.mark.parametrize("email", ["stranger@else.example", "second@program.example"], ids=["unknown", "has left"])
def test_nobody_is_put_on_the_list_by_it(town: Bridging, hospital: Provider, email: str) -> None:
    with engine.transaction() as session:
        session.get_one(Staff, town.staff["second"]).is_active = False
    before, hospital.email, client = len(town.rows(Staff)), email, visitor(town)
    refused(client, there_and_back(client, hospital), "nobody signs in here with that e-mail address")
    assert len(town.rows(Staff)) == before


@pytest.mark.parametrize("verified", [False, None, "true", 1], ids=str)
def test_an_address_counts_when_it_was_verified(town: Bridging, hospital: Provider, verified: Any) -> None:
    hospital.changes, client = {"email_verified": verified}, visitor(town)
    refused(client, there_and_back(client, hospital), "has not verified your e-mail address")


@pytest.mark.parametrize(
    "changes",
    [
        {"aud": "another"}, {"aud": [CLIENT, "another"], "azp": "another"}, {"iss": "http://127.0.0.1:1"},
        {"exp": 1}, {"exp": None}, {"nonce": "another"}, {"nonce": None}, {"sub": None}, {"iat": None},
    ],
    ids=str,
)  # fmt: skip
def test_an_identity_that_is_not_for_us_now_is_refused(
    town: Bridging, hospital: Provider, changes: dict[str, Any]
) -> None:
    hospital.changes, client = changes, visitor(town)
    refused(client, there_and_back(client, hospital), "did not work")
    assert town.rows(StaffSession, StaffSession.staff_id == town.staff["bridger"]) == []


@pytest.mark.parametrize("how", ["another key", "none", "HS256"])
def test_an_identity_that_the_provider_did_not_sign_is_refused(town: Bridging, hospital: Provider, how: str) -> None:
    client = visitor(town)
    if how == "another key":
        hospital.signs_with_another_key = True
    else:
        hospital.algorithm = how
    refused(client, there_and_back(client, hospital), "did not work")


def test_after_the_first_time_an_account_is_known_by_itself_and_no_address_counts(
    town: Bridging, hospital: Provider
) -> None:
    there_and_back(visitor(town), hospital)
    hospital.email, client = "second@program.example", visitor(town)  # the address is another's now
    assert there_and_back(client, hospital).headers["location"] == "/offers"
    hospital.changes, client = {"email_verified": False}, visitor(town)
    assert there_and_back(client, hospital).headers["location"] == "/offers"
    [bound] = town.rows(OutsideIdentity)
    assert (bound.issuer, bound.subject, bound.staff_id) == (hospital.address, "u-17", town.staff["bridger"])
    assert {row.staff_id for row in town.rows(StaffSession)} == {town.staff["bridger"]}
    told = town.rows(Notification, Notification.template == "sign_in_changed", Notification.channel == Channel.IN_APP)
    assert [row.staff_id for row in told] == [town.staff["bridger"]], "of the first time they are told"


def test_another_account_with_the_same_address_is_refused_and_an_administrator_lets_it_in(
    town: Bridging, hospital: Provider
) -> None:
    there_and_back(visitor(town), hospital)
    hospital.changes = {"sub": "u-18"}
    for _ in range(2):
        client = visitor(town)
        refused(client, there_and_back(client, hospital), "Your administrator has been told")
    told = town.rows(Notification, Notification.template == "identity_refused", Notification.channel == Channel.IN_APP)
    assert [row.staff_id for row in told] == [town.staff["admin"]], "once"
    admin, here = town.browser("admin"), f"/staff/{town.staff['bridger']}"
    assert here in [a.attributes.get("href") for a in admin.get("/notifications").all("a")]
    assert "Let in another account" in words(admin.get(here).html)
    admin.goes_to(f"{here}/forget-account")
    assert town.rows(StaffSession, StaffSession.staff_id == town.staff["bridger"]) == [], "signed out everywhere"
    assert there_and_back(visitor(town), hospital).headers["location"] == "/offers"
    assert [row.subject for row in town.rows(OutsideIdentity)] == ["u-18"]
    hospital.changes, client = {}, visitor(town)
    refused(client, there_and_back(client, hospital), "Your administrator has been told")
    events = [row.event for row in town.rows(JournalEntry) if row.event.startswith("staff.identity")]
    assert sorted(set(events)) == ["staff.identity_bound", "staff.identity_refused", "staff.identity_unbound"]
    assert admin.post(f"/staff/{town.staff['second']}/forget-account").status_code == 404


def test_who_has_left_does_not_come_in_by_an_account_that_was_known(town: Bridging, hospital: Provider) -> None:
    there_and_back(visitor(town), hospital)
    with engine.transaction() as session:
        session.get_one(Staff, town.staff["bridger"]).is_active = False
    client = visitor(town)
    refused(client, there_and_back(client, hospital), "nobody signs in here")


def test_what_begins_in_one_browser_does_not_end_in_another(town: Bridging, hospital: Provider) -> None:
    """Nobody is signed in as somebody else by a link that they were sent."""
    attacker, victim = visitor(town), visitor(town)
    state, code = hospital.authorize(attacker.get(BEGIN).headers["location"])
    answer = victim.get(f"{BEGIN}/back", params={"state": state, "code": code})
    refused(victim, answer, "did not work")
    victim.get(BEGIN)
    refused(victim, victim.get(f"{BEGIN}/back", params={"state": state, "code": code}), "did not work")


@pytest.mark.parametrize("changes", [{"state": "x"}, {"state": ""}, {"code": "made-up"}, {"code": ""}], ids=str)
def test_a_made_up_way_back_leads_nowhere(town: Bridging, hospital: Provider, changes: dict[str, str]) -> None:
    client = visitor(town)
    refused(client, there_and_back(client, hospital, **changes), "did not work")


def test_coming_back_twice_signs_in_once(town: Bridging, hospital: Provider) -> None:
    client = visitor(town)
    state, code = hospital.authorize(client.get(BEGIN).headers["location"])
    params = {"state": state, "code": code}
    assert client.get(f"{BEGIN}/back", params=params).headers["location"] == "/"
    assert client.get(f"{BEGIN}/back", params=params).headers["location"] == "/sign-in"


@pytest.mark.postgresql
def test_a_second_step_is_asked_for_here_too(town: Bridging, hospital: Provider) -> None:
    with engine.transaction() as session:
        second_factor.new_secret(session, town.staff["bridger"]).confirmed_at = clock.now()
    client = visitor(town)
    assert there_and_back(client, hospital).headers["location"] == "/sign-in/second-step?next=/offers"
    assert client.get("/offers").status_code == 303


@pytest.mark.parametrize(
    ("claims", "is_enough"),
    [
        ({}, False), ({"acr": "silver"}, False), ({"amr": ["mfa"]}, False), ({"acr": "gold", "amr": ["pwd"]}, False),
        ({"acr": ["gold"], "amr": ["mfa"]}, False), ({"acr": "gold", "amr": [{"mfa": 1}, 1]}, False),
        ({"acr": "gold", "amr": ["pwd", "mfa"]}, True),
    ],
    ids=str,
)  # fmt: skip
def test_a_strength_that_is_demanded_must_be_said(
    town: Bridging, hospital: Provider, monkeypatch: pytest.MonkeyPatch, claims: dict[str, Any], is_enough: bool
) -> None:
    monkeypatch.setattr(get_settings(), "oidc_acr", "gold, phr")
    monkeypatch.setattr(get_settings(), "oidc_amr", "mfa,hwk")
    hospital.changes, client = claims, visitor(town)
    answer = there_and_back(client, hospital)
    assert hospital.asked[0]["acr_values"] == "gold phr"
    if is_enough:
        assert answer.headers["location"] == "/offers"
    else:
        refused(client, answer, "did not say that it asked you for as much as is needed here")
        assert town.rows(OutsideIdentity) == []


def test_without_that_setting_our_own_second_step_goes_on_whatever_the_provider_says(
    town: Bridging, hospital: Provider
) -> None:
    with engine.transaction() as session:
        second_factor.new_secret(session, town.staff["bridger"]).confirmed_at = clock.now()
    hospital.changes, client = {"acr": "gold", "amr": ["mfa"]}, visitor(town)
    assert there_and_back(client, hospital).headers["location"] == "/sign-in/second-step?next=/offers"
    assert "acr_values" not in hospital.asked[0]


@pytest.mark.parametrize("door", ["token_endpoint", "jwks_uri"])
def test_a_provider_leads_nobody_into_our_own_network(town: Bridging, hospital: Provider, door: str) -> None:
    """Where its doors are, it says itself: an address inside that the operator did not name is not asked."""
    with socket.create_server(("127.0.0.1", 0)) as inside:
        inside.settimeout(0.05)
        hospital.says_of_itself = {door: f"http://localhost:{inside.getsockname()[1]}/"}
        client = visitor(town)
        refused(client, there_and_back(client, hospital), "did not work")
        with pytest.raises(TimeoutError):
            inside.accept()


def test_a_provider_that_is_away_is_said(town: Bridging, hospital: Provider) -> None:
    hospital.is_away, client = True, visitor(town)
    refused(client, client.get(BEGIN), "did not work")


def test_a_provider_that_changed_its_keys_is_asked_again(town: Bridging, hospital: Provider) -> None:
    assert there_and_back(visitor(town), hospital).headers["location"] == "/offers"
    hospital.key = RSAKey.generate_key(2048, {"kid": "one"})
    assert there_and_back(visitor(town), hospital).headers["location"] == "/offers"


def test_the_cookie_tells_nothing_and_one_never_goes_on_to_elsewhere(town: Bridging, hospital: Provider) -> None:
    client = visitor(town)
    gone = client.get(BEGIN, params={"next": "//evil.example"})
    state, code = hospital.authorize(gone.headers["location"])
    assert state not in gone.headers["set-cookie"]
    assert client.get(f"{BEGIN}/back", params={"state": state, "code": code}).headers["location"] == "/"
    assert f"{BEGIN}/back" == oidc.BACK
