"""Everybody that a reader works with, in one list."""

from __future__ import annotations

from typing import Any

from fastapi import APIRouter, Request, Response

from api.access import requires
from api.deps import FormDep, Me, SessionDep, page
from api.pages import person_view
from domain.agenda import TITLES
from domain.vocabulary import ReferralStatus, Role
from records import clock
from records.queries.bridger_pages import MyPerson, list_people

router = APIRouter()


@router.get("/people")
@requires("log_attempt")
def my_people(request: Request, session: SessionDep, me: Me) -> Response:
    """Everybody this reader works with, whoever needs something first on top."""
    return _people(request, session, me, "")


@router.post("/people")
@requires("log_attempt", writes=False)
def find_people(request: Request, session: SessionDep, me: Me, form: FormDep) -> Response:
    """The same list by a part of a name or number. By POST: names never stand in an address."""
    search = form.text("search", limit=60)
    form.check()
    return _people(request, session, me, search)


def _people(request: Request, session: SessionDep, me: Me, search: str) -> Response:
    found = list_people(session, me.actor, clock.now(), search)
    title = "My people" if Role.BRIDGER.value in me.roles else "People"
    return page("people.html", request, title=title, search=search, people=[person_line(p) for p in found])


def person_line(one: MyPerson) -> dict[str, Any]:
    """One line: who, where it stands, and what comes next."""
    tags = person_view.tags(one.referral)
    if one.referral.status is ReferralStatus.IN_PROGRESS:
        del tags[0]  # nearly everybody's, so it tells nothing here
    elif one.hold is not None:
        tags[0] = {"text": f"On hold: {one.hold.reason.label.lower()}", "tone": "wait"}
    return {
        "name": one.person.full_name,
        "href": f"/referrals/{one.referral.id}",
        "number": one.referral.number,
        "tags": tags,
        "what": one.contact.title if one.contact is not None else TITLES.get(one.referral.next_item, ""),
        "due_at": one.contact.due_at if one.contact is not None else None,
        "zone": one.person.zone,
    }
