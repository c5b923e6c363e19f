"""The people who are supported: found, looked at, corrected."""

from __future__ import annotations

from fastapi import APIRouter, Request
from sqlmodel import Session

from api.access import requires
from api.deps import Me, SessionDep
from api.errors import PreconditionRequired
from api.models.common import PathId
from api.models.people import LikenessesOut, LikenessOut, PersonOut, PersonPatch, PersonSearch
from api.routes.common import API_PREFIX, PROBLEMS, if_match
from domain.errors import NotAllowed, NotFound, Stale
from domain.vocabulary import SystemScope
from records.access import may_see, person_for, readable_person, referral_for
from records.commands import changes
from records.commands.facility_words import as_told
from records.queries.facility_words import find_words
from records.queries.people import find_duplicates, identifiers_of
from records.tables import Person

router = APIRouter(prefix=API_PREFIX + "/people", tags=["people"], responses=PROBLEMS)


@router.post("/search")
@requires("file_referral", writes=False, systems=SystemScope.REFERRALS_WRITE)
def search(session: SessionDep, me: Me, body: PersonSearch) -> LikenessesOut:
    """Who on record this may be: the same identifier, or the same birth date and a name alike. Never merged for you.

    Somebody whom you may not see is told by id and likeness alone, so that the same person is not entered twice.
    """
    found = find_duplicates(
        session,
        me.actor.program_id,
        given_name=body.given_name,
        family_name=body.family_name,
        birth_on=body.birth_on,
        identifiers=[(one.system, one.value) for one in body.identifiers],
    )
    items = []
    for likeness in found:
        shown = LikenessOut(person_id=likeness.person.id, score=likeness.score, reasons=list(likeness.reasons))
        if may_see(session, me.actor, likeness.person.id):
            shown.person = _shown(session, me, likeness.person)
            shown.open_referral_id = _if_seen(session, me, likeness.open_referral_id)
        items.append(shown)
    return LikenessesOut(items=items)


@router.get("/{person_id}")
@requires("see_person", systems=SystemScope.REFERRALS_READ)
def get(session: SessionDep, me: Me, person_id: PathId) -> PersonOut:
    """A person with at least one referral that you may see, or may still read."""
    return _shown(session, me, readable_person(session, me.actor, person_id))


@router.patch("/{person_id}")
@requires("edit_person", systems=SystemScope.REFERRALS_WRITE)
def correct(session: SessionDep, me: Me, request: Request, person_id: PathId, body: PersonPatch) -> PersonOut:
    """Correct what is known. Needs the ETag of what you saw as If-Match, so that nobody's correction is lost."""
    person_for(session, me.actor, person_id)
    person = session.get_one(Person, person_id, with_for_update=True, populate_existing=True)
    seen = if_match(request)
    if seen is None and request.headers.get("if-match") != "*":
        raise PreconditionRequired
    if seen is not None and seen != _shown(session, me, person).version:
        raise Stale
    known = as_told(session, person, me.actor.facility_id) or person
    corrected = changes.correct_person(session, me.actor, person_id, body.details_over(known))
    return _shown(session, me, corrected)


def _if_seen(session: Session, me: Me, referral_id: str | None) -> str | None:
    """The id of a referral that the caller may see: somebody of theirs may be with another facility now."""
    if referral_id is None:
        return None
    try:
        return referral_for(session, me.actor, referral_id).id
    except (NotAllowed, NotFound):
        return None


def _shown(session: Session, me: Me, person: Person) -> PersonOut:
    """The record; for a facility what it said itself."""
    told = as_told(session, person, me.actor.facility_id)
    if told is None:
        return PersonOut.of(person, identifiers_of(session, person.id))
    words = find_words(session, person.id, me.actor.facility_id or "")
    numbers = {(i["system"], i["value"]) for i in words.said.get("identifiers", [])} if words is not None else set()
    return PersonOut.of(told, [i for i in identifiers_of(session, person.id) if (i.system, i.value) in numbers])
