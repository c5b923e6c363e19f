"""Every parser, given real input that was changed: an answer below 500 each time, and never half a thing done.

Whatever takes something that it parses itself belongs here: see `test_every_raw_body_is_tried`. An answer that refuses
leaves as many rows in every table as there were, but for what is written about the try itself.
"""

from __future__ import annotations

from collections.abc import Iterable
from datetime import timedelta
from itertools import count
from pathlib import Path
from typing import Any

import pytest
from fastapi.routing import APIRoute
from httpx import Response
from hypothesis import given, seed
from hypothesis import strategies as st
from sqlalchemy import func, select
from sqlmodel import SQLModel

from api import oidc
from api.app import create_app
from api.auth import MACHINE_PATHS
from api.gateway import sign
from records import engine
from records.commands import sign_in as sessions
from records.commands.second_factor import open_step
from records.settings import get_settings
from records.tables import Staff
from tests.api.house import ADA, NOW, House
from tests.api.signing import sign_in, token_of
from tests.fuzz.budget import tries
from tests.fuzz.mutations import as_sent, changed_csv, changed_form, changed_json, changed_text
from tests.pages.client import TestClient
from tests.records.notices import DATA, notice
from tests.support.oidc_provider import CLIENT, provider

pytestmark = pytest.mark.sqlite
FHIR = "/fhir/$process-message"
TEXTS = "/gateway/texts"
LISTS = "/api/v1/imports"
RAW = {FHIR: "test_fhir_messages", LISTS: "test_release_lists", TEXTS: "test_texts_that_come_in"}
"""Routes that parse a body themselves → the test here that changes real ones. The rest are models and forms."""
ABOUT_THE_TRY = frozenset({"journal", "reading", "addresstries", "idempotency"})
"""Tables in which a try is noted that was refused: who tried to sign in, who searched."""


def counts() -> dict[str, int]:
    """How many rows every table has."""
    with engine.read_session() as session:
        return {
            name: session.execute(select(func.count()).select_from(table)).scalar_one()
            for name, table in SQLModel.metadata.tables.items()
            if name not in ABOUT_THE_TRY
        }


def check(answer: Response, before: dict[str, int], *, may_keep: str = "") -> None:
    assert answer.status_code < 500, answer.text[:500]
    if answer.status_code >= 400:
        left = {name for name, count in counts().items() if count != before[name]}
        assert left <= {may_keep}, "a refusal left something behind"


def test_fhir_messages(house: House) -> None:
    house.file(visit_id="http://example.org|v")
    days = timedelta(days=3)
    late = notice("discharge", message_id="m-1", visit="v", start=NOW - days, end=NOW + days)
    _take_fhir(house, [late], 20)  # refused when much of it was done: the facility is new
    there = notice("discharge", message_id="m-1", visit="v", start=NOW - days, end=NOW)
    _take_fhir(house, [there, *(notice(event, message_id="m-1") for event in ("admit", "transfer", "discharge"))], 60)


def _take_fhir(house: House, samples: list[Any], few: int) -> None:
    headers = {"Authorization": f"Bearer {house.tokens['admin']}", "Content-Type": "application/fhir+json"}
    ids = count()

    @seed(1)
    @tries(few)
    @given(body=changed_json(samples))
    def take(body: bytes) -> None:
        before = counts()
        body = body.replace(b'"m-1"', b'"m-%d-%d"' % (few, next(ids)))  # else it is another's under its id
        check(house.client.post(FHIR, content=body, headers=headers), before)

    take()


def test_texts_that_come_in(house: House, monkeypatch: pytest.MonkeyPatch) -> None:
    """Signed: the gateway itself may say anything."""
    monkeypatch.setenv("FOOTBRIDGE_SMS_WEBHOOK_TOKEN", "a token of the gateway's")
    monkeypatch.setenv("FOOTBRIDGE_PUBLIC_URL", "https://footbridge.example")
    get_settings.cache_clear()
    house.accepted()
    sample = {
        "MessageSid": "SM0123456789",
        "From": "+12125550123",
        "Body": "Stop, or come?",
        "OptOutType": "STOP",
    }

    @seed(5)
    @tries(40)
    @given(fields=changed_form(sample))
    def take(fields: list[tuple[str, str]]) -> None:
        before, sent = counts(), dict[str, list[str]]()
        for name, value in fields:
            sent.setdefault(name, []).append(_typed(value))
        made = sign(f"https://footbridge.example{TEXTS}", sent, "a token of the gateway's")
        check(house.client.post(TEXTS, data=sent, headers={"X-Twilio-Signature": made}), before)

    take()
    get_settings.cache_clear()


def test_json_of_the_api(house: House) -> None:
    sample = {
        "setting": "jail", "person": ADA | {"identifiers": [{"system": "x", "value": "1", "kind": "MR"}]},
        "expected_on": "2026-11-06", "certainty": "likely", "consent": "given", "risks": ["youth"],
        "discharged_at": "2026-11-03T10:00:00-05:00", "consent_expires_at": "2027-01-01T00:00:00Z",
    }  # fmt: skip
    headers = {"Authorization": f"Bearer {house.tokens['planner']}", "Content-Type": "application/json"}

    @seed(2)
    @tries(50)
    @given(body=changed_json([sample, sample | {"person_id": "per_x"}]))
    def take(body: bytes) -> None:
        before = counts()
        check(house.client.post("/api/v1/referrals", content=body, headers=headers), before)

    take()


def signed_in(house: House, who: str) -> tuple[TestClient, str]:
    """A browser in which somebody is signed in, and the word of its forms."""
    client = TestClient(house.app, follow_redirects=False)
    sign_in(client, who)
    return client, sessions.csrf_token(str(client.cookies["footbridge-session"]))


def test_release_lists(house: House) -> None:
    sample = (DATA / "releases-sample.csv").read_bytes()
    client, token = signed_in(house, "jailer")

    @seed(3)
    @tries(40)
    @given(data=changed_csv(sample), name=st.sampled_from(("list.csv", "", "../../x", 'a";\r\nx: y', "ﬀ.csv\x00")))
    def take(data: bytes, name: str) -> None:
        before = counts()
        answer = client.post("/imports", data={"csrf_token": token}, files={"file": (name, data, "text/csv")})
        check(answer, before)
        if answer.status_code == 303:
            assert client.get(answer.headers["location"]).status_code == 200, "and its report can be read"
        before, headers = counts(), {"Authorization": f"Bearer {house.tokens['jailer']}", "Content-Type": "text/csv"}
        check(client.post(LISTS, content=data, headers=headers), before)

    take()


FORMS: dict[str, tuple[str, dict[str, Any]]] = {
    "/referrals/new": ("planner", {
        "draft": "drf_" + "a" * 20, "do": "check", "setting": "psychiatric_inpatient", "given_name": "Ada",
        "family_name": "Sample", "birth_on_month": "1", "birth_on_day": "2", "birth_on_year": "1990",
        "phones.0.number": "(212) 555-0123", "expected_on": "2026-11-06", "consent": "given", "note": "words",
    }),
    "/referrals/{referral_id}/log": ("bridger", {
        "mode": "call", "outcome": "reached", "at": "2026-11-03T09:00", "minutes": "5", "note": "words", "once": "a",
    }),
    "/referrals/{referral_id}/date": ("planner", {"known": "yes", "expected_on": "2026-11-08"}),
    "/people": ("manager", {"search": "Sample"}),
    "/staff/new": ("manager", {"email": "new@program.example", "name": "New Pretend", "roles": "bridger"}),
    "/sign-in": ("", {"email": "planner@program.example", "password": "not the password", "next": "/today"}),
    "/forgot-password": ("", {"email": "planner@program.example"}),
    "/choose-password/{token}": ("", {"password": "three quiet herons wade", "again": "three quiet herons wade"}),
    "/account/signed-off": ("bridger", {"kept_path": "/referrals/{referral_id}/note", "note": "words"}),
    "/account/password": ("clinician", {"current": "wrong", "password": "nine patient otters", "again": "x"}),
}  # fmt: skip
"""Forms of every kind of field; all forms of the application are tried with odd values in `tests/access`."""


def test_forms(house: House) -> None:
    referral_id = house.accepted()
    browsers = {who: signed_in(house, who) for who in ("planner", "bridger", "manager", "clinician")}
    visitor = TestClient(house.app, follow_redirects=False)
    browsers[""] = (visitor, token_of(visitor.get("/sign-in").text))

    @seed(4)
    @tries(120)
    @given(path=st.sampled_from(sorted(FORMS)), data=st.data())
    def take(path: str, data: st.DataObject) -> None:
        who, sample = FORMS[path]
        client, token = browsers[who]
        sample = {name: str(value).replace("{referral_id}", referral_id) for name, value in sample.items()}
        body, kind = data.draw(as_sent(data.draw(changed_form(sample)), token))
        before = counts()
        where = path.replace("{referral_id}", referral_id).replace("{token}", "lnk_x.y")
        answer = client.post(where, content=body, headers={"content-type": kind})
        check(answer, before, may_keep="draft" if path == "/referrals/new" else "")  # what is being typed is kept
        if answer.status_code == 303 and path == "/account/signed-off":  # what was kept comes back, or nothing does
            browsers[who] = signed_in(house, who)
        _leads_nowhere_else(answer)

    take()


def _leads_nowhere_else(answer: Response) -> None:
    where = answer.headers.get("location", "/")
    assert where.startswith("/"), where
    assert not where.startswith("//"), where


def test_codes_and_tokens(house: House) -> None:
    """The second step's code and token, links, kept forms and bearer tokens."""
    with engine.transaction() as session:
        step = open_step(session, session.get_one(Staff, house.staff["planner"]), "tests")
    bearer = house.tokens["planner"]
    ids = st.sampled_from(("kpt_" + "0" * 32, "lnk_01m6gys6c07jad78bzh934.aaaa", "per_x", "ref_01m6gys6c07jad78bzh934"))

    @seed(5)
    @tries(50)
    @given(code=changed_text("123456"), at=changed_text(step), key=changed_text(bearer), data=st.data())
    def take(code: str, at: str, key: str, data: st.DataObject) -> None:
        before = counts()
        client = TestClient(house.app, follow_redirects=False)
        token = token_of(client.get("/sign-in").text)
        cookies = f"footbridge-step={_header(at)}; footbridge-visitor={client.cookies['footbridge-visitor']}"
        sent = {"csrf_token": token, "code": _typed(code)}
        answer = client.post("/sign-in/second-step", data=sent, headers={"cookie": cookies})
        check(answer, before)
        assert "footbridge-session" not in answer.headers.get("set-cookie", ""), "nobody gets in by guessing"
        answer = client.get("/api/v1/referrals", headers={"Authorization": f"Bearer {_header(key)}"})
        assert answer.status_code == (200 if _header(key) == bearer else 401)
        changed = _header(data.draw(changed_text(data.draw(ids)))).replace("/", "")
        for path in (f"/kept/{changed}", f"/choose-password/{changed}", f"/set-up/{changed}"):
            assert client.get(path).status_code < 500, path

    take()


def test_what_comes_back_from_the_organization(house: House, monkeypatch: pytest.MonkeyPatch) -> None:
    with provider() as hospital:
        settings = get_settings()
        for name, value in (
            ("oidc_issuer", hospital.address),
            ("oidc_client_id", CLIENT),
            ("internal_hosts", "127.0.0.1"),
        ):
            monkeypatch.setattr(settings, name, value)
        client = TestClient(house.app, follow_redirects=False)
        gone = client.get("/sign-in/organization")
        cookie = gone.cookies["footbridge-organization"]
        state, code = hospital.authorize(gone.headers["location"])

        @seed(6)
        @tries(60)
        @given(state=changed_text(state), code=changed_text(code), cookie=changed_text(cookie))
        def come_back(state: str, code: str, cookie: str) -> None:
            asked = {"state": _typed(state), "code": _typed(code)}
            sent = {"cookie": f"footbridge-organization={_header(cookie)}"}
            answer = TestClient(house.app, follow_redirects=False).get(oidc.BACK, params=asked, headers=sent)
            assert answer.status_code in (303, 404), answer.text[:300]
            _leads_nowhere_else(answer)
            assert "footbridge-session=" not in answer.headers.get("set-cookie", ""), "our secret was never given"

        come_back()


def test_cursors_and_queries(house: House) -> None:
    for number in range(3):
        house.file(person=ADA | {"given_name": f"Ada{'abc'[number]}"})
    cursor = house.get("planner", "/referrals?limit=1")["next_cursor"]
    after = house.get("planner", "/events?limit=1").get("next_after") or "1"
    lists = ("/api/v1/referrals", "/api/v1/contacts", "/api/v1/escalations", "/api/v1/staff")
    client, _ = signed_in(house, "manager")

    @seed(7)
    @tries(40)
    @given(cursor=changed_text(cursor), after=changed_text(str(after)), path=st.sampled_from(lists))
    def ask(cursor: str, after: str, path: str) -> None:
        headers = {"Authorization": f"Bearer {house.tokens['manager']}"}
        assert house.client.get(path, params={"cursor": _typed(cursor)}, headers=headers).status_code in (200, 404, 422)
        answer = house.client.get("/api/v1/events", params={"after": _typed(after)}, headers=headers)
        assert answer.status_code in (200, 404, 422)
        for page in ("/referrals", "/board", "/measures", "/outbox", "/escalations", "/notifications", "/today"):
            names = ("after", "page_number", "show", "period", "from", "to", "state", "bridger", "by", "next", "once")
            answer = client.get(page, params=dict.fromkeys(names, _typed(after)))
            assert answer.status_code < 500, page

    ask()


def _typed(text: str) -> str:
    """As a browser can send it."""
    return text.encode("utf-8", "replace").decode()


def _header(text: str) -> str:
    """As it can stand in a header."""
    return "".join(c for c in text if " " < c < "\x7f" and c not in ';,"\\')


def test_every_raw_body_is_tried() -> None:
    """A route of the machines whose body no model describes parses it itself: it has a test here."""
    found = {path for path, route in _machine_posts() if not route.dependant.body_params}
    found -= {path for path, route in _machine_posts() if _takes_nothing(route)}
    assert found == set(RAW)
    assert all(f"def {name}(" in Path(__file__).read_text(encoding="utf-8") for name in RAW.values())


def _machine_posts() -> Iterable[tuple[str, APIRoute]]:
    for route in create_app(get_settings()).routes:
        if isinstance(route, APIRoute) and route.path.startswith(MACHINE_PATHS) and route.methods != {"GET"}:
            yield route.path, route


def _takes_nothing(route: APIRoute) -> bool:
    """A command without a body: only what stands in its address, and the transaction."""
    return "sent" not in {parameter for parameter in getattr(route.endpoint, "footbridge").own}  # noqa: B009
