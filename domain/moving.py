"""Moving a running case to another version of its protocol: what it would change. Pure; nothing moves by itself.

What was met, missed or waived stays as it is. What the version asks for and nobody could meet any more, because its
time was over before the case moved, is not asked for. What it asks for sooner is due sooner: at once, if that is past.
"""

from __future__ import annotations

import hashlib
from collections.abc import Collection
from dataclasses import dataclass, replace
from datetime import datetime, timedelta

from domain.agenda import CONTACT_MISSED, REMIND, STREAK, Item, due_items
from domain.case import Case, Contact, Escalation
from domain.contact import met_by
from domain.plan import Planned, Replanned, plan, plan_hold, replan
from domain.protocol import Protocol
from domain.vocabulary import ContactState, EscalationState, ReferralStatus, Subject

TAKE_BACK = timedelta(days=7)
"""How long a move can be taken back (project choice): as long as whoever made it remembers why."""

STAYS_BUSY = "Somebody is being called by steps that this version does not have. Settle that call first."
STAYS_OTHER = "It follows another protocol."
STAYS_THERE = "It follows this version already."
STAYS_OVER = "It is over."

DONE_SINCE = {
    "attempt.": "an attempt was logged or taken back",
    "contact.met": "a contact was met",
    "contact.waived": "a contact was waived",
    "contact.reopened": "a contact is awaited again",
    "contacts.": "contacts were suspended, closed or judged again",
    "hold.": "a hold began or ended",
    "referral.": "they left, or it ended",
    "discharge.": "the time of leaving was corrected",
    "date.": "the expected date moved",
    "risks.": "risk flags changed",
    "appointment.": "the first appointment changed",
    "search.": "a search began or ended",
    "rhythm.": "the rhythm changed by the person's wish",
    "plan.extended": "the plan was extended",
    "end.": "its end was taken back",
    "welfare.": "a clinician decided",
    "person.corrected": "details of the person were corrected",
    "protocol.": "it was moved to a version",
}
"""What people did under a version, by how its event begins, in words: a case in which this happened does not go back.
What happened by itself since (a contact missed, somebody called) is judged again."""

_ON_RECORD = frozenset({ContactState.MET, ContactState.MET_LATE, ContactState.MISSED, ContactState.WAIVED})


_SAME = Replanned((), (), ())


@dataclass(frozen=True, slots=True)
class Move:
    """What becomes of a case that follows another version from now on.

    `gone_by`: asked for by the version, and over before the case moved. `kept`: on record, and by the version there
    would be another window or no such contact. `credited`: what appears or moves and was met by what is on record.
    `settled`: calls about what the version does not ask for. `overdue`: what is due at once and was not before.
    `stays`: why the case cannot move; empty when it can.
    """

    change: Replanned = _SAME
    gone_by: tuple[Planned, ...] = ()
    kept: tuple[Contact, ...] = ()
    credited: frozenset[str] = frozenset()
    settled: tuple[Escalation, ...] = ()
    overdue: tuple[Item, ...] = ()
    stays: str = ""

    @property
    def mark(self) -> str:
        """A short mark of all that it would do: the same effect has the same mark."""
        said = repr(
            (
                [(p.key, p.seq, p.opens_at, p.due_at) for p in (*self.change.added, *self.gone_by)],
                [(m.contact.id, m.opens_at, m.due_at) for m in self.change.moved],
                [c.id for c in (*self.change.removed, *self.kept)],
                sorted(self.credited),
                [e.id for e in self.settled],
                [(i.kind, i.subject_id) for i in self.overdue],
                self.stays,
            )
        )
        return hashlib.sha256(said.encode()).hexdigest()[:12]


def move_to(
    case: Case, protocol: Protocol, now: datetime, *, restores: Collection[str] = (), missed_since: Collection[str] = ()
) -> Move:
    """What it would change if the case followed this version from now on. The case comes with its attempts.

    When a move is taken back: `restores` are the contacts that it took off the plan, which come back also when their
    time is over by now, since nobody decided to let them go; `missed_since` those that were missed under it, which are
    judged again.
    """
    if not case.status.is_open:
        return Move(stays=STAYS_OVER)
    if protocol.key != case.protocol.key:
        return Move(stays=STAYS_OTHER)
    case = replace(
        case,
        contacts=tuple(replace(c, state=ContactState.PLANNED) if c.id in missed_since else c for c in case.contacts),
    )
    after = replace(case, protocol=protocol)
    brought_back = {(c.key, c.seq, c.opens_at, c.due_at) for c in case.contacts if c.id in restores}
    wanted = [replace(p, has_gone_by=False) if _which(p) in brought_back else p for p in _wanted(after, now)]
    change = replan(after, wanted, made_by=case)
    gone_by = tuple(p for p in change.added if p.due_at <= now and _which(p) not in brought_back)
    change = replace(change, added=tuple(p for p in change.added if p not in gone_by))
    settled = _settled(case, after, {(p.key, p.seq) for p in wanted}, now, missed_since)
    if _is_stuck(after, settled):
        return Move(stays=STAYS_BUSY)
    moved = _moved(after, change, settled)
    moved, credited = _credit(moved, change, now)
    known = {(item.kind, item.subject_id) for item in due_items(case, now)}
    overdue = (item for item in due_items(moved, now) if (item.kind, item.subject_id) not in known)
    due_at_once = tuple(item for item in overdue if item.kind != REMIND and item.subject_id not in missed_since)
    return Move(change, gone_by, _kept(case, wanted), credited, settled, due_at_once)


def ladder_of(item: Item, protocol: Protocol) -> str:
    """The ladder that is raised when this item is due."""
    if item.kind == STREAK:
        return item.detail
    rule = protocol.rule(item.detail) if item.kind == CONTACT_MISSED else None
    return rule.ladder if rule is not None else "supervisor"


def planned_id(planned: Planned) -> str:
    """What stands for a contact that is not there yet, where ids of contacts stand."""
    return f"{planned.key}:{planned.seq}"


def _which(planned: Planned) -> tuple[str, int, datetime, datetime]:
    return (planned.key, planned.seq, planned.opens_at, planned.due_at)


def _wanted(case: Case, now: datetime) -> list[Planned]:
    return plan_hold(case, now) if case.status is ReferralStatus.ON_HOLD else plan(case, now)


def _settled(
    case: Case, after: Case, wanted: set[tuple[str, int]], now: datetime, missed_since: Collection[str]
) -> tuple[Escalation, ...]:
    """Open calls about a missed contact, or a run of them, that the old version asked for and this one does not."""
    dropped = {(p.key, p.seq) for p in _wanted(case, now)} - wanted
    due = {(p.key, p.seq): p.due_at for p in _wanted(after, now)}
    contacts = {c.id: c for c in case.contacts}
    found = []
    for call in case.escalations:
        if not call.state.is_open:
            continue
        if call.subject is Subject.CONTACT:
            about = contacts.get(call.subject_id)
            if about is None or about.cycle != case.cycle:
                continue
            which = (about.key, about.seq)
            if which in dropped or (about.id in missed_since and due.get(which, now) > now):
                found.append(call)
        elif call.subject is Subject.STREAK:
            key, misses, *_ = call.subject_id.split(":")
            rule = after.protocol.rule(key)
            if rule is None or all(streak.misses != int(misses) for streak in rule.streaks):
                found.append(call)
    return tuple(found)


def _is_stuck(after: Case, settled: Collection[Escalation]) -> bool:
    """Whether a call that stays open stands on a rung that the version does not have."""
    for call in after.escalations:
        if not call.state.is_open or call in settled:
            continue
        try:
            rungs = after.rungs(call.ladder)
        except LookupError:
            return True
        if len(rungs) <= call.rung:
            return True
    return False


def _moved(after: Case, change: Replanned, settled: Collection[Escalation]) -> Case:
    """The case as it would stand, to ask what is due then."""
    windows = {m.contact.id: m for m in change.moved}
    removed = {c.id for c in change.removed}
    contacts = [
        replace(c, opens_at=windows[c.id].opens_at, due_at=windows[c.id].due_at) if c.id in windows else c
        for c in after.contacts
        if c.id not in removed
    ]
    contacts += [Contact(planned_id(p), p.key, p.seq, p.cycle, p.opens_at, p.due_at) for p in change.added]
    calls = [replace(e, state=EscalationState.RESOLVED) if e in settled else e for e in after.escalations]
    return replace(after, contacts=tuple(contacts), escalations=tuple(calls))


def _credit(moved: Case, change: Replanned, now: datetime) -> tuple[Case, frozenset[str]]:
    """What appears or moves may be met by an attempt that is on record, as soon as the case has left."""
    mine = {planned_id(p) for p in change.added if p.opens_at <= now}
    mine |= {m.contact.id for m in change.moved if m.opens_at <= now}
    credited: set[str] = set()
    for attempt in moved.attempts if moved.discharged_at is not None else ():
        met = met_by(moved, attempt.mode, attempt.outcome, attempt.at)
        if new := {contact_id: state for contact_id, state in met.items() if contact_id in mine}:
            credited |= new.keys()
            contacts = tuple(replace(c, state=new[c.id]) if c.id in new else c for c in moved.contacts)
            moved = replace(moved, contacts=contacts)
    return moved, frozenset(credited)


def _kept(case: Case, wanted: Collection[Planned]) -> tuple[Contact, ...]:
    windows = {(p.key, p.seq): (p.opens_at, p.due_at) for p in wanted}
    return tuple(
        c
        for c in case.contacts
        if c.cycle == case.cycle
        and c.state in _ON_RECORD
        and _is_decided_by_version(case, c)
        and windows.get((c.key, c.seq)) != (c.opens_at, c.due_at)
    )


def _is_decided_by_version(case: Case, contact: Contact) -> bool:
    """Not one from before they left, of a hold or of a change of bridger, which no version changes any more."""
    rule = case.protocol.rule(contact.key)
    return rule is not None and (case.discharged_at is None or rule.due.after in ("discharge", "first_appointment"))


def done_since(event: str) -> str | None:
    """What this event says that people did under a version, in words; None when it is nothing of that kind."""
    return next((words for begins, words in DONE_SINCE.items() if event.startswith(begins)), None)
