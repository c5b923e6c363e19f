"""Everything that the page of one person shows, in a bounded number of queries."""

from __future__ import annotations

from dataclasses import dataclass, replace
from datetime import datetime

from sqlmodel import Session, col, select

from domain.plan import is_try
from domain.vocabulary import ContactState, EscalationState, Role
from records import clock
from records.access import Actor, readable_for, visible
from records.queries.case import CaseRows, load_case
from records.queries.consents import is_withheld
from records.queries.next_step import NextStep, next_step
from records.queries.staff import names_of
from records.tables import Assignment, Attempt, Contact, Escalation, Facility, Referral, Staff


@dataclass(frozen=True)
class PersonPage:
    """One person's transition, as somebody may see it who works with them."""

    rows: CaseRows
    facility: Facility
    bridger: Staff | None
    next: NextStep | None
    names: dict[str, str]
    read_until: datetime | None
    assignment: Assignment | None
    is_withheld: bool  # what concerns substance use: no consent covers it

    @property
    def referral(self) -> Referral:
        """The referral itself."""
        return self.rows.referral

    def to_do(self, now: datetime) -> list[Contact]:
        """What can be done now: windows that are open, and what was missed and still calls somebody; soonest first."""
        called = {e.subject_id for e in self.open_escalations}
        return [
            c
            for c in self.rows.contacts
            if (c.state is ContactState.PLANNED and c.opens_at <= now)
            or (c.state is ContactState.MISSED and c.id in called)
        ]

    @property
    def open_escalations(self) -> list[Escalation]:
        """The calls for other people that nobody has settled, newest first."""
        unsettled = [e for e in self.rows.escalations if e.state is not EscalationState.RESOLVED]
        return sorted(unsettled, key=lambda e: (e.raised_at, e.rung), reverse=True)

    def told_to(self, staff_id: str) -> list[Escalation]:
        """The open calls that this member of staff was told of, newest first."""
        return [e for e in self.open_escalations if any(p["staff_id"] == staff_id for p in e.told)]

    def attempts_for(self, contact: Contact) -> list[Attempt]:
        """The tries within a contact's window, oldest first."""
        return [a for a in self.rows.attempts if is_try(a, contact.opens_at)]


def load_person_page(session: Session, actor: Actor, referral_id: str) -> PersonPage:
    """The page of a person this actor works with. Raises NotFound for everybody else's."""
    referral, read_until = readable_for(session, actor, referral_id)
    rows = load_case(session, referral_id)
    assignment = session.exec(
        select(Assignment).where(Assignment.referral_id == referral.id, col(Assignment.ended_at).is_(None))
    ).first()
    who = {a.recorded_by for a in rows.attempts}
    who |= {s for e in rows.escalations for s in (e.acknowledged_by, e.resolved_by, e.owner_id)}
    if assignment is not None:
        who.add(assignment.covers_for_id)
    return PersonPage(
        rows=rows,
        facility=session.get_one(Facility, referral.facility_id),
        bridger=session.get(Staff, referral.bridger_id) if referral.bridger_id else None,
        next=next_step(rows),
        names=names_of(session, who),
        read_until=read_until,
        assignment=assignment,
        is_withheld=is_withheld(session, referral, clock.now()),
    )


def sees_only_as_planner(session: Session, actor: Actor, referral_id: str) -> bool:
    """Whether this referral is theirs only because their facility filed it: then contact notes are not for them."""
    if Role.PLANNER not in actor.roles:
        return False
    otherwise = replace(actor, roles=actor.roles - {Role.PLANNER})
    return session.exec(select(Referral.id).where(Referral.id == referral_id, visible(otherwise))).first() is None
