"""The measures, read from the journal: a few queries for a period, whatever the program's size.

Every figure comes from journal entries (design §5, invariant 11). Rows are asked only which referrals were open, and
for what the journal does not keep: the facility's name, the language, the time zone. What cannot change a figure of
the period is left unread: contacts that were settled and due outside it, attempts for people who left outside it.
"""

from __future__ import annotations

import gc
import json
from collections.abc import Iterable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Any

from sqlalchemy import JSON, ColumnElement, CompoundSelect, Select, and_, cast, func, or_, select, type_coerce, union
from sqlalchemy.types import NullType
from sqlmodel import Session, col

from domain.errors import Invalid
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

YOUNG = timedelta(days=120)
"""Referrals sent no longer before a period are read by time, which is quick; the few that are older one by one."""
MOST = 50_000
"""So many referrals are counted at once, however long the period: their journals are in memory together."""
LATE_WORD = timedelta(days=400)
"""How long before it was heard of something may have happened: commands take a year at most."""

_LEAVING = ("referral.discharged", "discharge.corrected")
_LEFT_EARLIER = ("referral.submitted", "hold.ended")
_OVER = ("referral.closed", "referral.rejected")
_SETTLED = ("contact.met", "contact.met_late", "contact.missed")
_ATTEMPTS = ("attempt.logged", "attempt.retracted")
_CALLS = ("escalation.raised", "escalation.acknowledged", "escalation.resolved", "welfare.decided")
_ALWAYS = tuple(sorted(TOLD - {*_SETTLED, *_ATTEMPTS, *_CALLS}))
_TOLD_LATER = ("referral.discharged", "discharge.corrected", "hold.started", "referral.closed")
_TOLD_AT_ONCE = tuple(event for event in _ALWAYS if event not in _TOLD_LATER)

_COLUMNS: tuple[Any, ...] = (
    JournalEntry.stream,
    JournalEntry.seq,
    JournalEntry.event,
    # As the driver gives them, read below: SQLAlchemy's own reading took half of the time.
    type_coerce(JournalEntry.at, NullType),
    type_coerce(JournalEntry.recorded_at, NullType),
    JournalEntry.subject_id,
    type_coerce(JournalEntry.data, NullType),
)
_decode, _read_at, _UTC = json.JSONDecoder().raw_decode, datetime.fromisoformat, "+00:00"


@dataclass(frozen=True, slots=True)
class Measured:
    """The figures of a program for a period, and the journeys they come from, by referral."""

    period: Period
    at: datetime
    figures: dict[str, Figure]
    journeys: dict[str, Journey]


def measure(session: Session, program_id: str, period: Period, now: datetime) -> Measured:
    """Every measure of a program for a period, as it stands at `now`. Raises Invalid when it concerns over `MOST`."""
    context = Context(period, now, calendar_of(session.get_one(Program, program_id)))
    with _collector_at_rest():
        journeys = read_journeys(session, program_id, period)
        return Measured(period, now, figures(journeys.values(), context), journeys)


def read_journeys(session: Session, program_id: str, period: Period) -> dict[str, Journey]:
    """The journeys that can count in a period, by referral id, as far as the journal's entries matter to it.

    Raises Invalid when they are more than `MOST`.
    """
    concerned = _Concerned.of(session, program_id, period)
    count = len(concerned.young) + len(concerned.old)
    if count > MOST:
        sentence = f"{count:,} referrals count in this period, and at most {MOST:,} are counted at once."
        raise Invalid("too_many", f"{sentence} Choose fewer days.", field="from")
    told: dict[str, list[Event]] = {}
    for event in _entries(session, program_id, period, concerned):
        told.setdefault(event.stream, []).append(event)
    journeys = {}
    for about in _about(session, concerned):
        events = told.get(about.referral_id, [])
        events.sort(key=_by_seq)
        journeys[about.referral_id] = tell(about, events)
    return journeys


@contextmanager
def _collector_at_rest() -> Iterator[None]:
    """No garbage is looked for while a hundred thousand small things are made that all stay: a third of the time."""
    was_enabled = gc.isenabled()
    gc.disable()
    try:
        yield
    finally:
        if was_enabled:
            gc.enable()


def _by_seq(event: Event) -> int:
    return event.seq


@dataclass(frozen=True)
class _Concerned:
    """The referrals that were open at some time in the period, or whose people left in it, by how they are read."""

    young: frozenset[str]
    old: frozenset[str]
    left: frozenset[str]

    @classmethod
    def of(cls, session: Session, program_id: str, period: Period) -> _Concerned:
        """Asked of the rows and the journal; those corrected away are told apart later."""
        left = frozenset(session.execute(_left(program_id, period)).scalars())
        was_sent = and_(col(Referral.program_id) == program_id, col(Referral.submitted_at) < period.end_at)
        columns = select(col(Referral.id), col(Referral.submitted_at))
        open_ones = columns.where(was_sent, col(Referral.status).in_(OPEN_STATUSES))
        found: dict[str, datetime] = {key: at for key, at in session.execute(open_ones) if at is not None}
        since = col(JournalEntry.at) >= period.start_at
        heard_since = col(JournalEntry.recorded_at) >= period.start_at
        ended = union(_streams(program_id, _OVER, since), _streams(program_id, ("person.died",), heard_since))
        streams = {*left, *session.execute(ended).scalars()} - found.keys()
        rows = session.execute(columns.where(col(Referral.id).in_(_listed(session, streams))))
        found |= {key: at for key, at in rows if at is not None and (at < period.end_at or key in left)}
        young = frozenset(key for key, sent_at in found.items() if sent_at >= period.start_at - YOUNG)
        return cls(young, frozenset(found) - young, left)


def _left(program_id: str, period: Period) -> CompoundSelect[Any]:
    """The referrals of everybody who left in the period, or may have."""
    left_at = col(JournalEntry.data)["discharged_at"].as_string()
    told_later = (
        col(JournalEntry.at) >= period.start_at - timedelta(hours=1),
        left_at >= plain(period.start_at),
        left_at < plain(period.end_at),
    )
    return union(
        _streams(program_id, _LEAVING, *_between(period.start_at, period.end_at)),
        _streams(program_id, _LEFT_EARLIER, *told_later),
    )


def _streams(program_id: str, events: Iterable[str], *more: ColumnElement[bool]) -> Select[Any]:
    """The streams with such an entry. One select for each reach into the index (program, event, at)."""
    is_one = and_(col(JournalEntry.program_id) == program_id, col(JournalEntry.event).in_(list(events)))
    return select(col(JournalEntry.stream)).where(is_one, *more)


def _listed(session: Session, ids: Iterable[str]) -> Select[Any]:
    """Ids as a select of one parameter, however many they are: databases bound the number of parameters."""
    listed = sorted(ids)
    if session.get_bind().dialect.name == "sqlite":
        return select(func.json_each(json.dumps(listed)).table_valued("value").c.value)
    return select(func.json_array_elements_text(cast(listed, JSON)).table_valued("value").render_derived().c.value)


def _entries(session: Session, program_id: str, period: Period, concerned: _Concerned) -> Iterator[Event]:
    """The entries that matter, each once, in no order between referrals.

    Young referrals are read by the index (program, event, at); what names no program is read by the referral's own
    sequence, which is right for few.
    """
    event, at, stream = col(JournalEntry.event), col(JournalEntry.at), col(JournalEntry.stream)
    of_program = col(JournalEntry.program_id) == program_id
    due_at = col(JournalEntry.data)["due_at"].as_string()
    falls_due = and_(due_at > plain(period.start_at), due_at <= plain(period.end_at))
    lately, young = at >= period.start_at - WINDOW, period.start_at - YOUNG
    of_young = and_(of_program, stream.in_(_listed(session, concerned.young)))
    left = and_(of_program, stream.in_(_listed(session, concerned.young & concerned.left)))
    corrected = session.execute(_streams(program_id, ("contacts.corrected",), lately)).scalars()
    wanted: Iterable[ColumnElement[bool]] = (
        and_(of_young, event.in_(_TOLD_AT_ONCE), at >= young),
        and_(of_young, event.in_(_TOLD_LATER), at >= young - LATE_WORD),
        and_(of_young, event.in_(_CALLS), at >= period.start_at),
        and_(of_program, event.in_(_SETTLED), lately, or_(and_(*_between(period.start_at, period.end_at)), falls_due)),
        and_(left, event.in_(_ATTEMPTS), *_between(young - timedelta(days=2), period.end_at + AFTER)),
        and_(event.in_(_SETTLED), stream.in_(_listed(session, concerned.young & set(corrected)))),
        and_(event.in_(sorted(TOLD)), stream.in_(_listed(session, concerned.old))),
    )
    seen: set[tuple[str, int]] = set()
    for condition in wanted:
        for row in session.execute(select(*_COLUMNS).where(condition)).yield_per(5000):
            stream_id, seq, name, happened_at, recorded_at, subject_id, data = row
            if name in _SETTLED:  # the only ones that two of the queries may find
                if (stream_id, seq) in seen:
                    continue
                seen.add((stream_id, seq))
            if isinstance(data, str):  # SQLite keeps texts, instants in UTC
                happened_at, recorded_at = _read_at(happened_at + _UTC), _read_at(recorded_at + _UTC)
                data = _decode(data)[0]
            yield Event(stream_id, seq, name, happened_at, recorded_at, subject_id, data)


def _between(start: datetime, end: datetime) -> tuple[ColumnElement[bool], ColumnElement[bool]]:
    return col(JournalEntry.at) >= start, col(JournalEntry.at) < end


def _about(session: Session, concerned: _Concerned) -> Iterator[About]:
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
        .where(col(Referral.id).in_(_listed(session, concerned.young | concerned.old)))
    )
    return (About(*row) for row in rows.yield_per(5000))


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
