"""What the rows of the board say beside the referral: the call, the contact, the offer, the hold."""

from __future__ import annotations

from collections.abc import Collection
from dataclasses import dataclass, field
from typing import NamedTuple

from sqlmodel import Session, col, or_, select

from domain.vocabulary import ContactState, EscalationState, OfferState
from records.access import Actor
from records.tables import Bridger, Contact, Escalation, Facility, Hold, Offer, Staff

RAISED = EscalationState.RAISED


@dataclass(frozen=True, slots=True)
class Facts:
    """By referral id: the call to answer first and who took it, the contact that comes first, the open offer with whom
    it asks, the hold in force."""

    calls: dict[str, Escalation] = field(default_factory=dict)
    takers: dict[str, str] = field(default_factory=dict)  # names by the call's id
    contacts: dict[str, Contact] = field(default_factory=dict)
    offers: dict[str, tuple[Offer, str]] = field(default_factory=dict)
    holds: dict[str, Hold] = field(default_factory=dict)


def load_facts(session: Session, referral_ids: Collection[str]) -> Facts:
    """The facts of these referrals."""
    if not referral_ids:
        return Facts()
    calls, takers = _calls(session, referral_ids)
    offers = session.exec(
        select(Offer, Staff.name)
        .join(Staff, col(Staff.id) == col(Offer.bridger_id))
        .where(col(Offer.referral_id).in_(referral_ids), Offer.state == OfferState.OPEN)
    )
    holds = session.exec(select(Hold).where(col(Hold.referral_id).in_(referral_ids), col(Hold.ended_at).is_(None)))
    return Facts(
        calls={referral_id: first_to_answer(rows) for referral_id, rows in calls.items()},
        takers=takers,
        contacts=_contacts(session, referral_ids, {e.subject_id for rows in calls.values() for e in rows}),
        offers={offer.referral_id: (offer, name) for offer, name in offers.all()},
        holds={hold.referral_id: hold for hold in holds},
    )


def first_to_answer(calls: list[Escalation]) -> Escalation:
    """The call that comes first: the highest rung of each climb counts, and one that nobody took before the others."""
    tops: dict[tuple[str, str, int], Escalation] = {}
    for call in calls:
        chain = (call.subject.value, call.subject_id, call.occurrence)
        if chain not in tops or call.rung > tops[chain].rung:
            tops[chain] = call
    return min(tops.values(), key=lambda e: (e.state is not RAISED, e.act_by or e.answer_by, e.id))


def _calls(session: Session, referral_ids: Collection[str]) -> tuple[dict[str, list[Escalation]], dict[str, str]]:
    rows = session.exec(
        select(Escalation, Staff.name)
        .outerjoin(Staff, col(Staff.id) == col(Escalation.acknowledged_by))
        .where(col(Escalation.referral_id).in_(referral_ids), col(Escalation.state) != EscalationState.RESOLVED)
    ).all()
    found: dict[str, list[Escalation]] = {}
    for row, _ in rows:
        found.setdefault(row.referral_id, []).append(row)
    return found, {row.id: name for row, name in rows if name}


def _contacts(session: Session, referral_ids: Collection[str], called: set[str]) -> dict[str, Contact]:
    missed = col(Contact.state) == ContactState.MISSED
    rows = session.exec(
        select(Contact)
        .where(
            col(Contact.referral_id).in_(referral_ids),
            or_(col(Contact.state) == ContactState.PLANNED, missed & col(Contact.id).in_(called)),
        )
        .order_by(col(Contact.due_at), col(Contact.id))
    )
    found: dict[str, Contact] = {}
    for contact in rows:
        found.setdefault(contact.referral_id, contact)
    return found


class Choice(NamedTuple):
    """Somebody or something that the board can be narrowed to."""

    id: str
    name: str


def list_choices(session: Session, actor: Actor) -> tuple[list[Choice], list[Choice]]:
    """The bridgers and the facilities of the program that the board can be narrowed to, by name."""
    bridgers = session.exec(
        select(Staff.id, Staff.name)  # not whole rows: a large program has hundreds of bridgers
        .join(Bridger, col(Bridger.staff_id) == col(Staff.id))
        .where(Staff.program_id == actor.program_id, col(Staff.is_active))
        .order_by(col(Staff.name))
    )
    facilities = session.exec(
        select(Facility.id, Facility.name).where(Facility.program_id == actor.program_id).order_by(col(Facility.name))
    )
    return [Choice(*bridger) for bridger in bridgers], [Choice(*facility) for facility in facilities]
