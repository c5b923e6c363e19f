"""Somebody recognized a person: what is said of them now joins what was known, and nobody is referred twice."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from sqlmodel import Session, select

from domain.errors import NotFound
from domain.vocabulary import ClosureReason, ReferralStatus
from records import clock, journal
from records.access import Actor, referral_for
from records.commands.closing import end_work
from records.commands.facility_words import keep_words
from records.commands.people import MAX_ITEMS, PersonDetails, add_identifiers, fill_person, say_not_duplicate
from records.commands.work import Work
from records.marks import mark_person
from records.queries.case import load_case
from records.queries.people import find_open_referral, get_known_person
from records.queries.staff import told_for
from records.tables import Facility, JournalEntry, Person, Referral

_NEVER_EMPTIED = ("preferred_name", "pronouns", "area", "bridger_gender", "bridger_gender_strength")


def learn_about(session: Session, person: Person, details: PersonDetails) -> None:
    """Add what a form says to somebody on record. Nothing that was known is lost: the form was typed without seeing it.

    Numbers, places and safety flags are added, the newest first; a name spelled otherwise becomes an alias.
    Raises Invalid or InvalidFields, naming each wrong field.
    """
    said = Person(id="", program_id="", given_name="", family_name="", created_at=clock.now())
    fill_person(said, details, person.zone)
    numbers = {str(phone["number"]) for phone in said.phones}
    aside = {phone["number"] for phone in person.phones if phone.get("is_quarantined")}
    named = [p | {"is_quarantined": True} if p["number"] in aside else p for p in said.phones]
    person.phones = [*named, *(p for p in person.phones if p["number"] not in numbers)][:MAX_ITEMS]
    texts = {place["text"].casefold() for place in said.places}
    person.places = [*said.places, *(p for p in person.places if p["text"].casefold() not in texts)][:MAX_ITEMS]
    person.safety_flags = list(dict.fromkeys([*person.safety_flags, *said.safety_flags]))
    if said.safety_note and said.safety_note not in person.safety_note:
        person.safety_note = "\n".join(filter(None, (said.safety_note, person.safety_note)))
    for name in _NEVER_EMPTIED:
        if getattr(said, name):
            setattr(person, name, getattr(said, name))
    if said.language != "en":
        person.language, person.language_strength = said.language, said.language_strength or person.language_strength
    person.needs_interpreter = person.needs_interpreter or said.needs_interpreter
    person.birth_on = person.birth_on or said.birth_on
    typed = f"{said.given_name} {said.family_name}"
    if typed.casefold() not in {
        f"{person.given_name} {person.family_name}".casefold(),
        *map(str.casefold, person.aliases),
    }:
        person.aliases = [*person.aliases, typed][:MAX_ITEMS]
    mark_person(person)
    add_identifiers(session, person, details.identifiers)
    session.flush()


def recognize(session: Session, actor: Actor, referral: Referral, known: Person) -> None:
    """A draft that came with a person of its own is about somebody on record: that record takes its place.

    The record that came with the message is merged when nothing else hangs on it; a supervisor can take it back.
    """
    if referral.person_id == known.id:
        return
    came_with = session.get_one(Person, referral.person_id)
    referral.person_id = known.id
    session.flush()
    if session.exec(select(Referral.id).where(Referral.person_id == came_with.id)).first() is None:
        came_with.merged_into_id = known.id
        journal.append_for_program(
            session,
            actor.program_id,
            "person.merged",
            actor=actor.id,
            subject_id=known.id,
            merged=came_with.id,
            referrals=[referral.id],
        )


def tell_apart(session: Session, actor: Actor, person_id: str, others: list[str]) -> None:
    """Somebody looked at these people who seem alike, and said that they are others."""
    for other in others:
        known = session.get(Person, other)
        if known is not None and known.program_id == actor.program_id and known.id != person_id:
            say_not_duplicate(session, actor, person_id, other)


def join_referral(
    session: Session,
    actor: Actor,
    person_id: str,
    *,
    facility_id: str | None = None,
    draft_id: str = "",
    said: PersonDetails | None = None,
    about: Mapping[str, Any] | None = None,
) -> Referral:
    """A second facility (the actor's, or the one named) asks for somebody whom the program has already: it stands in
    the timeline, whoever answers for the person is told, nothing is filed. What it `said` of the person, and `about`
    them leaving, is kept and shown to the program as its words.

    One active episode, both referrers answered (acceptance scenario 12). Asking again changes nothing. A draft that
    came from outside, `draft_id`, ends as the double that it is. Raises NotFound.
    """
    actor.require("file_referral")
    open_one = find_open_referral(session, get_known_person(session, actor, person_id).id)
    if open_one is None:
        raise NotFound("An open referral")
    work = Work(session, actor, load_case(session, open_one.id, lock=True), clock.now())
    facility = session.get(Facility, actor.facility_id or facility_id or "")
    if facility is None or facility.program_id != actor.program_id:
        raise NotFound("That facility")
    asked = session.exec(
        select(JournalEntry.data).where(JournalEntry.stream == open_one.id, JournalEntry.event == "referral.joined")
    ).all()
    if facility.id not in {work.referral.facility_id, *(data.get("facility") for data in asked)}:
        work.record("referral.joined", facility=facility.id)
        for _, staff in told_for(session, work.rows, ("peer_supervisor",)):
            work.tell(staff, "referral_joined", f"joined:{facility.id}")
        work.settle()
    if said is not None and facility.id != work.referral.facility_id:
        person = work.rows.person
        keep_words(session, person, facility.id, said, by=actor.id, now=work.now, about=about or {})
    if draft_id:
        _end_draft(session, actor, draft_id)
    return work.referral


def _end_draft(session: Session, actor: Actor, draft_id: str) -> None:
    draft = referral_for(session, actor, draft_id, "file_referral")
    if draft.status is ReferralStatus.DRAFT:
        work = Work(session, actor, load_case(session, draft.id, lock=True), clock.now())
        end_work(work, ClosureReason.DUPLICATE, "The program supports this person already.")
        work.settle()
