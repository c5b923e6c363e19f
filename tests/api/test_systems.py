"""Other organizations' systems with their tokens: what they may, what they see, and how it ends."""

from __future__ import annotations

import json
from collections.abc import Iterable, Iterator
from contextlib import contextmanager
from datetime import timedelta
from typing import Any

import pytest
from fastapi import APIRouter
from httpx import Response
from sqlalchemy import event
from sqlmodel import SQLModel, select

from api.access import NEVER, UndeclaredRoute, requires, signed_in
from api.app import create_app
from api.auth import MACHINE_PATHS
from api.serving import access_of
from domain.access import ACTIONS, NEVER_FOR_SYSTEMS, SCOPES
from domain.errors import Invalid, NotAllowed, NotFound
from domain.vocabulary import Role, SystemScope
from records import clock, engine
from records.access import Actor, actor_of, actor_of_system, system_actor
from records.commands import sign_in, staff
from records.commands.guessing import FREE_FROM_ADDRESS, Source
from records.commands.systems import TOKEN_PREFIX, create_system_token, revoke_system_token
from records.queries.readings import list_looks
from records.settings import get_settings
from records.tables import AddressTries, ConsentVersion, JournalEntry, Reading, Referral, Staff, SystemToken
from tests.api.house import NOW, PASSWORD, REFERRAL, House
from tests.pages.client import TestClient
from tests.records.notices import notice

READ, WRITE = SystemScope.REFERRALS_READ, SystemScope.REFERRALS_WRITE
UNASKED = REFERRAL | {"consent": "pending"}
"""A referral as a system may file it: that the person agreed is for somebody to say who saw it."""
LIST = b"booking_number,first_name,last_name,birth_date,release_date\nB-1,Robin,Imaginary,1990-05-31,2026-12-01\n"


def has(house: House, name: str, scopes: Iterable[SystemScope], facility: str = "hospital", days: int = 90) -> str:
    """Give the house a system that calls under this name; the id of its token. No facility: the program's own."""
    admin = actor_named(house, "admin")
    with engine.transaction() as session:
        row, house.tokens[name] = create_system_token(
            session, admin, name=name, scopes=scopes, days=days, facility_id=house.facilities.get(facility)
        )
        return row.id


def actor_named(house: House, name: str) -> Actor:
    with engine.read_session() as session:
        return actor_of(session.get_one(Staff, house.staff[name]))


@contextmanager
def writes_to(table: str) -> Iterator[list[str]]:
    """The statements that change a table meanwhile."""
    written: list[str] = []

    def note(_connection: Any, _cursor: Any, statement: str, *_: Any) -> None:
        if table in statement and not statement.lstrip().startswith("SELECT"):
            written.append(statement)

    write = engine.database().write
    event.listen(write, "before_cursor_execute", note)
    try:
        yield written
    finally:
        event.remove(write, "before_cursor_execute", note)


def row_of(token_id: str) -> SystemToken:
    with engine.read_session() as session:
        return session.get_one(SystemToken, token_id)


def entries(stream: str) -> list[JournalEntry]:
    with engine.read_session() as session:
        return list(session.exec(select(JournalEntry).where(JournalEntry.stream == stream)))


def problem(response: Response, status: int) -> dict[str, Any]:
    assert response.status_code == status, response.text
    return dict(response.json())


def test_a_hospitals_system_does_what_its_planners_do_under_its_own_name(house: House) -> None:
    token_id = has(house, "Riverside EHR", (READ, WRITE))
    referral_id = house.file("Riverside EHR", consent="pending")
    assert [one["id"] for one in house.get("planner", "/referrals")["items"]] == [referral_id]
    house.post("Riverside EHR", f"/referrals/{referral_id}/notes", {"note": "room 4"})
    assert {entry.actor for entry in entries(referral_id)} == {token_id}
    with engine.read_session() as session:
        assert session.get_one(Referral, referral_id).planner_id is None, "it is nobody of the hospital's staff"
    told = house.get("manager", f"/referrals/{referral_id}/timeline")["items"]
    assert {line["by"] for line in told} == {"Riverside EHR (system)"}


def test_a_system_sees_what_is_its_facilitys_and_nothing_else(house: House) -> None:
    has(house, "Riverside EHR", (READ, WRITE))
    has(house, "Jail list", (READ, WRITE), facility="jail")
    has(house, "Reports", (READ,), facility="")
    referral_id = house.file()
    person_id = house.get("planner", f"/referrals/{referral_id}")["person_id"]
    for who, status in (("Riverside EHR", 200), ("Jail list", 404), ("Reports", 200)):
        for path in (f"/referrals/{referral_id}", f"/referrals/{referral_id}/timeline", f"/people/{person_id}"):
            assert house.call(who, "GET", path).status_code == status, (who, path)
    assert house.get("Jail list", "/referrals")["items"] == []
    assert house.call("Jail list", "POST", f"/referrals/{referral_id}/notes", {"note": "x"}).status_code == 404
    for other in ("facility_id", "bridger_id"):  # asking for another's by a filter changes nothing
        assert house.get("Jail list", f"/referrals?{other}={house.facilities['hospital']}")["items"] == []


def test_a_programs_system_sees_no_other_program(house: House) -> None:
    referral_id = house.file()
    stranger = actor_named(house, "stranger")
    with engine.transaction() as session:
        _, house.tokens["Elsewhere"] = create_system_token(session, stranger, name="Elsewhere", scopes=list(READ_ALL))
    assert house.call("Elsewhere", "GET", f"/referrals/{referral_id}").status_code == 404
    assert house.get("Elsewhere", "/referrals")["items"] == []
    assert house.get("Elsewhere", "/events")["items"] == []


READ_ALL = (READ, SystemScope.EVENTS_READ, SystemScope.MEASURES_READ)


@pytest.mark.sqlite
def test_what_a_facility_hears_through_its_system_passes_the_gate_of_consent(house: House) -> None:
    has(house, "Riverside EHR", (READ, WRITE))
    referral_id = house.file("Riverside EHR", consent="pending")
    answer = house.call("Riverside EHR", "GET", f"/referrals/{referral_id}")
    assert answer.headers["footbridge-withheld"], "nobody has agreed to telling the hospital"
    assert answer.json()["next_at"] is None


@pytest.mark.sqlite
def test_a_scope_that_is_missing_is_named(house: House) -> None:
    has(house, "Riverside EHR", (READ,))
    answer = house.call("Riverside EHR", "POST", "/referrals", UNASKED)
    said = problem(answer, 403)
    assert (said["code"], said["scope"]) == ("scope_missing", "referrals.write")
    assert "referrals.write (File referrals, and change what was filed)" in said["detail"]
    assert answer.headers["www-authenticate"].endswith('error="insufficient_scope", scope="referrals.write"')


def machine_routes() -> list[tuple[str, str, Any]]:
    """Method, path and declaration of every route of the API and FHIR that asks who comes."""
    found: list[tuple[str, str, Any]] = []

    def look(routes: Iterable[Any]) -> None:
        for route in routes:
            if (inner := getattr(route, "original_router", None)) is not None:
                look(inner.routes)
            elif route.path.startswith(MACHINE_PATHS) and access_of(route.endpoint).kind != "public":  # type: ignore[union-attr]
                found.extend((method, route.path, access_of(route.endpoint)) for method in route.methods)

    look(create_app(get_settings()).routes)
    return found


def test_every_scope_holds_what_its_routes_do_and_never_what_stays_with_people() -> None:
    seen = set()
    for _, path, access in machine_routes():
        if access.systems == NEVER:
            continue
        assert access.action in SCOPES[access.systems], path
        seen.add(access.systems)
    assert seen == set(SystemScope), "a scope that opens nothing"
    assert set(SCOPES) == set(SystemScope)
    for scope, actions in SCOPES.items():
        assert not actions & NEVER_FOR_SYSTEMS, scope
        assert actions <= set(ACTIONS), scope
    never = {path for _, path, access in machine_routes() if access.systems == NEVER}
    assert {
        "/api/v1/staff",
        "/api/v1/referrals/{referral_id}/consent",
        "/api/v1/referrals/{referral_id}/close",
    } <= never


@pytest.mark.sqlite
def test_what_stays_with_people_no_token_opens(house: House) -> None:
    has(house, "Everything", tuple(SystemScope), facility="")
    referral_id = house.file()
    for method, path, body in (
        ("GET", "/staff", None),
        ("POST", "/staff", {"email": "x@y.example", "name": "X Y", "roles": ["admin"]}),
        ("POST", f"/referrals/{referral_id}/consent", {"status": "given"}),
        ("POST", f"/referrals/{referral_id}/close", {"reason": "services_received_completed"}),
        ("GET", "/escalations", None),
    ):
        assert problem(house.call("Everything", method, path, body), 403)["code"] == "not_for_systems", path


@pytest.mark.sqlite
def test_within_a_route_a_token_is_no_more_than_its_scopes(house: House) -> None:
    """A command asks for itself what its actor may, whatever the route asked."""
    token_id = has(house, "Riverside EHR", (READ,))
    with engine.read_session() as session:
        actor = actor_of_system(session.get_one(SystemToken, token_id))
    assert actor.may("see_person")
    assert not actor.may("file_referral"), "a planner may, and this token lacks the scope"
    assert not actor.may("assign"), "no planner may"
    assert actor.staff_id is None


@pytest.mark.sqlite
def test_a_system_files_and_does_not_say_that_somebody_agreed(house: House) -> None:
    has(house, "Riverside EHR", (WRITE,))
    said = problem(house.call("Riverside EHR", "POST", "/referrals", REFERRAL), 422)
    assert said["errors"][0]["pointer"] == "/consent"
    assert said["code"] == "consent_by_a_system"
    with engine.read_session() as session:
        assert session.exec(select(ConsentVersion)).all() == []
        assert session.exec(select(Referral)).all() == []
    draft = house.file("Riverside EHR", consent="pending", is_draft=True)
    submitted = house.call("Riverside EHR", "POST", f"/referrals/{draft}/submit")
    assert problem(submitted, 403)["code"] == "not_for_systems", "a draft waits for somebody's eyes"


def test_a_token_ends_at_once_when_it_is_revoked(house: House) -> None:
    token_id = has(house, "Riverside EHR", (READ,))
    assert house.get("Riverside EHR", "/referrals") is not None
    with engine.transaction() as session:
        revoke_system_token(session, actor_of(session.get_one(Staff, house.staff["manager"])), token_id)
    answer = house.call("Riverside EHR", "GET", "/referrals")
    said = problem(answer, 401)
    assert said["code"] == "token_revoked"
    assert "ask the program's administrator for a new one" in said["detail"]
    assert 'error="invalid_token"' in answer.headers["www-authenticate"]
    with engine.read_session() as session:
        last = session.exec(select(JournalEntry).order_by(JournalEntry.id.desc())).first()  # type: ignore[union-attr]
        assert last is not None
        assert (last.event, last.actor, last.subject_id) == (
            "system_token.revoked",
            house.staff["manager"],
            token_id,
        )


def test_a_token_ends_by_itself(house: House) -> None:
    has(house, "Riverside EHR", (READ,), days=1)
    clock.advance(timedelta(hours=23, minutes=59))
    assert house.call("Riverside EHR", "GET", "/referrals").status_code == 200
    clock.advance(timedelta(minutes=1))
    assert problem(house.call("Riverside EHR", "GET", "/referrals"), 401)["code"] == "token_expired"


def test_a_token_outlasts_who_made_it_and_nobody_of_another_program_ends_it(house: House) -> None:
    token_id = has(house, "Riverside EHR", (READ,))
    with engine.transaction() as session:
        staff.disable_staff(session, actor_of(session.get_one(Staff, house.staff["manager"])), house.staff["admin"])
    assert house.call("Riverside EHR", "GET", "/referrals").status_code == 200
    stranger = actor_named(house, "stranger")
    with pytest.raises(NotFound), engine.transaction() as session:
        revoke_system_token(session, stranger, token_id)


def test_the_records_hold_no_token(house: House) -> None:
    has(house, "Riverside EHR", (READ,))
    token = house.tokens["Riverside EHR"]
    house.get("Riverside EHR", "/referrals")
    assert token.startswith(TOKEN_PREFIX)
    assert len(token) == len(TOKEN_PREFIX) + 43, "256 random bits"
    with engine.read_session() as session:
        for table in SQLModel.metadata.sorted_tables:
            assert token.removeprefix(TOKEN_PREFIX) not in repr(session.execute(table.select()).all()), table.name


@pytest.mark.sqlite
def test_a_token_opens_no_page(house: House) -> None:
    has(house, "Everything", tuple(SystemScope), facility="")
    token = house.tokens["Everything"]
    for path in ("/referrals", "/staff", "/systems", "/privacy", "/board"):
        bearing = TestClient(house.app, follow_redirects=False)
        assert bearing.get(path, headers={"Authorization": f"Bearer {token}"}).status_code == 303, path
        bearing.cookies.set("footbridge-session", token)
        assert bearing.get(path).status_code == 303, path


def test_its_last_use_is_noted_once_a_minute_whatever_the_answer_was(house: House) -> None:
    token_id = has(house, "Riverside EHR", (READ,))

    def used() -> tuple[Any, str]:
        row = row_of(token_id)
        return row.used_at, row.used_from

    assert used() == (None, "")
    house.get("Riverside EHR", "/referrals")
    assert used() == (NOW, "testclient")
    clock.advance(timedelta(seconds=59))
    with writes_to("system_token") as written:
        house.get("Riverside EHR", "/protocols")
    assert used()[0] == NOW
    assert written == [], "no writing for each request"
    clock.advance(timedelta(seconds=1))
    assert house.call("Riverside EHR", "POST", "/referrals", UNASKED).status_code == 403
    assert used()[0] == NOW + timedelta(minutes=1), "it was used, though not for what it may"


@pytest.mark.sqlite
def test_tokens_that_nobody_has_are_slowed_down_and_hinder_nobody_else(house: House) -> None:
    has(house, "Riverside EHR", (READ,))
    house.tokens["wrong"] = TOKEN_PREFIX + "x" * 43
    for _ in range(FREE_FROM_ADDRESS):
        assert problem(house.call("wrong", "GET", "/referrals"), 401)["code"] == "token_unknown"
    answer = house.call("wrong", "GET", "/referrals")
    assert problem(answer, 429)["code"] == "too_many_tries"
    assert answer.headers["retry-after"] == "2"
    with engine.read_session() as session:
        counted = session.exec(select(AddressTries)).one()
        assert counted.failed_tries == FREE_FROM_ADDRESS, "during the wait nothing is written"
    assert house.call("Riverside EHR", "GET", "/referrals").status_code == 200, "from the same address"
    sign_in.sign_in("planner@program.example", PASSWORD, source=Source("new", "testclient"))  # nor do people wait
    said = house.client.post("/fhir/$process-message", json={}, headers={"Authorization": "Bearer fbs_y"})
    assert (said.status_code, said.json()["issue"][0]["code"]) == (429, "throttled")
    clock.advance(timedelta(seconds=2))
    assert house.call("wrong", "GET", "/referrals").status_code == 401


@pytest.mark.sqlite
def test_a_token_that_was_ours_is_not_counted_as_a_guess(house: House) -> None:
    has(house, "Riverside EHR", (READ,), days=1)
    clock.advance(timedelta(days=2))
    for _ in range(FREE_FROM_ADDRESS + 1):
        assert house.call("Riverside EHR", "GET", "/referrals").status_code == 401
    with engine.read_session() as session:
        assert session.exec(select(AddressTries)).all() == []


def test_an_idempotency_key_belongs_to_the_system(house: House) -> None:
    has(house, "Riverside EHR", (WRITE,))
    has(house, "Riverside ED", (WRITE,))
    body = UNASKED
    first, again = (
        house.call("Riverside EHR", "POST", "/referrals", body, Idempotency_Key="k-1").json()["id"] for _ in range(2)
    )
    assert first == again
    other = house.call("Riverside ED", "POST", f"/referrals/{first}/notes", {"note": "x"}, Idempotency_Key="k-2")
    assert "idempotency-replayed" not in other.headers
    mine = house.call("Riverside EHR", "POST", f"/referrals/{first}/notes", {"note": "x"}, Idempotency_Key="k-2")
    assert "idempotency-replayed" not in mine.headers


def test_what_an_interface_engine_sends_stands_under_its_name(house: House) -> None:
    token_id = has(house, "Riverside interface", (SystemScope.FHIR_RECEIVE,))
    headers = {
        "Authorization": f"Bearer {house.tokens['Riverside interface']}",
        "Content-Type": "application/fhir+json",
    }
    sent = json.dumps(notice("discharge", message_id="m-1"))
    assert house.client.post("/fhir/$process-message", content=sent, headers=headers).status_code == 200
    with engine.read_session() as session:
        draft = session.exec(select(Referral)).one()
    assert draft.facility_id == house.facilities["hospital"]
    assert {entry.actor for entry in entries(draft.id)} == {token_id}
    lines = house.get("manager", f"/referrals/{draft.id}/timeline")["items"]
    assert {line["by"] for line in lines} == {"Riverside interface (system)"}


@pytest.mark.sqlite
def test_a_note_that_a_hospitals_system_wrote_is_the_hospitals(house: House) -> None:
    """Without a consent that covers substance use, the program's people do not read what a facility wrote of it."""
    has(house, "Riverside EHR", (READ, WRITE))
    referral_id = house.file("Riverside EHR", consent="pending")
    house.post("Riverside EHR", f"/referrals/{referral_id}/notes", {"note": "asked about methadone"})
    house.post("planner", f"/referrals/{referral_id}/notes", {"note": "the same by a planner"})
    told = json.dumps(house.get("manager", f"/referrals/{referral_id}/timeline"))
    assert "by a planner" not in told, "as for a planner's note"
    assert "methadone" not in told


def test_what_a_system_reads_is_written_down_like_anybodys_reading(house: House) -> None:
    token_id = has(house, "Riverside EHR", (READ,))
    referral_id = house.file()
    house.get("Riverside EHR", f"/referrals/{referral_id}")
    with engine.read_session() as session:
        look = session.exec(select(Reading).where(Reading.referral_id == referral_id)).one()
        assert (look.staff_id, look.route) == (token_id, "GET /api/v1/referrals/{referral_id}")
        privacy = actor_of(session.get_one(Staff, house.staff["privacy"]))
        assert [one.reader for one in list_looks(session, privacy)] == ["Riverside EHR (system)"]
    sign = sign_in.sign_in("privacy@program.example", PASSWORD)
    house.client.cookies.set("footbridge-session", sign)
    page = house.client.get(f"/privacy/staff/{token_id}")
    house.client.cookies.clear()
    assert page.status_code == 200
    assert "What Riverside EHR (system) looked at" in page.text


def send_list(house: House, who: str, query: str = "", body: bytes = LIST) -> Response:
    headers = {"Authorization": f"Bearer {house.tokens[who]}", "Content-Type": "text/csv"}
    response: Response = house.client.post(f"/api/v1/imports{query}", content=body, headers=headers)
    return response


def test_a_jails_system_sends_its_list_again_and_again(house: House) -> None:
    token_id = has(house, "Jail list", (SystemScope.RELEASES_IMPORT,), facility="jail")
    first, again = send_list(house, "Jail list"), send_list(house, "Jail list")
    assert first.status_code == again.status_code == 201, first.text
    assert first.json()["counts"] == {"filed": 1}
    assert again.json()["counts"] == {"duplicate": 1}
    with engine.read_session() as session:
        filed = session.exec(select(Referral)).one()
    assert filed.facility_id == house.facilities["jail"]
    assert {entry.actor for entry in entries(filed.id)} == {token_id}
    assert send_list(house, "Jail list", f"?facility_id={house.facilities['hospital']}").status_code == 404


@pytest.mark.sqlite
def test_a_list_that_cannot_be_taken_is_refused_in_words(house: House) -> None:
    has(house, "Jail list", (SystemScope.RELEASES_IMPORT,), facility="jail")
    has(house, "Ours", (SystemScope.RELEASES_IMPORT,), facility="")
    assert problem(send_list(house, "Jail list", body=b"a,b\n1,2\n"), 422)["code"] == "list_refused"
    assert send_list(house, "Jail list", body=b"").status_code == 415
    assert problem(send_list(house, "Ours"), 422)["errors"][0]["pointer"] == "/facility_id"
    assert send_list(house, "Ours", f"?facility_id={house.facilities['jail']}").status_code == 201


@pytest.mark.sqlite
def test_who_may_not_manage_systems_makes_none(house: House) -> None:
    for name in ("planner", "supervisor", "clinician", "bridger", "privacy"):
        with pytest.raises(NotAllowed), engine.transaction() as session:
            create_system_token(session, actor_named(house, name), name="x", scopes=[READ])
    stranger, hospital = actor_named(house, "stranger"), house.facilities["hospital"]
    with pytest.raises(NotFound), engine.transaction() as session:
        create_system_token(session, stranger, name="x", scopes=[READ], facility_id=hospital)


@pytest.mark.sqlite
@pytest.mark.parametrize(
    ("changes", "field"),
    [
        ({"name": " "}, "name"),
        ({"scopes": []}, "scopes"),
        ({"days": 0}, "days"),
        ({"days": 366}, "days"),
        ({"scopes": [SystemScope.MEASURES_READ], "facility_id": "hospital"}, "scopes"),
    ],
)
def test_a_token_is_for_something_of_somebody_and_ends(house: House, changes: dict[str, Any], field: str) -> None:
    asked: dict[str, Any] = {"name": "Riverside EHR", "scopes": [READ], "days": 365} | changes
    if "facility_id" in asked:
        asked["facility_id"] = house.facilities[asked["facility_id"]]
    with pytest.raises(Invalid) as refused, engine.transaction() as session:
        create_system_token(session, system_actor(house.program_id), **asked)
    assert refused.value.field == field


def _application_with(path: str, endpoint: Any, monkeypatch: pytest.MonkeyPatch) -> None:
    router = APIRouter()
    router.get(path)(endpoint)
    monkeypatch.setattr("api.app.ROUTERS", (router,))
    create_app(get_settings())


def test_a_route_of_the_api_says_whether_systems_may_or_the_application_is_not_built(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    def endpoint() -> None: ...

    for declared in (requires("see_person")(endpoint), signed_in()(endpoint)):
        with pytest.raises(UndeclaredRoute, match="/api/v1/new"):
            _application_with("/api/v1/new", declared, monkeypatch)
    with pytest.raises(UndeclaredRoute, match="no token opens one: /new"):
        _application_with("/new", requires("see_person", systems=READ)(endpoint), monkeypatch)


def test_planners_and_managers_lend_their_rights_to_systems() -> None:
    """What a system may is never more than what some member of staff of the same place may."""
    for actions in SCOPES.values():
        assert all(ACTIONS[action] & {Role.PLANNER, Role.MANAGER, Role.ADMIN} for action in actions)
