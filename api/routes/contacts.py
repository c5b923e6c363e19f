"""Contacts and the attempts to make them."""

from __future__ import annotations

from datetime import datetime
from typing import Annotated

from fastapi import APIRouter, Query, Request
from sqlmodel import Session, col, select

from api import cursors, outward
from api.access import NEVER, requires
from api.deps import Me, SessionDep
from api.models.common import Cursor, Done, Id, Instant, Limit, Listed, PathId
from api.models.work import AttemptIn, AttemptOut, CompleteIn, ContactOut, LoggedOut, TakeBackIn, WaiveIn
from api.routes.common import API_PREFIX, PROBLEMS, done, one_page
from domain.vocabulary import ContactState, SystemScope
from records import clock
from records.commands import contacts
from records.queries.contacts import get_attempt, get_contact, list_contacts
from records.tables import Contact, Referral

router = APIRouter(prefix=API_PREFIX, tags=["contacts"], responses=PROBLEMS)


@router.get("/contacts")
@requires("see_person", writes=True, systems=SystemScope.REFERRALS_READ)
def list_(
    request: Request,
    session: SessionDep,
    me: Me,
    referral_id: Id | None = None,
    bridger_id: Id | None = None,
    state: Annotated[list[ContactState], Query()] = [],  # noqa: B006
    due_before: Instant | None = None,
    cursor: Cursor = "",
    limit: Limit = 50,
) -> Listed[ContactOut]:
    """The contacts of people whom you may see, soonest due first."""
    rows = list_contacts(
        session,
        me.actor,
        referral_id=referral_id,
        bridger_id=bridger_id,
        states=state,
        due_before=due_before,
        after=cursors.decode(cursor),
        limit=limit + 1,
    )
    now, about = clock.now(), {row.referral_id for row in rows}
    referrals = session.exec(select(Referral).where(col(Referral.id).in_(about))).all()
    told = outward.told(request, session, me, referrals)
    page = one_page(rows, limit, lambda row: contact_out(row, now), lambda row: (row.due_at, row.id))
    page.items = [one for one in page.items if one.referral_id in told]
    return page


@router.post("/contacts/{contact_id}/attempts", status_code=201)
@requires("log_attempt", systems=NEVER)
def log_attempt(session: SessionDep, me: Me, contact_id: PathId, body: AttemptIn) -> LoggedOut:
    """Log one try to make this contact. A live two-way exchange meets every contact whose window holds it."""
    contact = get_contact(session, me.actor, contact_id)
    return log(session, me, contact.referral_id, body, contact_id=contact.id)


@router.post("/contacts/{contact_id}/waive")
@requires("waive", systems=NEVER)
def waive(session: SessionDep, me: Me, contact_id: PathId, body: WaiveIn) -> Done:
    """Let a contact go, with a reason that stays."""
    contact = get_contact(session, me.actor, contact_id)
    contacts.waive_contact(session, me.actor, contact.referral_id, contact.id, body.reason)
    return done(session.get_one(Referral, contact.referral_id))


@router.post("/contacts/{contact_id}/complete")
@requires("log_attempt", systems=NEVER)
def complete(session: SessionDep, me: Me, contact_id: PathId, body: CompleteIn) -> Done:
    """A check on the plan was done: an appointment settled, papers packed."""
    contact = get_contact(session, me.actor, contact_id)
    contacts.complete_task(session, me.actor, contact.referral_id, contact.id, body.note)
    return done(session.get_one(Referral, contact.referral_id))


@router.post("/attempts/{attempt_id}/take-back")
@requires("take_back_attempt", systems=NEVER)
def take_back(session: SessionDep, me: Me, attempt_id: PathId, body: TakeBackIn) -> Done:
    """An attempt was logged by mistake: what it met is awaited or missed again. Both stay on record."""
    attempt = get_attempt(session, me.actor, attempt_id)
    contacts.take_back_attempt(session, me.actor, attempt.referral_id, attempt.id, body.why)
    return done(session.get_one(Referral, attempt.referral_id))


def log(session: Session, me: Me, referral_id: str, body: AttemptIn, *, contact_id: str | None) -> LoggedOut:
    """Log an attempt for a referral; the command holds the gate."""
    logged = contacts.log_attempt(
        session,
        me.actor,
        referral_id,
        body.mode,
        body.outcome,
        at=body.at,
        minutes=body.minutes,
        note=body.note,
        contact_id=contact_id,
        call_back_at=body.call_back_at,
        reoffer_note=body.reoffer_note,
    )
    return LoggedOut(
        attempt=AttemptOut.model_validate(logged.attempt),
        met=[contact.id for contact in logged.met],
        met_late=[contact.id for contact in logged.met_late],
        consequence=logged.consequence,
        referral_id=referral_id,
        version=session.get_one(Referral, referral_id).version,
    )


def contact_out(row: Contact, now: datetime) -> ContactOut:
    """A contact as the API gives it; overdue is derived, never stored."""
    fields = {name: getattr(row, name) for name in ContactOut.model_fields if name != "is_overdue"}
    return ContactOut(**fields, is_overdue=row.state is ContactState.PLANNED and row.due_at <= now)
