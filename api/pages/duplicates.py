"""Two records that may be one person: beside each other, for a human to say. Merged records can be parted again."""

from __future__ import annotations

from typing import Any

from fastapi import APIRouter, Request, Response
from sqlmodel import Session

from api.access import requires
from api.deps import FormDep, Me, SessionDep, page, redirect_after_post
from api.filters import birth_date, telephone
from domain.errors import NotFound
from domain.languages import language_name
from domain.vocabulary import SafetyFlag
from records.access import Actor, may_see, person_for
from records.commands.merging import merge_people, unmerge_people
from records.commands.people import say_not_duplicate
from records.queries.duplicates import Merged, list_merged, list_referrals_of, list_suggestions, why_alike
from records.queries.people import identifiers_of
from records.tables import Person

router = APIRouter()

COMPARE = "/people/duplicates/{first_id}/{second_id}"


@router.get("/people/duplicates")
@requires("merge_people")
def suggestions(request: Request, session: SessionDep, me: Me) -> Response:
    """Who may be on record twice, and what was merged lately."""
    return page(
        "duplicates.html",
        request,
        pairs=list_suggestions(session, me.actor),
        merged=[_merged(one) for one in list_merged(session, me.actor)],
        zone=me.program.zone,
    )


@router.get(COMPARE)
@requires("merge_people")
def compare(request: Request, session: SessionDep, me: Me, first_id: str, second_id: str) -> Response:
    """Two records, line by line; what differs stands out."""
    first, second = _both(session, me.actor, first_id, second_id)
    one, other = _facts(session, me.actor, first), _facts(session, me.actor, second)
    return page(
        "duplicate.html",
        request,
        values={"keep": ""},
        first=first,
        second=second,
        why=why_alike(first, second),
        rows=[{"term": term, "first": one[term], "second": other[term], "same": one[term] == other[term]}
              for term in one if one[term] or other[term]],
        here=f"/people/duplicates/{first_id}/{second_id}",
        is_merged=first.merged_into_id is not None or second.merged_into_id is not None,
    )  # fmt: skip


@router.post(COMPARE + "/merge")
@requires("merge_people", again=compare)
def merge(request: Request, session: SessionDep, me: Me, form: FormDep, first_id: str, second_id: str) -> Response:
    """They are one person. Both histories stay; the same again changes nothing."""
    keep = form.text("keep")
    if keep not in (first_id, second_id):
        form.problem("keep", "required", "Choose which record goes on.")
    form.check()
    first, second = _both(session, me.actor, first_id, second_id)
    if second_id != first.merged_into_id and first_id != second.merged_into_id:  # else a second tap
        merge_people(session, me.actor, keep, second_id if keep == first_id else first_id)
    return redirect_after_post(request, "/people/duplicates", "They are one person now. You can part them again below.")


@router.post(COMPARE + "/apart")
@requires("merge_people", again=compare)
def apart(request: Request, session: SessionDep, me: Me, form: FormDep, first_id: str, second_id: str) -> Response:
    """They are two people, and are not suggested to each other again."""
    form.check()
    _both(session, me.actor, first_id, second_id)
    say_not_duplicate(session, me.actor, first_id, second_id)
    return redirect_after_post(request, "/people/duplicates", "Two people. They are not shown beside each other again.")


@router.post("/people/{merged_id}/unmerge")
@requires("merge_people")
def unmerge(request: Request, session: SessionDep, me: Me, form: FormDep, merged_id: str) -> Response:
    """They are two people after all: each referral returns to the record it came from."""
    form.check()
    merged = session.get(Person, merged_id)
    if merged is None or merged.merged_into_id is None or not may_see(session, me.actor, merged.merged_into_id):
        raise NotFound("That merge")
    unmerge_people(session, me.actor, merged_id)
    return redirect_after_post(request, "/people/duplicates", "They are two records again, each with its referrals.")


def _both(session: Session, actor: Actor, first_id: str, second_id: str) -> tuple[Person, Person]:
    if first_id == second_id:
        raise NotFound("Another record")
    return _one(session, actor, first_id), _one(session, actor, second_id)


def _one(session: Session, actor: Actor, person_id: str) -> Person:
    """A record that may be seen, or one that was merged into such."""
    found = session.get(Person, person_id)
    if found is not None and found.merged_into_id:
        person_for(session, actor, found.merged_into_id)
        return found
    return person_for(session, actor, person_id)


def _facts(session: Session, actor: Actor, person: Person) -> dict[str, str]:
    """What is on record of somebody, term by term, the same terms for everybody."""
    return {
        "Name": f"{person.given_name} {person.family_name}",
        "Goes by": person.preferred_name,
        "Other names": ", ".join(person.aliases),
        "Born": birth_date(person.birth_on) if person.birth_on else "",
        "Numbers of facilities": ", ".join(f"{i.value} ({i.system})" for i in identifiers_of(session, person.id)),
        "Phones": ", ".join(telephone(str(p.get("number", ""))) for p in person.phones),
        "Places": "; ".join(p.get("text", "") for p in person.places),
        "Language": language_name(person.language),
        "Safety": ", ".join(SafetyFlag(f).label for f in person.safety_flags),
        "Referrals": "; ".join(
            f"{number}, {facility}: {status.label.lower()}"
            for number, facility, status in list_referrals_of(session, actor, person.id)
        ),
    }


def _merged(one: Merged) -> dict[str, Any]:
    return {"id": one.merged.id, "name": one.merged.full_name, "into": one.kept.full_name}
