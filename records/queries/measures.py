"""The measures, read from the journal: a few queries for a period, whatever the program's size.

Every figure comes from journal entries (design §5, invariant 11). Rows are asked only which referrals were open, and
for what the journal does not keep: the facility's name, the language, the time zone. What cannot change a figure of
the period is left unread: contacts that were settled and due outside it, attempts for people who left outside it.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Any

from sqlalchemy import ColumnElement, Select, and_, func, or_, select, union
from sqlmodel import Session, col

from domain.measures.catalog import figures
from domain.measures.figure import Context, Figure
from domain.measures.journey import TOLD, About, Event, Journey, tell
from domain.measures.period import Period
from domain.protocol import LOST_KEY
from domain.vocabulary import OPEN_STATUSES, EscalationState, Subject
from records.access import Actor, visible
from records.journal import plain
from records.queries.protocols import calendar_of, overlays, protocol_of
from records.tables import (
    Bridger,
    Escalation,
    Facility,
    JournalEntry,
    Person,
    Program,
    ProtocolVersion,
    Referral,
    Staff,
)

WINDOW = timedelta(days=100)
"""The longest window of one contact, from opening to due: who was met earlier is not looked for."""
AFTER = timedelta(days=100)
"""How long after leaving attempts and ends still matter to a figure of the period: the 90-day ones."""

_LEAVING = ("referral.discharged", "discharge.corrected")
_LEFT_EARLIER = ("referral.submitted", "hold.ended")
_OVER = ("referral.closed", "referral.rejected")
_SETTLED = ("contact.met", "contact.met_late", "contact.missed")
_ATTEMPTS = ("attempt.logged", "attempt.retracted")
_CALLS = ("escalation.raised", "escalation.acknowledged", "escalation.resolved", "welfare.decided")
_ALWAYS = tuple(sorted(TOLD - {*_SETTLED, *_ATTEMPTS, *_CALLS}))

_COLUMNS: tuple[Any, ...] = (
    JournalEntry.stream,
    JournalEntry.seq,
    JournalEntry.event,
    JournalEntry.at,
    JournalEntry.recorded_at,
    JournalEntry.subject_id,
    JournalEntry.data,
)


@dataclass(frozen=True, slots=True)
class Measured:
    """The figures of a program for a period, and the journeys they come from, by referral."""

    period: Period
    at: datetime
    figures: dict[str, Figure]
    journeys: dict[str, Journey]


def measure(session: Session, program_id: str, period: Period, now: datetime) -> Measured:
    """Every measure of a program for a period, as it stands at `now`."""
    program = session.get_one(Program, program_id)
    journeys = read_journeys(session, program_id, period)
    context = Context(period, now, calendar_of(program))
    return Measured(period, now, figures(journeys.values(), context), journeys)


def read_journeys(session: Session, program_id: str, period: Period) -> dict[str, Journey]:
    """The journeys that can count in a period, by referral id, as far as the journal's entries matter to it."""
    concerned = _concerned(program_id, period)
    told: dict[str, list[Event]] = {}
    for event in _entries(session, program_id, period, concerned):
        told.setdefault(event.stream, []).append(event)
    about = {known.referral_id: known for known in _about(session, concerned)}
    journeys = {}
    for stream, events in told.items():
        if stream in about:
            events.sort(key=_by_seq)
            journeys[stream] = tell(about[stream], events)
    return journeys


def _by_seq(event: Event) -> int:
    return event.seq


def _left(program_id: str, period: Period) -> Select[Any]:
    """The referrals of everybody who left in the period, or may have: those corrected away are told apart later."""
    left_at = col(JournalEntry.data)["discharged_at"].as_string()
    in_time = and_(col(JournalEntry.event).in_(_LEAVING), *_between(period.start_at, period.end_at))
    reported_later = and_(
        col(JournalEntry.event).in_(_LEFT_EARLIER),
        col(JournalEntry.at) >= period.start_at - timedelta(hours=1),
        left_at >= plain(period.start_at),
        left_at < plain(period.end_at),
    )
    of_program = col(JournalEntry.program_id) == program_id
    return select(col(JournalEntry.stream)).where(of_program, or_(in_time, reported_later))


def _concerned(program_id: str, period: Period) -> Select[Any]:
    """The referrals that were open at some time in the period, or whose people left in it."""
    was_sent = and_(col(Referral.program_id) == program_id, col(Referral.submitted_at) < period.end_at)
    is_open = select(col(Referral.id)).where(was_sent, col(Referral.status).in_(OPEN_STATUSES))
    ended = or_(
        and_(col(JournalEntry.event).in_(_OVER), col(JournalEntry.at) >= period.start_at),
        and_(col(JournalEntry.event) == "person.died", col(JournalEntry.recorded_at) >= period.start_at),
    )
    ended_since = (
        select(col(Referral.id))
        .join(JournalEntry, col(JournalEntry.stream) == col(Referral.id))
        .where(was_sent, col(JournalEntry.program_id) == program_id, ended)
    )
    found = union(is_open, ended_since, _left(program_id, period)).subquery()
    return select(found.c.id)


def _entries(session: Session, program_id: str, period: Period, concerned: Select[Any]) -> Iterator[Event]:
    """The entries that matter, in no order between referrals."""
    event, at = col(JournalEntry.event), col(JournalEntry.at)
    due_at = col(JournalEntry.data)["due_at"].as_string()
    falls_due = and_(due_at > plain(period.start_at), due_at <= plain(period.end_at))
    lately = at >= period.start_at - WINDOW
    corrected = select(col(JournalEntry.stream)).where(
        col(JournalEntry.program_id) == program_id, event == "contacts.corrected", lately
    )
    wanted: Iterable[ColumnElement[bool]] = (
        and_(event.in_(_ALWAYS), _among(concerned)),
        and_(event.in_(_SETTLED), lately, or_(and_(*_between(period.start_at, period.end_at)), falls_due)),
        and_(event.in_(_SETTLED), _among(corrected)),
        and_(event.in_(_ATTEMPTS), at < period.end_at + AFTER, _among(_left(program_id, period))),
        and_(event.in_(_CALLS), lately, _among(concerned)),
    )
    seen: set[tuple[str, int]] = set()
    for condition in wanted:
        rows = session.execute(select(*_COLUMNS).where(col(JournalEntry.program_id) == program_id, condition))
        for row in rows.yield_per(5000):
            entry = Event(*row)
            if entry.event not in _SETTLED:
                yield entry
            elif (entry.stream, entry.seq) not in seen:
                seen.add((entry.stream, entry.seq))
                yield entry


def _between(start: datetime, end: datetime) -> tuple[ColumnElement[bool], ColumnElement[bool]]:
    return col(JournalEntry.at) >= start, col(JournalEntry.at) < end


def _among(streams: Select[Any]) -> ColumnElement[bool]:
    return col(JournalEntry.stream).in_(streams)


def _about(session: Session, concerned: Select[Any]) -> Iterator[About]:
    rows = session.execute(
        select(
            col(Referral.id),
            col(Referral.number),
            col(Facility.name),
            col(Referral.setting),
            col(Person.language),
            col(Person.zone),
            col(Facility.zone),
        )
        .join(Facility, col(Facility.id) == col(Referral.facility_id))
        .join(Person, col(Person.id) == col(Referral.person_id))
        .where(col(Referral.id).in_(concerned))
    )
    for row in rows.yield_per(5000):
        yield About(*row)


@dataclass(frozen=True, slots=True)
class Caseload:
    """How many people a bridger has now, of how many at most, and how many of them have an overdue contact."""

    bridger_id: str
    name: str
    people: int
    limit: int
    overdue: int


def list_caseloads(session: Session, program_id: str) -> list[Caseload]:
    """Every active bridger with their people now, by name."""
    program = session.get_one(Program, program_id)
    carried = session.execute(
        select(col(Referral.bridger_id), func.count(), func.count(col(Referral.overdue_since)))
        .where(col(Referral.program_id) == program_id, col(Referral.status).in_(OPEN_STATUSES))
        .group_by(col(Referral.bridger_id))
    )
    counts: dict[str | None, tuple[int, int]] = {bridger: (people, overdue) for bridger, people, overdue in carried}
    bridgers = session.execute(
        select(col(Staff.id), col(Staff.name), col(Bridger.caseload_limit))
        .join(Bridger, col(Bridger.staff_id) == col(Staff.id))
        .where(col(Staff.program_id) == program_id, col(Staff.is_active))
        .order_by(col(Staff.name), col(Staff.id))
    )
    return [
        Caseload(staff_id, name, counts.get(staff_id, (0, 0))[0], limit or program.caseload_limit,
                 counts.get(staff_id, (0, 0))[1])
        for staff_id, name, limit in bridgers
    ]  # fmt: skip


def list_unassigned_late(session: Session, program_id: str) -> list[tuple[str, str]]:
    """The referrals, by id and number, that nobody has now although the promised time has passed; longest first."""
    called = select(col(Escalation.referral_id)).where(
        col(Escalation.subject) == Subject.ASSIGNMENT, col(Escalation.state) != EscalationState.RESOLVED
    )
    found = session.execute(
        select(col(Referral.id), col(Referral.number))
        .where(
            col(Referral.program_id) == program_id,
            col(Referral.waiting_since).is_not(None),
            col(Referral.accepted_at).is_not(None),
            col(Referral.id).in_(called),
        )
        .order_by(col(Referral.waiting_since), col(Referral.id))
    )
    return [(referral_id, number) for referral_id, number in found]


def seen_by(session: Session, actor: Actor, referral_ids: Iterable[str]) -> set[str]:
    """Those of these referrals that this actor may open."""
    wanted, seen = sorted(set(referral_ids)), set[str]()
    for start in range(0, len(wanted), _MOST_AT_ONCE):
        some = wanted[start : start + _MOST_AT_ONCE]
        seen.update(
            session.execute(select(col(Referral.id)).where(visible(actor), col(Referral.id).in_(some))).scalars()
        )
    return seen


def contact_titles(session: Session, program_id: str) -> dict[str, str]:
    """What the contacts of the program's protocols are called, by key, in the order of a protocol."""
    published = session.execute(
        select(col(ProtocolVersion.id))
        .where(col(ProtocolVersion.program_id) == program_id)
        .order_by(col(ProtocolVersion.version).desc(), col(ProtocolVersion.key).desc())
    )
    protocols = [protocol_of(session, key) for key in published.scalars()]
    titles: dict[str, str] = {}
    for protocol in (*protocols, *overlays()):
        for rule in protocol.contacts:
            titles.setdefault(rule.key, rule.title)
    return titles | {LOST_KEY: "Look for the person"}


_MOST_AT_ONCE = 500
