"""What happens next by itself for one case, and who by name is told: from the very rules that will run."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime

from domain import agenda
from domain.agenda import Item
from domain.plan import LOST_KEY
from domain.vocabulary import Ask, Counts
from records.queries.case import CaseRows
from records.queries.staff import told_for
from records.tables import Escalation

DUTIES = {
    "bridger": "peer bridger",
    "peer_supervisor": "supervisor on duty",
    "on_call_clinician": "on-call clinician",
    "program_manager": "program manager",
    "referrer": "discharge planner who referred",
    "in_charge": "in charge",
}
"""What a protocol's role is called when a person is named with it."""


@dataclass(frozen=True, slots=True)
class Told:
    """Somebody who will be told, and in which capacity."""

    staff_id: str
    name: str
    duty: str
    phone: str = ""


@dataclass(frozen=True, slots=True)
class NextStep:
    """The next thing that the clock does, unless somebody acts before `at`."""

    at: datetime
    kind: str
    about: str  # the contact's title, the escalation's subject; empty when it is about the whole referral
    why: str
    told: tuple[Told, ...]
    is_task: bool = False  # a check to tick off, not a person to reach
    is_again: bool = False  # the last rung: the same people hear it again
    ask: Ask = Ask.ANSWER


def next_step(rows: CaseRows) -> NextStep | None:
    """The next step of a case, reminders left aside; None when nothing is awaited any more."""
    case = rows.facts()
    items = (item for item in agenda.agenda(case) if item.kind != agenda.REMIND)
    item = next(items, None)
    if item is None:
        return None
    why = agenda.why(item, case)
    if item.kind == agenda.CONTACT_MISSED:
        return _missed(rows, item, why)
    if item.kind in (agenda.UNACKNOWLEDGED, agenda.UNRESOLVED):
        return _climbs(rows, item, why)
    if item.kind in (agenda.OFFER, agenda.OFFER_EXPIRES, agenda.REPORT):
        return NextStep(item.at, item.kind, "", why, ())
    if item.kind == agenda.CONSENT_EXPIRES:
        return NextStep(item.at, item.kind, "", why, _told(rows, ("bridger", "peer_supervisor")))
    ladder = item.detail if item.kind == agenda.STREAK else "supervisor"
    return NextStep(item.at, item.kind, "", why, _told(rows, rows.rungs(ladder)[0].tell))


def _missed(rows: CaseRows, item: Item, why: str) -> NextStep:
    contact = rows.contact(item.subject_id)
    rule = rows.rule(contact.key)
    ladder = rule.ladder if rule is not None else "supervisor"
    return NextStep(
        at=item.at,
        kind=item.kind,
        about=contact.title,
        why=why,
        told=_told(rows, rows.rungs(ladder)[0].tell),
        is_task=rule is not None and rule.counts is Counts.TASK,
        ask=Ask.LOCATE if contact.key == LOST_KEY else Ask.ANSWER,
    )


def _climbs(rows: CaseRows, item: Item, why: str) -> NextStep:
    escalation = rows.escalation(item.subject_id)
    rungs = rows.rungs(escalation.ladder)
    outcome_waits = escalation.decision is not None and escalation.decision.needs_outcome
    is_again = escalation.rung + 1 >= len(rungs) or outcome_waits
    rung = rungs[escalation.rung] if is_again else rungs[escalation.rung + 1]
    return NextStep(
        at=item.at,
        kind=item.kind,
        about=escalation.subject.label,
        why=why,
        told=_told(rows, rung.tell),
        is_again=is_again,
        ask=rung.ask,
    )


def _told(rows: CaseRows, roles: tuple[str, ...]) -> tuple[Told, ...]:
    people = told_for(rows.session, rows, roles)
    return tuple(Told(staff.id, staff.name, DUTIES[role], staff.phone) for role, staff in people)


def step_of_call(rows: CaseRows, escalation: Escalation) -> NextStep | None:
    """What happens by itself with one call unless somebody answers; None when it is settled or a higher rung waits."""
    case = rows.facts()
    for item in agenda.agenda(case):
        if item.kind in (agenda.UNACKNOWLEDGED, agenda.UNRESOLVED) and item.subject_id == escalation.id:
            return _climbs(rows, item, agenda.why(item, case))
    return None
