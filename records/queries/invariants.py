"""What must hold for every referral at every moment (design §5), asked of the records; the tests and the
simulator ask the same questions.
"""

from __future__ import annotations

from collections import Counter, defaultdict
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from datetime import datetime, timedelta
from functools import cached_property

from sqlalchemy import BindParameter, bindparam
from sqlalchemy import select as sa_select
from sqlmodel import Session, col, func, select

from domain import agenda
from domain import case as known
from domain.agenda import next_item
from domain.case import Case
from domain.consent import Recipient, may_disclose, standing
from domain.vocabulary import ConsentStatus, ContactState, EscalationState, Purpose, ReferralStatus, Subject
from records import journal
from records.queries.case import CaseRows, load_case
from records.queries.consents import consents_of
from records.tables import Assignment, Bridger, Contact, Disclosure, Escalation, JournalEntry

GRACE = timedelta(minutes=1)
"""So long may pass between a due time and what happens at it (design §5, invariant 2)."""


_STREAM = (
    sa_select(*(getattr(JournalEntry, name) for name in JournalEntry.model_fields))
    .where(col(JournalEntry.stream) == bindparam("stream"))
    .order_by(col(JournalEntry.seq))
)
_OF_REFERRAL: BindParameter[str] = bindparam("referral_id")
_ASSIGNED = select(Assignment).where(col(Assignment.referral_id) == _OF_REFERRAL, col(Assignment.ended_at).is_(None))
_SENT_OUT = select(Disclosure).where(col(Disclosure.referral_id) == _OF_REFERRAL, col(Disclosure.is_allowed))


@dataclass
class _Looked:
    """One case, and what is read about it only when asked for."""

    session: Session
    rows: CaseRows
    now: datetime

    @cached_property
    def facts(self) -> Case:
        return self.rows.settled_facts()

    @cached_property
    def contacts(self) -> list[tuple[Contact, known.Contact]]:
        """Each with its facts, which are quicker to ask than a row."""
        return list(zip(self.rows.contacts, self.facts.contacts, strict=True))

    @cached_property
    def escalations(self) -> list[tuple[Escalation, known.Escalation]]:
        return list(zip(self.rows.escalations, self.facts.escalations, strict=True))

    @cached_property
    def entries(self) -> list[JournalEntry]:
        """As rows of the same names: they are only looked at, and making entities of them takes thrice as long."""
        return list(self.session.execute(_STREAM, {"stream": self.rows.referral.id}))  # type: ignore[arg-type]

    @cached_property
    def assignments(self) -> list[Assignment]:
        return list(self.session.exec(_ASSIGNED, params={"referral_id": self.rows.referral.id}))

    @cached_property
    def open_calls(self) -> list[known.Escalation]:
        return [e for e in self.facts.escalations if e.state is not EscalationState.RESOLVED]


def broken_invariants(session: Session, referral_id: str, now: datetime, *, everything: bool = True) -> list[str]:
    """What does not hold for this referral at `now`, each as `number: sentence`; empty when all is well.

    Without `everything` only what the loaded case tells, which asks the database nothing more: after every step of a
    simulation. The sentences name nobody. Raises NotFound.
    """
    looked = _Looked(session, load_case(session, referral_id), now)
    rules = _RULES if everything else _OF_THE_CASE
    return [f"{number}: {sentence}" for number, rule in rules for sentence in rule(looked)]


def _awaited(looked: _Looked) -> Iterator[str]:
    """Open means awaited: there is a next item, kept as the agenda says, and an owner."""
    row, item = looked.rows.referral, next_item(looked.facts)
    kept = (row.next_at, row.next_item) if row.next_at else None
    if (kept is None) != (item is None) or (kept is not None and item is not None and kept != (item.at, item.kind)):
        yield f"the next item on record is {kept}, and the agenda says {item}"
    if row.status.is_open and item is None:
        yield f"nothing is awaited, though it is {row.status.value}"
    if row.status.is_open and not row.owner_id:
        yield "nobody owns it"


def _no_silent_miss(looked: _Looked) -> Iterator[str]:
    """Whatever fell due was met, escalated, or has a reason on record."""
    row = looked.rows.referral
    if row.next_at is not None and row.next_at < looked.now - GRACE:
        yield f"“{row.next_item}” was due at {row.next_at.isoformat()} and was not carried out"
    called = {e.subject_id for e in looked.facts.escalations if e.subject is Subject.CONTACT}
    for contact, facts in looked.contacts:
        state = facts.state
        if state is ContactState.MISSED:
            if facts.id not in called:
                yield f"{contact.key} was missed and nobody was told"
            if contact.missed_at != contact.due_at:
                yield f"{contact.key} was due at {contact.due_at}, and its miss is dated {contact.missed_at}"
        elif state in _NEEDS_REASON and not contact.reason:
            yield f"{contact.key} is {state.value} without a reason"


_NEEDS_REASON = (ContactState.WAIVED, ContactState.SUPERSEDED, ContactState.SUSPENDED, ContactState.CLOSED)


def _no_false_alarm(looked: _Looked) -> Iterator[str]:
    """Nobody is called about what was not missed, nor about somebody who is over or on hold."""
    open_calls = looked.open_calls
    states = {contact.id: contact.state for contact in looked.facts.contacts} if open_calls else {}
    for call in open_calls:
        state = states.get(call.subject_id)
        if call.subject is Subject.CONTACT and state is not ContactState.MISSED:
            yield f"a call is open about a contact that is {state.value if state else 'not there'}"
        if looked.rows.referral.status.is_over:
            yield f"a call ({call.subject.value}) is open, though the case is over"
    for contact in looked.facts.contacts:
        if contact.state is ContactState.MET and contact.met_at is not None and contact.met_at > contact.due_at:
            yield f"{contact.key} counts as met, and was met after it was due"
    if looked.rows.referral.status is ReferralStatus.ON_HOLD:
        for contact in looked.facts.contacts:
            rule = looked.rows.rule(contact.key)
            if contact.state is ContactState.PLANNED and (rule is None or rule.due.after not in ("hold", "handover")):
                yield f"{contact.key} is awaited during a hold"


def _once(looked: _Looked) -> Iterator[str]:
    """Each appointment and each report is there once."""
    awaited = Counter(
        (c.cycle, c.key, c.seq) for c in looked.rows.contacts if c.state in (ContactState.PLANNED, ContactState.MISSED)
    )
    for (_, key, seq), count in awaited.items():
        if count > 1:
            yield f"{key} {seq} is planned {count} times"
    done = Counter(entry.event for entry in looked.entries)
    if done["report.sent"] + done["report.withheld"] > 1 + done["end.undone"]:
        yield "the referrer was told more than once how it ended"
    missed = Counter(entry.subject_id for entry in looked.entries if entry.event == "contact.missed")
    reopened = Counter(entry.subject_id for entry in looked.entries if entry.event in _MAY_MISS_AGAIN)
    for contact_id, count in missed.items():
        if count > 1 and not reopened[contact_id] and not done["contacts.restored"] and not done["end.undone"]:
            yield f"contact {contact_id} was missed {count} times"


_MAY_MISS_AGAIN = ("contact.reopened",)


def _ladders_climb(looked: _Looked) -> Iterator[str]:
    """The rungs of a climb follow one another, and the highest has a time at which it goes on."""
    climbs: dict[tuple[Subject, str, int], list[tuple[Escalation, known.Escalation]]] = defaultdict(list)
    for pair in looked.escalations:
        climbs[pair[1].chain].append(pair)
    waiting = {item.subject_id for item in agenda.agenda(looked.facts)} if looked.open_calls else set()
    for (subject, _, _), rungs in climbs.items():
        numbers = sorted([facts.rung for _, facts in rungs])
        if numbers != list(range(len(numbers))):
            yield f"the ladder about {subject.value} has the rungs {numbers}"
        row, top = max(rungs, key=_by_rung)
        if any([facts.state is not EscalationState.RESOLVED for _, facts in rungs]):
            if top.state is EscalationState.RESOLVED or top.id not in waiting:
                yield f"the ladder about {subject.value} stopped at rung {top.rung}"
        if not row.told:
            yield f"rung {top.rung} about {subject.value} told nobody"


def _by_rung(pair: tuple[Escalation, known.Escalation]) -> int:
    return pair[1].rung


def _consented(looked: _Looked) -> Iterator[str]:
    """What left the program was covered at that moment; the flag says what the latest version of the intake says."""
    referral = looked.rows.referral
    consents = consents_of(looked.session, referral.id)
    said = standing(consents, looked.now)
    if said is ConsentStatus.EXPIRED:
        said = ConsentStatus.GIVEN  # the flag stays; what is told goes by the date
    if referral.consent is not said:
        yield f"the flag says that consent is {referral.consent.value}, and the versions say {said.value}"
    for row in looked.session.exec(_SENT_OUT, params={"referral_id": referral.id}):
        if row.category is None or row.recipient_kind is None:
            continue  # of before there were versions
        recipient = Recipient(row.recipient_kind, row.recipient)
        # In one moment, by the microsecond, nobody knows what came first: what was told, or the end of its consent.
        moments = (row.at, row.at - timedelta(microseconds=1))
        asked = (recipient, row.category, Purpose(row.purpose))
        if not any(may_disclose(consents, *asked, at).is_allowed for at in moments):
            yield f"{row.what} went out while consent was {row.consent}"


def _one_bridger(looked: _Looked) -> Iterator[str]:
    """One open assignment, or none and somebody is being sought or told; the limit holds without a named override."""
    row, open_now = looked.rows.referral, looked.assignments
    held = [a.bridger_id for a in open_now]
    if held != ([row.bridger_id] if row.bridger_id else []):
        yield f"{len(held)} assignments are open, and the referral says {'one' if row.bridger_id else 'none'}"
    if row.status.is_over:
        if held:
            yield "somebody is still assigned, though the case is over"
        return
    if not held and row.accepted_at is not None and row.status.is_open:
        kinds = {item.kind for item in agenda.agenda(looked.facts)}
        told = any(e.subject is Subject.ASSIGNMENT for e in looked.open_calls)
        if not told and not kinds & {agenda.OFFER, agenda.OFFER_EXPIRES, agenda.UNASSIGNED}:
            yield "nobody has the person, nobody is asked and nobody was told"
    if row.bridger_id is not None:
        yield from _within_limit(looked, row.bridger_id)


def _within_limit(looked: _Looked, bridger_id: str) -> Iterator[str]:
    bridger, program = looked.session.get_one(Bridger, bridger_id), looked.rows.program
    limit = bridger.caseload_limit if bridger.caseload_limit is not None else program.caseload_limit
    load = looked.session.exec(
        select(func.count()).where(
            Assignment.bridger_id == bridger_id,
            col(Assignment.ended_at).is_(None),
            col(Assignment.override_by).is_(None),
        )
    ).one()
    if load > limit and _came_since_the_limit(looked, bridger_id):
        yield f"a bridger has {load} people without an override, above the limit of {limit}"


def _came_since_the_limit(looked: _Looked, bridger_id: str) -> bool:
    """Whether somebody came to them after their profile was set last: a limit below what they carry lets nobody go."""
    stream = f"program:{looked.rows.referral.program_id}"
    said = select(func.max(JournalEntry.at)).where(
        JournalEntry.stream == stream,
        JournalEntry.event == "bridger.profile_set",
        JournalEntry.subject_id == bridger_id,
    )
    came = select(func.max(Assignment.started_at)).where(
        Assignment.bridger_id == bridger_id,
        col(Assignment.ended_at).is_(None),
        col(Assignment.override_by).is_(None),
    )
    set_at, came_at = looked.session.exec(said).one(), looked.session.exec(came).one()
    return set_at is None or came_at is None or came_at > set_at


def _journalled(looked: _Looked) -> Iterator[str]:
    """The chain verifies up to its head, and what contacts and status say is what the journal says."""
    row = looked.rows.referral
    yield from journal.verify(looked.entries, head=row.journal_head)
    last: dict[str, str] = {}
    for entry in looked.entries:
        if entry.event in _CONTACT_EVENTS:
            last[entry.subject_id] = entry.event
        elif entry.event == "contacts.corrected":
            last.update((contact_id, f"contact.{state}") for contact_id, _was, state, *_ in entry.data["contacts"])
        elif entry.event in _STATUS_EVENTS:
            last["status"] = entry.data.get("status", _STATUS_EVENTS[entry.event])
    for contact in looked.rows.contacts:
        said = last.get(contact.id)
        if contact.state in _JOURNALLED and said != f"contact.{contact.state.value}":
            yield f"{contact.key} is {contact.state.value}, and the journal’s last word is {said}"
    if row.status.is_over and last.get("status") != row.status.value:
        yield f"it is {row.status.value}, and the journal’s last word is {last.get('status')}"
    if not row.status.is_over and last.get("status") in _OVER:
        yield f"it is {row.status.value}, and the journal says that it ended"


_CONTACT_EVENTS = frozenset({"contact.met", "contact.met_late", "contact.missed", "contact.waived", "contact.reopened"})
_JOURNALLED = (ContactState.MET, ContactState.MET_LATE, ContactState.MISSED, ContactState.WAIVED)
_STATUS_EVENTS = {
    "referral.submitted": "submitted",
    "referral.accepted": "accepted",
    "referral.rejected": "rejected",
    "referral.closed": "",
    "end.undone": "",
}
_OVER = frozenset(status.value for status in ReferralStatus if status.is_over)

_RULES: tuple[tuple[int, Callable[[_Looked], Iterator[str]]], ...] = (
    (1, _awaited),
    (2, _no_silent_miss),
    (3, _no_false_alarm),
    (4, _once),
    (5, _ladders_climb),
    (6, _consented),
    (8, _one_bridger),
    (11, _journalled),
)
"""By their numbers in design §5. The others (7, 9, 10, 12) are about messages, crashes, Temporal and access."""

_OF_THE_CASE = tuple(entry for entry in _RULES if entry[0] in (1, 2, 3, 5))
