"""The small changes made from a person's page: a note, the meeting, the appointment, another bridger."""

from __future__ import annotations

from datetime import datetime
from typing import Any

from fastapi import APIRouter, Request, Response

from api.access import requires
from api.deps import FormDep, Me, SessionDep, page, redirect_after_post
from api.pages.once import Once, new_once
from domain.clock import local
from domain.errors import Invalid
from domain.vocabulary import EndReason, Word
from records.access import referral_for
from records.commands import assignments, changes, staff
from records.tables import Person

router = APIRouter()


class Handover(Word):
    """Why somebody else should walk with the person."""

    PERSON_ASKED = "person_asked", "The person asked for somebody else"
    BRIDGER_ASKED = "bridger_asked", "I would like to hand over"
    CONFLICT = "conflict", "We know each other, or there is another conflict"


def _small(request: Request, session: SessionDep, me: Me, referral_id: str, **more: Any) -> dict[str, Any]:
    """What the pages of one small change share."""
    referral = referral_for(session, me.actor, referral_id)
    person = session.get_one(Person, referral.person_id)
    return {"base": f"/referrals/{referral_id}", "called": person.called, "zone": person.zone, "row": referral} | more


@router.get("/referrals/{referral_id}/note")
@requires("add_note")
def note_form(request: Request, session: SessionDep, me: Me, referral_id: str) -> Response:
    """A note for the timeline."""
    values, is_ours = {"note": "", "once": new_once()}, me.actor.facility_id is None
    more = _small(request, session, me, referral_id)
    return page("referral_note.html", request, values=values, may_mark=is_ours, **more)


@router.post("/referrals/{referral_id}/note")
@requires("add_note", again=note_form)
def add_note(request: Request, session: SessionDep, me: Me, form: FormDep, referral_id: str) -> Response:
    """Write the note."""
    once = Once(session, request, me, form)
    text, about_use = form.area("note", required=True), form.yes("about_use")
    form.check()
    if (before := once.answered()) is not None:
        return before
    changes.add_note(session, me.actor, referral_id, text, about_use=about_use)
    return once.go(f"/referrals/{referral_id}#timeline", "Your note is in the timeline.")


@router.get("/referrals/{referral_id}/meeting")
@requires("set_appointment")
def meeting_form(request: Request, session: SessionDep, me: Me, referral_id: str) -> Response:
    """Where and when the person and the bridger meet first."""
    more = _small(request, session, me, referral_id)
    values = _when_and_where(more["row"].meeting_at, more["row"].meeting_where, more["zone"])
    return page("referral_meeting.html", request, values=values, kind="meeting", **more)


@router.post("/referrals/{referral_id}/meeting")
@requires("set_appointment", again=meeting_form)
def set_meeting(request: Request, session: SessionDep, me: Me, form: FormDep, referral_id: str) -> Response:
    """Keep the meeting; sent twice it is the same meeting."""
    zone, where = _zone(session, me, referral_id), form.text("where")
    at = form.instant_or_none("at", zone)
    form.check()
    changes.set_meeting(session, me.actor, referral_id, at, where)
    return redirect_after_post(request, f"/referrals/{referral_id}", "The meeting is saved. It is on the handoff card.")


@router.get("/referrals/{referral_id}/appointment")
@requires("set_appointment")
def appointment_form(request: Request, session: SessionDep, me: Me, referral_id: str) -> Response:
    """The first appointment after leaving."""
    more = _small(request, session, me, referral_id)
    values = _when_and_where(more["row"].first_appointment_at, more["row"].first_appointment_where, more["zone"])
    return page("referral_meeting.html", request, values=values, kind="appointment", **more)


@router.post("/referrals/{referral_id}/appointment")
@requires("set_appointment", again=appointment_form)
def set_appointment(request: Request, session: SessionDep, me: Me, form: FormDep, referral_id: str) -> Response:
    """Keep the appointment; the check after it is planned from it."""
    zone, where = _zone(session, me, referral_id), form.text("where")
    at = form.instant_or_none("at", zone)
    form.check()
    changes.set_appointment(session, me.actor, referral_id, at, where)
    return redirect_after_post(request, f"/referrals/{referral_id}", "The appointment is saved, and the plan with it.")


@router.get("/referrals/{referral_id}/another-bridger")
@requires("ask_reassignment")
def another_bridger_form(request: Request, session: SessionDep, me: Me, referral_id: str) -> Response:
    """Somebody else should walk with this person: who wants it, and nothing else."""
    more = _small(request, session, me, referral_id)
    options = [{"value": h.value, "text": h.label} for h in Handover]
    return page("referral_another_bridger.html", request, values={"reason": "", "note": ""}, options=options, **more)


@router.post("/referrals/{referral_id}/another-bridger")
@requires("ask_reassignment", again=another_bridger_form)
def ask_for_another_bridger(request: Request, session: SessionDep, me: Me, form: FormDep, referral_id: str) -> Response:
    """End the assignment; the next bridger is sought at once, and a conflict stays private."""
    reason, note = form.word("reason", Handover), form.area("note")
    form.check()
    if referral_for(session, me.actor, referral_id).bridger_id != me.id:
        raise Invalid("not_yours", "Somebody else walks with this person already.", field="reason")
    if reason is Handover.CONFLICT:
        staff.declare_conflict(session, me.actor, referral_id, me.id, note)
    else:
        assignments.release_bridger(session, me.actor, referral_id, EndReason(reason.value), note)
    thanks = "Done. The next bridger is being asked now; every due time stays as it was."
    return redirect_after_post(request, "/today", thanks)


def _zone(session: SessionDep, me: Me, referral_id: str) -> str:
    referral = referral_for(session, me.actor, referral_id)
    return session.get_one(Person, referral.person_id).zone


def _when_and_where(at: datetime | None, where: str, zone: str) -> dict[str, str]:
    return {"at": local(at, zone).strftime("%Y-%m-%dT%H:%M") if at is not None else "", "where": where}
