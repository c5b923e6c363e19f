"""For the privacy officer: who looked at this person, what did this user look at, what is unusual; and broken glass."""

from __future__ import annotations

from datetime import timedelta
from typing import Any

from fastapi import APIRouter, Request, Response

from api.access import requires
from api.auth import SignedIn
from api.deps import FormDep, Me, SessionDep, page, redirect_after_post
from api.filters import local
from domain.reading import MANY, MANY_FOR_SYSTEM, NIGHT_FROM, NIGHT_UNTIL, Finding
from domain.spreadsheet import safe_csv
from domain.vocabulary import Role, Unusual
from records import clock
from records.commands import glass
from records.queries import readings
from records.queries.readings import PAGE, Looked

router = APIRouter()

LATELY = timedelta(days=7)
MOST_EXPORTED = 100_000
COLUMNS = (("at", "When"), ("who", "Who"), ("number", "Referral"), ("what", "What"), ("where", "From"))


@router.get("/privacy")
@requires("see_readings")
def overview(request: Request, session: SessionDep, me: Me) -> Response:
    """Broken glass that nobody took note of, what is unusual of late, and the ways to ask further."""
    return _overview(request, session, me, [], "")


@router.post("/privacy")
@requires("see_readings", writes=False)
def find(request: Request, session: SessionDep, me: Me, form: FormDep) -> Response:
    """People by name or number. By POST, so that no name is in an address; a search is written down like a look."""
    words = form.text("search", limit=100)
    form.check()
    return _overview(request, session, me, readings.find_people(session, me.actor, words), words)


def _overview(request: Request, session: SessionDep, me: SignedIn, people: list[Any], words: str) -> Response:
    staff = readings.list_readers(session, me.actor)
    names = {row.id: row.name for row in staff} | readings.system_names(session, me.actor)
    found = readings.list_unusual(session, me.actor, clock.now() - LATELY, me.program.zone)
    return page(
        "privacy.html",
        request,
        values={"search": words},
        glass=[_broken(row, name, number, me) for row, name, number in readings.list_glass(session, me.actor)],
        findings=[_finding(one, names, me.program.zone) for one in found[:PAGE]],
        more_findings=max(len(found) - PAGE, 0),
        people=[{"name": p.full_name, "href": f"/privacy/people/{p.id}", "numbers": ", ".join(n)} for p, n in people],
        searched=bool(words),
        staff=[
            {"name": row.name, "href": f"/privacy/staff/{row.id}", "is_active": row.is_active,
             "roles": ", ".join(Role(role).label for role in row.roles)}
            for row in staff
        ],
        many=MANY, many_for_system=MANY_FOR_SYSTEM, night=f"{NIGHT_FROM - 12} pm to {NIGHT_UNTIL} am",
        days=LATELY.days, zone=me.program.zone,
    )  # fmt: skip


@router.post("/privacy/glass/{glass_id}/noted")
@requires("see_readings")
def noted(request: Request, session: SessionDep, me: Me, form: FormDep, glass_id: str) -> Response:
    """The reason was read. It stays on the page, below what is new."""
    form.check()
    glass.take_note_of_glass(session, me.actor, glass_id)
    return redirect_after_post(request, "/privacy", "Noted, with your name.")


@router.get("/privacy/people/{person_id}")
@requires("see_readings")
def person_looks(request: Request, session: SessionDep, me: Me, person_id: str, after: str = "") -> Response:
    """Who looked at this person, the latest first."""
    person = readings.get_person(session, me.actor, person_id)
    looks = readings.list_looks(session, me.actor, person_id=person_id, offset=_offset(after))
    return _looks(request, me, looks, f"/privacy/people/{person_id}", after, f"Who looked at {person.full_name}")


@router.get("/privacy/staff/{staff_id}")
@requires("see_readings")
def staff_looks(request: Request, session: SessionDep, me: Me, staff_id: str, after: str = "") -> Response:
    """What somebody looked at, the latest first."""
    name = readings.get_reader_name(session, me.actor, staff_id)
    looks = readings.list_looks(session, me.actor, staff_id=staff_id, offset=_offset(after))
    return _looks(request, me, looks, f"/privacy/staff/{staff_id}", after, f"What {name} looked at")


@router.get("/privacy/people/{person_id}/looks.csv")
@requires("see_readings")
def person_file(request: Request, session: SessionDep, me: Me, person_id: str) -> Response:
    """The same as a file."""
    readings.get_person(session, me.actor, person_id)
    return _file(readings.list_looks(session, me.actor, person_id=person_id, limit=MOST_EXPORTED))


@router.get("/privacy/staff/{staff_id}/looks.csv")
@requires("see_readings")
def staff_file(request: Request, session: SessionDep, me: Me, staff_id: str) -> Response:
    """The same as a file."""
    readings.get_reader_name(session, me.actor, staff_id)
    return _file(readings.list_looks(session, me.actor, staff_id=staff_id, limit=MOST_EXPORTED))


def _looks(request: Request, me: SignedIn, looks: list[Looked], here: str, after: str, title: str) -> Response:
    offset = _offset(after)
    return page(
        "privacy_looks.html",
        request,
        heading=title,
        columns=[{"key": key, "label": label} for key, label in COLUMNS],
        rows=[_line(one, me.program.zone) for one in looks[:PAGE]],
        file=f"{here}/looks.csv",
        newer=f"{here}?after={max(offset - PAGE, 0)}" if offset else None,
        older=f"{here}?after={offset + PAGE}" if len(looks) > PAGE else None,
    )


def _line(one: Looked, zone: str) -> dict[str, Any]:
    row = one.reading
    return {
        "at": local(row.at, zone),
        "who": {"text": one.reader, "href": f"/privacy/staff/{row.staff_id}"},
        "number": f"No. {one.number}" if one.number else ("A search" if not row.person_id else "The person"),
        "what": {"text": row.route, "sub": "with broken glass" if row.glass_id else ""},
        "where": {"text": row.address, "sub": row.key},
        "tone": "late" if row.glass_id else "",
    }


def _file(looks: list[Looked]) -> Response:
    rows = (
        (o.reading.at.isoformat(), o.reader, o.number, o.reading.route, o.reading.address, o.reading.key,
         "yes" if o.reading.glass_id else "")
        for o in looks
    )  # fmt: skip
    text = safe_csv(("when", "who", "referral", "what", "from", "session or token", "broken glass"), rows)
    headers = {"Content-Disposition": 'attachment; filename="looks.csv"'}
    return Response(text, media_type="text/csv; charset=utf-8", headers=headers)


def _broken(row: Any, name: str, number: str, me: SignedIn) -> dict[str, Any]:
    return {
        "id": row.id,
        "who": name,
        "href": f"/privacy/staff/{row.staff_id}",
        "number": number,
        "reason": row.reason,
        "at": row.at,
        "until": local(row.until_at, me.program.zone),
        "is_noted": row.looked_at is not None,
    }


def _finding(one: Finding, names: dict[str, str], zone: str) -> dict[str, Any]:
    who = names.get(one.staff_id)
    counted: Any = "1 record" if one.count == 1 else f"{one.count} records"
    if one.kind is Unusual.LINK:
        counted = "For " + ", ".join(names[whose] for whose in one.record_ids)
    elif one.kind is Unusual.ELSEWHERE:
        counted = "1 look" if one.count == 1 else f"{one.count} looks"
    elif one.count == 1:
        counted = {"text": counted, "href": f"/privacy/people/{one.record_ids[0]}"}
    return {
        "who": {"text": who, "href": f"/privacy/staff/{one.staff_id}"} if who else "The terminal",
        "what": one.kind.label,
        "count": counted,
        "at": local(one.last_at, zone),
    }


def _offset(after: str) -> int:
    return int(after) if after.isascii() and after.isdecimal() and len(after) < 7 else 0
