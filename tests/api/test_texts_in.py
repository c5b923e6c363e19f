"""Texts come in by the gateway's webhook: only signed ones count, each once, and the answer tells nothing."""

from __future__ import annotations

import logging
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from typing import Any

import pytest
from httpx import Response
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from sqlmodel import select

from api.edge import LARGEST_TEXT
from api.gateway import sign
from domain.vocabulary import AgreedHow
from records import engine
from records.access import actor_of
from records.commands import texting
from records.settings import get_settings
from records.tables import Inbound, NumberAnswer, PersonText, Staff, TextReply
from tests.access.asking import routes_of
from tests.api.house import House

TOKEN = "a token of the gateway's"
NUMBER = "+12125550123"
ADDRESS = "https://footbridge.example/gateway/texts"


@pytest.fixture
def gateway(house: House, monkeypatch: pytest.MonkeyPatch) -> Iterator[House]:
    """A house whose gateway brings texts, and somebody there who said yes to them."""
    monkeypatch.setenv("FOOTBRIDGE_SMS_WEBHOOK_TOKEN", TOKEN)
    monkeypatch.setenv("FOOTBRIDGE_PUBLIC_URL", "https://footbridge.example")
    get_settings.cache_clear()
    referral_id = house.accepted()
    with engine.transaction() as session:
        actor = actor_of(session.get_one(Staff, house.staff["supervisor"]))
        texting.allow_texts(session, actor, referral_id, NUMBER, AgreedHow.BY_PHONE)
    yield house
    get_settings.cache_clear()


def form(body: str = "See you then", message_id: str = "SM0123456789", **more: str) -> dict[str, str]:
    return {"MessageSid": message_id, "From": NUMBER, "To": "+12125550100", "Body": body, "NumMedia": "0"} | more


def bring(house: House, fields: dict[str, str], *, signature: str | None = None, address: str = ADDRESS) -> Response:
    """As the gateway does."""
    made = sign(address, {name: [value] for name, value in fields.items()}, TOKEN) if signature is None else signature
    response: Response = house.client.post(
        "/gateway/texts", data=fields, headers={"X-Twilio-Signature": made.encode("latin-1")}
    )
    return response


def rows(table: Any) -> list[Any]:
    with engine.read_session() as session:
        return list(session.exec(select(table)))


def test_the_signature_is_the_one_that_the_gateways_documents_show() -> None:
    """The examples of Twilio's page on securing requests, and of its libraries."""
    told = {"CallSid": ["CA1234567890ABCDE"], "Caller": ["+14158675309"], "Digits": ["1234"],
            "From": ["+14158675309"], "To": ["+18005551212"]}  # fmt: skip
    assert sign("https://mycompany.com/myapp.php?foo=1&bar=2", told, "12345") == "RSOYDt4T1cUTdK1PDd93/VVr8B8="
    told |= {"Caller": ["+12349013030"], "From": ["+12349013030"]}
    assert sign("https://mycompany.com/myapp.php?foo=1&bar=2", told, "12345") == "0/KCTR6DLpKmkAf8muzZqo1nDgQ="


def test_a_signed_text_is_kept_with_the_person_and_answered_with_nothing(gateway: House) -> None:
    answer = bring(gateway, form())
    assert (answer.status_code, answer.headers["content-type"]) == (200, "text/xml; charset=utf-8")
    assert answer.text == '<?xml version="1.0" encoding="UTF-8"?><Response/>'
    assert "set-cookie" not in answer.headers
    [reply] = rows(TextReply)
    assert (reply.body, reply.number) == ("See you then", NUMBER)


@pytest.mark.sqlite
def test_the_usual_port_may_stand_in_the_address(gateway: House) -> None:
    assert bring(gateway, form(), address="https://footbridge.example:443/gateway/texts").status_code == 200
    assert bring(gateway, form(), address="https://footbridge.example:8443/gateway/texts").status_code == 403


FIELDS = {name: [value] for name, value in form().items()}
NOT_SIGNED = {
    "none": "",
    "somebody else's token": sign(ADDRESS, FIELDS, "another token"),
    "another text": sign(ADDRESS, FIELDS | {"Body": ["STOP"]}, TOKEN),
    "another address": sign("https://other.example/gateway/texts", FIELDS, TOKEN),
    "no token": sign(ADDRESS, FIELDS, ""),
    "letters of no alphabet": "\xff\xfe==",
}


@pytest.mark.sqlite
def test_what_the_gateway_did_not_sign_is_refused_and_leaves_nothing(gateway: House) -> None:
    for why, signature in NOT_SIGNED.items():
        answer = bring(gateway, form(), signature=signature)
        assert (answer.status_code, answer.json()["code"]) == (403, "not_signed"), why
    assert (rows(Inbound), rows(TextReply)) == ([], [])


@pytest.mark.sqlite
def test_a_field_that_was_added_or_changed_after_signing_is_refused(gateway: House) -> None:
    good = sign(ADDRESS, {name: [value] for name, value in form().items()}, TOKEN)
    assert bring(gateway, form() | {"OptOutType": "STOP"}, signature=good).status_code == 403
    assert bring(gateway, form() | {"From": "+13125550100"}, signature=good).status_code == 403


@pytest.mark.sqlite
def test_without_a_token_nothing_is_taken(gateway: House, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("FOOTBRIDGE_SMS_WEBHOOK_TOKEN", "")
    get_settings.cache_clear()
    unsigned = sign(ADDRESS, {name: [value] for name, value in form().items()}, "")
    assert bring(gateway, form(), signature=unsigned).status_code == 403
    assert rows(TextReply) == []


@pytest.mark.sqlite
def test_no_bearer_token_and_no_session_stands_in_for_the_signature(gateway: House) -> None:
    for who in ("admin", "manager", "privacy"):
        headers = {"Authorization": f"Bearer {gateway.tokens[who]}"}
        assert gateway.client.post("/gateway/texts", data=form(), headers=headers).status_code == 403


def test_the_same_message_twice_at_once_is_one(gateway: House) -> None:
    with ThreadPoolExecutor(4) as pool:
        answers = list(pool.map(lambda _: bring(gateway, form("STOP")), range(4)))
    assert [one.status_code for one in answers] == [200] * 4
    assert len(rows(TextReply)) == 1
    assert len(rows(NumberAnswer)) == 1
    assert len([text for text in rows(PersonText) if text.kind == "person_stopped"]) == 1


@pytest.mark.sqlite
def test_nobody_learns_whom_we_know(gateway: House) -> None:
    known, unknown = bring(gateway, form()), bring(gateway, form(message_id="SM99999999", From="+13125550188"))
    assert (known.status_code, known.text) == (unknown.status_code, unknown.text)
    assert bring(gateway, form(message_id="SM88888888", From="88444")).text == known.text
    assert len(rows(TextReply)) == 1


@pytest.mark.sqlite
def test_a_text_without_words_is_one_too(gateway: House) -> None:
    assert bring(gateway, form("", NumMedia="1")).status_code == 200
    assert rows(TextReply)[0].body == "(A picture or a sound, which is not kept.)"


@pytest.mark.sqlite
def test_what_the_gateway_stopped_by_itself_is_stopped_and_not_confirmed_twice(gateway: House) -> None:
    bring(gateway, form("ARRET", OptOutType="STOP"))
    assert [row.is_stop for row in rows(NumberAnswer)] == [True]
    assert [text.kind for text in rows(PersonText) if text.kind == "person_stopped"] == []


@pytest.mark.sqlite
def test_without_its_id_a_text_is_refused(gateway: House) -> None:
    assert bring(gateway, form(message_id="")).status_code == 422
    assert bring(gateway, form(message_id="SM1'; --")).status_code == 422


@pytest.mark.sqlite
def test_more_than_a_text_is_too_large(gateway: House) -> None:
    assert bring(gateway, form("x" * LARGEST_TEXT)).status_code == 413


@pytest.mark.sqlite
def test_nothing_of_a_text_is_in_the_log(gateway: House, caplog: pytest.LogCaptureFixture) -> None:
    with caplog.at_level(logging.DEBUG):
        bring(gateway, form("It is Ada Sample, meet me at the shelter"))
        bring(gateway, form("the shelter"), signature="no")
    for personal in ("Ada", "shelter", "2125550123"):
        assert personal not in caplog.text


@pytest.mark.sqlite
@settings(max_examples=30, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(
    fields=st.dictionaries(
        st.sampled_from(["MessageSid", "From", "Body", "OptOutType", "NumMedia", "To", "x\u00e9"]),
        st.text(st.characters(exclude_categories=["Cs"]), max_size=200),
    )
)
def test_whatever_is_signed_is_answered(gateway: House, fields: dict[str, str]) -> None:
    assert bring(gateway, form() | fields).status_code in (200, 422)


@pytest.mark.sqlite
def test_what_lies_at_the_gateways_address_asks_for_its_signature(gateway: House) -> None:
    """Below `/gateway/` no form token is asked for: so nothing else may lie there, and this kind nowhere else."""
    routes = list(routes_of(gateway.app.routes))
    there = {route.name for route in routes if route.path.startswith("/gateway/")}
    signed = {route.name for route in routes if route.access.kind == "gateway"}
    assert there == signed == {"POST /gateway/texts"}
