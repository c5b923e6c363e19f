"""A safety concern: the on-call clinician is told at once, and whoever raised it sees by name who was told."""

from __future__ import annotations

from fastapi import APIRouter, Request, Response
from sqlmodel import select

from api.access import requires
from api.deps import FormDep, Me, SessionDep, page
from api.filters import local
from api.pages.once import Once, new_once
from domain.errors import NotFound
from domain.vocabulary import Subject
from records import clock
from records.access import referral_for
from records.commands import escalations
from records.queries.bridger_pages import list_people
from records.queries.case import load_case
from records.queries.next_step import DUTIES
from records.queries.staff import told_for
from records.tables import Escalation, Person, Staff

router = APIRouter()


@router.get("/concern")
@requires("log_attempt")
def choose_person(request: Request, session: SessionDep, me: Me) -> Response:
    """About whom: the people this reader works with."""
    return page("concern_who.html", request, people=list_people(session, me.actor, clock.now()))


@router.get("/referrals/{referral_id}/concern")
@requires("raise_concern")
def concern_form(request: Request, session: SessionDep, me: Me, referral_id: str) -> Response:
    """One button; a note if there is time. Who will be told stands on it by name."""
    referral = referral_for(session, me.actor, referral_id)
    person = session.get_one(Person, referral.person_id)
    rows = load_case(session, referral_id)
    told = told_for(session, rows, rows.rungs("safety")[0].tell) if referral.status.is_open else []
    return page(
        "concern.html",
        request,
        values={"note": "", "once": new_once()},
        base=f"/referrals/{referral_id}",
        called=person.called,
        phones=person.phones,
        is_open=referral.status.is_open,
        told=[(staff, DUTIES[role]) for role, staff in told],
    )


@router.post("/referrals/{referral_id}/concern")
@requires("raise_concern", again=concern_form)
def raise_concern(request: Request, session: SessionDep, me: Me, form: FormDep, referral_id: str) -> Response:
    """Tell the clinician now; the same form sent twice tells once."""
    once, note = Once(session, request, me, form), form.area("note")
    form.check()
    if (before := once.answered()) is not None:
        return before
    row = escalations.raise_concern(session, me.actor, referral_id, note)
    return once.go(f"/referrals/{referral_id}/concern/{row.id}")


@router.get("/referrals/{referral_id}/concern/{escalation_id}")
@requires("raise_concern")
def told(request: Request, session: SessionDep, me: Me, referral_id: str, escalation_id: str) -> Response:
    """Who was told, by name and number, by when they answer, and what to do meanwhile."""
    referral = referral_for(session, me.actor, referral_id)
    row = session.get(Escalation, escalation_id)
    if row is None or row.referral_id != referral_id or row.subject is not Subject.SAFETY:
        raise NotFound("That concern")
    person = session.get_one(Person, referral.person_id)
    rows = load_case(session, referral_id)
    numbers = dict(session.exec(select(Staff.id, Staff.phone).where(Staff.program_id == referral.program_id)).all())
    rungs = rows.rungs(row.ladder)
    after = told_for(session, rows, rungs[1].tell) if len(rungs) > 1 else []
    taker = session.get(Staff, row.acknowledged_by) if row.acknowledged_by else None
    return page(
        "concern_told.html",
        request,
        base=f"/referrals/{referral_id}",
        called=person.called,
        told=[
            {"name": one["name"], "duty": DUTIES.get(one["role"], ""), "phone": numbers.get(one["staff_id"], "")}
            for one in row.told
        ],
        raised=local(row.raised_at, person.zone),
        answer_by=row.answer_by,
        zone=person.zone,
        taker=taker.name if taker is not None else "",
        after=[staff.name for _, staff in after],
        program_phone=me.program.phone,
    )
