"""Made from the routes: no form is taken that is not ours, and no address tells anything of anybody."""

from __future__ import annotations

import html
import re
from typing import Any

import httpx
import pytest
from fastapi.routing import APIRoute

from api.app import create_app
from domain.vocabulary import ConsentStatus, Need, RiskFlag, Word
from records.commands.sign_in import csrf_token
from records.settings import get_settings
from tests.access.asking import Asked, Route, Who, filled
from tests.access.sent import FORMS
from tests.access.world import FAMILY, ROLES

pytestmark = pytest.mark.sqlite
NOT_OURS = ("This page was open for too long", "This form was sent from another site")

SHOWN_AGAIN = {
    "/sign-in/second-step": (303, "/sign-in"),
    "/account/second-step/set-up": (303, "/account/second-step"),
    "/set-up/{token}": (404, None),
}
"""Refused like the others; the page that is shown again then leads on, since nobody had begun there."""

MAY_STAND_IN_AN_ADDRESS = {
    "after": "where a list goes on", "before": "where a list goes on", "cursor": "where a list goes on",
    "page_number": "where a list goes on", "limit": "how many", "more": "all of a timeline", "once": "one form, random",
    "next": "a path of ours", "draft": "an id", "contact": "an id", "bridger": "an id of staff",
    "bridger_id": "an id of staff", "facility": "an id", "facility_id": "an id", "person_id": "an id",
    "referral_id": "an id", "to": "an id of staff, or a date", "from": "a date", "due_before": "a time",
    "period": "a named period", "by": "how figures are grouped", "kind": "a part of a figure", "shown": "two dates",
    "part": "a part of a figure", "took": "a part of a figure", "coming": "the word all", "mine": "yes or no",
    "only": "a kind of row of a list that was sent", "show": "a tab", "state": "a state of a message or a thing; "
    "of the sign-in by organization, a random value", "status": "a state of a referral", "with_former": "yes or no",
    "scope": "which of the program’s consent forms, the same for everybody", "code": "of the sign-in by organization",
}  # fmt: skip
"""What may stand behind a question mark. Never what somebody typed about a person, nor what is so of them: addresses
stay in browsers' histories and in the logs of whatever stands in front."""


def test_no_form_is_taken_that_is_not_ours(asked: Asked) -> None:
    told = asked.run(lambda: _taken(asked))
    assert not told, "\n".join(told)


async def _taken(asked: Asked) -> list[str]:
    told: list[str] = []
    looked_at = 0
    for route in asked.routes:
        if route.is_for_machines or route.method in ("GET", "HEAD"):
            continue
        who = _may_send(asked, route)
        ours = csrf_token(who.session)
        for what, token, headers in (
            ("without its word", "", {}),
            ("with another session's word", csrf_token(asked.world.sessions["admin"] + "x"), {}),
            ("from another site", ours, {"sec-fetch-site": "cross-site"}),
            ("from a site beside", ours, {"sec-fetch-site": "same-site"}),
            ("from another origin", ours, {"origin": "https://evil.example"}),
        ):
            looked_at += 1
            answer = await _send(asked, route, who, token, headers)
            refused = answer.status_code == 403 and any(words in answer.text for words in NOT_OURS)
            elsewhere = (answer.status_code, answer.headers.get("location")) == SHOWN_AGAIN.get(route.path)
            if not refused and not elsewhere:
                told.append(f"{route.name} {what}: {answer.status_code} {answer.headers.get('location')}")
    assert looked_at > 200, "every form of the application"
    return told


def _may_send(asked: Asked, route: Route) -> Who:
    role = next((role for role in ROLES if route.lets_in(role)), "manager")
    return Who(role, session=asked.world.sessions[role])


async def _send(asked: Asked, route: Route, who: Who, token: str, headers: dict[str, str]) -> Any:
    things = asked.world.things["own"]
    path = filled(
        route.path,
        things
        | {"key": "first-contact", "section": "today", "token": "x", "form_id": "x"}
        | {"who": "anybody", "place": "1"},
    )
    data = filled(FORMS.get(route.path, {}), things) | ({"csrf_token": token} if token else {})
    sent = headers | {"cookie": f"footbridge-session={who.session}"}
    door = httpx.ASGITransport(app=asked.app)
    async with httpx.AsyncClient(transport=door, base_url="http://127.0.0.1:8000") as client:
        answer = await client.request(route.method, path, data=data, headers=sent)
    asked.forget()
    return answer


def test_only_what_tells_nothing_stands_behind_a_question_mark() -> None:
    asked_for = {
        parameter.alias
        for route in create_app(get_settings()).routes
        if isinstance(route, APIRoute)
        for parameter in route.dependant.query_params
    }
    assert asked_for - set(MAY_STAND_IN_AN_ADDRESS) == set()


def test_addresses_on_pages_name_nobody_and_tell_nothing_of_anybody(asked: Asked) -> None:
    told, seen = asked.run(lambda: _told_by_addresses(asked))
    assert seen > 1_000
    assert not told, "\n".join(sorted(told)[:40])


_ADDRESS = re.compile(r'\b(?:href|action|formaction|src|hx-get|hx-post)="([^"]*)"')
_OF_THE_PHONE = ("tel:", "sms:", "mailto:")
_SECRETS = (*FAMILY.values(), "Words", "1990-01-", "5550", "Example%20Avenue", "Example+Avenue")
_SENSITIVE: tuple[type[Word], ...] = (RiskFlag, Need, ConsentStatus)


async def _told_by_addresses(asked: Asked) -> tuple[set[str], int]:
    """Every page of everybody about what is theirs; what its addresses say beside ids and words of ours."""
    told: set[str] = set()
    seen = 0
    for route in asked.routes:
        if route.is_for_machines or route.method != "GET":
            continue
        for role in ROLES:
            if not route.lets_in(role):
                continue
            answer = await asked.ask(route, Who(role, session=asked.world.sessions[role]), asked.world.things["own"])
            for address in [*map(html.unescape, _ADDRESS.findall(answer.body)), answer.location]:
                if address.startswith(_OF_THE_PHONE):
                    continue
                seen += 1
                told |= {f"{route.name} for {role}: {address}" for _ in _told_by(address)}
    return told, seen


def _told_by(address: str) -> list[str]:
    _, _, query = address.partition("?")
    words = [word for word in _SECRETS if word in address]
    words += [value for kind in _SENSITIVE for value in kind if f"={value}" in f"{query}&"]
    names = re.findall(r"(?:^|&)([^=&#]+)=", query)
    return words + [name for name in names if name not in MAY_STAND_IN_AN_ADDRESS]


def test_what_is_looked_for_in_addresses_is_found() -> None:
    assert _told_by("/referrals?name=Ownperson") == ["Ownperson", "name"]
    assert _told_by("/referrals/ref_1/log?contact=con_1") == []
    assert _told_by(f"/board?show={RiskFlag.OVERDOSE.value}") == [RiskFlag.OVERDOSE.value]
