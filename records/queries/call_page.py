"""Everything the page of one call shows: its climb, what was tried, what was done, what is missing, what comes next."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime

from sqlmodel import Session, col, select

from domain.errors import NotFound
from domain.plan import attempts_missing
from domain.vocabulary import Ask, EscalationState, Subject
from records.access import Actor
from records.queries.calls import Climb, climbs_of
from records.queries.case import CaseRows, contact_facts
from records.queries.next_step import NextStep, step_of_call
from records.queries.own_case import load_own_case
from records.queries.staff import names_of
from records.tables import Attempt, Contact, Escalation, JournalEntry


@dataclass(frozen=True, slots=True)
class Deed:
    """Something that somebody wrote down about a call."""

    at: datetime
    by: str
    text: str
    event: str


@dataclass(frozen=True)
class CallPage:
    """One call, from its first rung to the present one."""

    rows: CaseRows
    call: Escalation
    climb: Climb
    others: tuple[Climb, ...]
    next: NextStep | None
    deeds: list[Deed]
    concern: Deed | None
    attempts: list[Attempt]
    missing: list[str]
    names: dict[str, str]

    @property
    def contact(self) -> Contact | None:
        """The contact that this is about."""
        if self.call.subject is not Subject.CONTACT:
            return None
        return self.rows.contact(self.call.subject_id)

    @property
    def looks_for_them(self) -> bool:
        """Whether the ladder has come to where the person is looked for."""
        return any(r.ask in (Ask.LOCATE, Ask.WELFARE_CHECK) for r in self.climb.rungs)


def load_call(session: Session, actor: Actor, referral_id: str, escalation_id: str) -> CallPage:
    """The page of a call about a person whom this actor may see. Raises NotFound."""
    rows = load_own_case(session, actor, referral_id)
    call = next((e for e in rows.escalations if e.id == escalation_id), None)
    if call is None:
        raise NotFound("That call")
    chain = (call.subject, call.subject_id, call.occurrence)
    rungs = sorted(
        (e for e in rows.escalations if (e.subject, e.subject_id, e.occurrence) == chain), key=lambda e: e.rung
    )
    climb = Climb(tuple(rungs))
    rest = [e for e in rows.escalations if e.state is not EscalationState.RESOLVED and e not in rungs]
    attempts, missing = _effort(rows, call)
    entries = _entries(session, referral_id, {r.id for r in rungs} | {call.subject_id})
    who: set[str | None] = {entry.actor for entry in entries}
    who.update(a.recorded_by for a in attempts)
    for rung in rungs:
        who.update((rung.acknowledged_by, rung.resolved_by, rung.owner_id))
    names = names_of(session, who)
    written = [
        Deed(e.at, names.get(e.actor, "Footbridge"), str(e.data.get("note") or e.data.get("reason") or ""), e.event)
        for e in entries
    ]
    deeds = [d for d in written if d.event != "concern.raised"]
    concern = next((d for d in written if d.event == "concern.raised" and d.text), None)
    is_open = climb.top.state is not EscalationState.RESOLVED
    step = step_of_call(rows, climb.top) if is_open else None
    return CallPage(rows, call, climb, climbs_of(rest), step, deeds, concern, attempts, missing, names)


def _effort(rows: CaseRows, call: Escalation) -> tuple[list[Attempt], list[str]]:
    if call.subject is not Subject.CONTACT:
        return rows.attempts[-5:], []
    contact = rows.contact(call.subject_id)
    rule = rows.rule(contact.key)
    tries = [a for a in rows.attempts if a.at >= contact.opens_at]
    if rule is None:
        return tries, []
    return tries, attempts_missing(rule, rows.facts(with_attempts=True), contact_facts(contact))


def _entries(session: Session, referral_id: str, rung_ids: set[str]) -> list[JournalEntry]:
    rows = session.exec(
        select(JournalEntry)
        .where(
            JournalEntry.stream == referral_id,
            col(JournalEntry.event).in_(("escalation.acted", "welfare.decided", "concern.raised")),
            col(JournalEntry.subject_id).in_(rung_ids),
        )
        .order_by(col(JournalEntry.seq))
    )
    return list(rows)
