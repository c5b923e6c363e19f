"""What people do about what is new: they answer offers, make contacts, respond to calls, or do not."""

from __future__ import annotations

from datetime import timedelta
from typing import TYPE_CHECKING

from domain.vocabulary import (
    Ask,
    ClosureReason,
    ContactState,
    Counts,
    DeclineReason,
    Disposition,
    EscalationState,
    Mode,
    OfferState,
    Outcome,
    ReferralStatus,
    Resolution,
    Subject,
    WelfareDecision,
)
from records import clock
from records.access import Actor
from records.commands import (
    assignments,
    closing,
    contacts,
    discharges,
    escalations,
    holds,
    offers,
)
from records.queries.case import CaseRows
from records.tables import Contact, Escalation, Offer

if TYPE_CHECKING:
    from cli.simulation.life import Life


def plan_deeds(life: Life, rows: CaseRows) -> None:
    """What people will do about what is new: offers, contacts, calls, holds."""
    if rows.referral.bridger_id is None and rows.referral.status is not ReferralStatus.SUBMITTED:
        for offer in rows.offers:
            if offer.state is OfferState.OPEN and life.is_new(offer.id):
                _answer(life, offer)
    for contact, known in zip(rows.contacts, rows.settled_facts().contacts, strict=True):
        if known.state is ContactState.PLANNED and life.is_new((known.id, known.due_at)):
            _work(life, rows, contact)
    for escalation in rows.escalations:
        if escalation.state is not EscalationState.RESOLVED and life.is_new((escalation.id, escalation.alerts)):
            _respond(life, escalation)
    if rows.referral.status is ReferralStatus.ON_HOLD and rows.hold is not None and life.is_new(rows.hold.id):
        life.soon("return", life.chance.choice((20, 100, 800, 2500)), lambda: _return(life))


def _answer(life: Life, offer: Offer) -> None:
    bridger, draw = life.world.bridgers[offer.bridger_id], life.chance.random()
    hours = life.chance.uniform(0.02, 0.2 if life.is_ordinary else 3)
    if draw < 0.7 or life.is_ordinary:
        life.soon("accept", hours, lambda: offers.accept_offer(life.session, bridger, offer.id))
    elif draw < 0.85:
        life.soon(
            "decline offer",
            hours,
            lambda: offers.decline_offer(life.session, bridger, offer.id, DeclineReason.NO_ROOM),
        )


def _work(life: Life, rows: CaseRows, contact: Contact) -> None:
    rule, chance = rows.rule(contact.key), life.chance
    length = contact.due_at - contact.opens_at
    draw = chance.random()
    if draw < life.diligence:
        at = contact.opens_at + length * chance.uniform(0.02, 0.45 if life.is_ordinary else 0.98)
    elif draw < life.diligence + (1 - life.diligence) / 2:
        at = contact.due_at + timedelta(hours=chance.uniform(0.1, 60))
    else:
        return
    if rule is not None and rule.counts is Counts.TASK:
        life.later("task", at, lambda: contacts.complete_task(life.session, life.bridger, life.referral_id, contact.id))
        return
    mode = chance.choice(rule.modes if rule is not None else (Mode.CALL, Mode.VISIT))
    if not life.is_ordinary and chance.random() < 0.25:
        life.later(
            "attempt",
            contact.opens_at + (at - contact.opens_at) / 2,
            lambda: contacts.log_attempt(life.session, life.bridger, life.referral_id, mode, Outcome.NO_ANSWER),
        )
    delay = timedelta(hours=0 if life.is_ordinary else chance.choice((0, 0, 0, 0, 5, 30)))
    life.later(
        "contact",
        at + delay,
        lambda: contacts.log_attempt(
            life.session, life.bridger, life.referral_id, mode, Outcome.REACHED, at=at, minutes=20
        ),
    )


def _respond(life: Life, row: Escalation) -> None:
    who = _told(life, row)
    if not life.is_ordinary and life.chance.random() < 0.3:
        return
    life.soon(
        "acknowledge",
        life.chance.uniform(0.05, 10),
        lambda: escalations.acknowledge(life.session, who, life.referral_id, row.id),
    )
    if row.ask is Ask.WELFARE_CHECK:
        decision = life.chance.choice(list(WelfareDecision))
        life.soon(
            "decide",
            life.chance.uniform(0.1, 4),
            lambda: escalations.decide_welfare_check(
                life.session, life.world.clinician, life.referral_id, row.id, decision, "simulated"
            ),
        )
    if row.ask is Ask.SIGN_CLOSURE or row.subject in (Subject.FINISH, Subject.LOST):
        reason = ClosureReason.UNABLE_TO_REACH if row.subject is Subject.LOST else ClosureReason.SERVICES_RECEIVED
        life.soon(
            "close",
            life.chance.uniform(1, 40),
            lambda: closing.close_referral(life.session, life.world.supervisor, life.referral_id, reason, "simulated"),
        )
        return
    if row.subject is Subject.DATE and life.chance.random() < 0.5:
        life.soon(
            "discharge",
            life.chance.uniform(1, 20),
            lambda: discharges.record_discharge(
                life.session, life.planner, life.referral_id, clock.now(), Disposition.HOME
            ),
        )
    if row.subject is Subject.ASSIGNMENT:
        bridger = life.chance.choice(list(life.world.bridgers))
        life.soon(
            "assign",
            life.chance.uniform(0.5, 12),
            lambda: assignments.assign(
                life.session, life.world.supervisor, life.referral_id, bridger, override_reason="simulated"
            ),
        )
        return
    if row.subject is Subject.CONTACT and row.rung >= 3 and life.chance.random() < 0.3:
        life.soon(
            "declare lost",
            life.chance.uniform(1, 40),
            lambda: contacts.declare_lost(life.session, life.world.supervisor, life.referral_id, "simulated"),
        )
    if life.chance.random() < 0.8:
        resolution = life.chance.choice((Resolution.ARRANGED, Resolution.NOT_NEEDED, Resolution.UNABLE_TO_REACH))
        life.soon(
            "resolve",
            life.chance.uniform(1, 60),
            lambda: escalations.resolve(life.session, who, life.referral_id, row.id, resolution, "simulated"),
        )


def _told(life: Life, row: Escalation) -> Actor:
    world = life.world
    staff_id = life.chance.choice(row.told)["staff_id"] if row.told else world.supervisor.id
    known = {a.id: a for a in (world.supervisor, world.clinician, world.manager)} | world.bridgers
    return known.get(staff_id, world.supervisor)


def _return(life: Life) -> None:
    rows = life.rows()
    if rows.referral.status is not ReferralStatus.ON_HOLD:
        return
    left = clock.now() if rows.referral.discharged_at is not None or life.chance.random() < 0.8 else None
    holds.resume(life.session, life.bridger, life.referral_id, discharged_at=left)
