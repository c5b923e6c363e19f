"""How somebody is reached and found, put right: a new number, another place, what to look out for on the way."""

from __future__ import annotations

import hashlib
import json
from collections.abc import Mapping, Sequence
from contextlib import suppress
from dataclasses import replace
from typing import Any

from fastapi import APIRouter, Request, Response
from sqlmodel import Session

from api.access import requires
from api.auth import SignedIn
from api.deps import FormDep, Me, SessionDep, page, redirect_after_post
from api.forms import Form
from api.models.people import PersonPatch
from api.pages.referral_choices import options
from domain.errors import Invalid
from domain.vocabulary import PhoneKind, PlaceKind, SafetyFlag
from records.access import referral_for
from records.commands import changes
from records.commands.facility_words import as_told
from records.commands.people import MAX_ITEMS, PersonDetails, Phone, Place, fill_person, normal_number
from records.tables import Person, Referral

router = APIRouter()

CHANGED_MEANWHILE = (
    "Somebody changed this while you had it open. Here is what is on record now: make your change again."
)
_PHONE = ("number", "kind", "note", "may_voicemail", "may_text", "is_quarantined")
_PLACE = ("kind", "text", "when")


@router.get("/referrals/{referral_id}/reach")
@requires("edit_person")
def reach_form(request: Request, session: SessionDep, me: Me, referral_id: str) -> Response:
    """Every number and place that is known, each to be changed, and room for one more."""
    referral, known = _known(session, me, referral_id)
    typed: Form | None = getattr(request.state, "typed", None)
    sent = typed.as_typed() if typed is not None else None
    return page(
        "referral_reach.html",
        request,
        values={
            "seen": _mark(known),
            "area": known.area,
            "safety_flags": known.safety_flags,
            "safety_note": known.safety_note,
        },
        phones=_rows(known.phones if sent is None else _typed(sent, "phones", _PHONE)),
        places=_rows(known.places if sent is None else _typed(sent, "places", _PLACE)),
        may_mark_wrong=me.actor.facility_id is None,
        phone_kinds=options(PhoneKind),
        place_kinds=options(PlaceKind),
        safety=options(SafetyFlag),
        called=known.called,
        number=referral.number,
        base=f"/referrals/{referral_id}",
    )


@router.post("/referrals/{referral_id}/reach")
@requires("edit_person", again=reach_form)
def correct_reach(request: Request, session: SessionDep, me: Me, form: FormDep, referral_id: str) -> Response:
    """Keep it; the same again changes nothing. What somebody else changed meanwhile is shown, and not written over."""
    referral, known = _known(session, me, referral_id, lock=True)
    seen, details = form.text("seen"), _details(form, known)
    form.check()
    base = f"/referrals/{referral_id}"
    if _mark(_filled(details, known)) != _mark(known):
        if seen != _mark(known):
            return redirect_after_post(request, base + "/reach", CHANGED_MEANWHILE, "problem")
        changes.correct_person(session, me.actor, referral.person_id, details)
    return redirect_after_post(request, base, "Saved: this is how they are reached now.")


def _known(session: Session, me: SignedIn, referral_id: str, *, lock: bool = False) -> tuple[Referral, Person]:
    """The referral, and the person as the reader knows them: a facility reads and corrects what it said itself."""
    referral = referral_for(session, me.actor, referral_id)
    person = session.get_one(Person, referral.person_id, with_for_update=lock or None, populate_existing=lock)
    return referral, as_told(session, person, me.actor.facility_id) or person


def _details(form: Form, known: Person) -> PersonDetails:
    """What is on record, with what was typed here in its place."""
    numbers = {str(phone["number"]) for phone in known.phones}
    return replace(
        PersonPatch().details_over(known),
        phones=[_phone(row, numbers) for row in form.rows("phones") if _says(row, "number", "note")],
        places=[
            Place(row.word_or_none("kind", PlaceKind) or PlaceKind.OTHER, row.area("text"), row.area("when"))
            for row in form.rows("places")
            if _says(row, "text", "when")
        ],
        area=form.text("area", limit=20),
        safety_flags=form.words("safety_flags", SafetyFlag),
        safety_note=form.area("safety_note"),
    )


def _phone(row: Form, known: set[str]) -> Phone:
    """A number; one that was just typed is not wrong, whatever stood in its place."""
    number, is_wrong = row.text("number"), row.yes("is_quarantined")
    with suppress(Invalid):
        is_wrong = is_wrong and normal_number(number, "number") in known
    kind = row.word_or_none("kind", PhoneKind) or PhoneKind.OWN
    return Phone(number, kind, row.yes("may_voicemail"), row.yes("may_text"), row.area("note"), is_wrong)


def _says(row: Form, *parts: str) -> bool:
    """Whether something was typed into a row; one that was emptied is taken away."""
    row.also_asked(*_PHONE, *_PLACE)
    return any([row.area(part) for part in parts])


def _filled(details: PersonDetails, known: Person) -> Person:
    """What would be on record. Raises Invalid or InvalidFields with everything that is wrong, by field."""
    made = Person(id="", program_id="", given_name="", family_name="", created_at=known.created_at)
    fill_person(made, details, known.zone)
    return made


def _rows(known: Sequence[Mapping[str, Any]]) -> list[Mapping[str, Any]]:
    """The rows of a group, and an empty one while there is room."""
    return [*known, {}][:MAX_ITEMS]


def _typed(sent: Mapping[str, Any], group: str, parts: Sequence[str]) -> list[dict[str, Any]]:
    """The rows as they were typed, right or wrong, without the emptied ones: numbered as what is wrong names them."""
    rows = [{part: sent.get(f"{group}.{i}.{part}", "") for part in parts} for i in range(MAX_ITEMS)]
    says = ("number", "note") if group == "phones" else ("text", "when")
    return [row for row in rows if any(str(row[part]).strip() for part in says)]


def _mark(person: Person) -> str:
    """Changes with what the page shows."""
    shown = [person.phones, person.places, person.area, person.safety_flags, person.safety_note]
    return hashlib.sha256(json.dumps(shown, sort_keys=True).encode()).hexdigest()[:16]
