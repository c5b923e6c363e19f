"""The measures as read from the journal, against the same arithmetic done anew over the rows (scenario 77)."""

from __future__ import annotations

import random
from collections import Counter
from collections.abc import Iterator
from dataclasses import dataclass
from datetime import date, datetime, timedelta

import pytest
from sqlalchemy import Engine, create_engine, event
from sqlmodel import Session, SQLModel, col, select

from domain.clock import end_of, local_date, start_of
from domain.measures import catalog
from domain.measures.figure import Context, Figure, Part
from domain.measures.journey import Event, tell
from domain.measures.period import Period, period_between
from domain.vocabulary import (
    ClosureReason,
    ConsentStatus,
    ContactState,
    HoldReason,
    Mode,
    Outcome,
    ReferralStatus,
    Setting,
)
from records import clock, engine, ids
from records.commands import programs
from records.queries import measures
from records.queries.measures import Measured
from records.queries.protocols import calendar_of
from records.tables import Attempt, Contact, Escalation, JournalEntry, Person, Program, Referral
from tests.records.measured_program import ASKED_AT, MeasuredProgram, copy_rows, holds_of

NEW_YORK = "America/New_York"
OTHER = "Other Bridges"
EVERYTHING = period_between(date(2026, 2, 1), date(2026, 12, 15), NEW_YORK)
A_MONTH = period_between(date(2026, 4, 1), date(2026, 4, 30), NEW_YORK)
A_WEEK = period_between(date(2026, 6, 1), date(2026, 6, 7), NEW_YORK)
PERIODS = (EVERYTHING, A_MONTH, A_WEEK)
LIVE = {Outcome.REACHED, Outcome.DECLINED, Outcome.CALL_LATER}
ERRORS = {ClosureReason.ENTERED_IN_ERROR, ClosureReason.DUPLICATE}


@dataclass
class Rows:
    """The rows of a program, read whole."""

    referrals: list[Referral]
    zones: dict[str, str]
    contacts: list[Contact]
    attempts: dict[str, list[Attempt]]
    escalations: list[Escalation]
    readmissions: dict[str, list[datetime]]
    pauses: dict[str, list[datetime]]
    events: dict[str, list[Event]]
    program_id: str

    def referral(self, referral_id: str) -> Referral:
        return next(row for row in self.referrals if row.id == referral_id)


@pytest.fixture(scope="module")
def lived(tmp_path_factory: pytest.TempPathFactory) -> Iterator[tuple[Engine, str]]:
    """A program that has lived, on SQLite: slow to make, so made once."""
    folder = tmp_path_factory.mktemp("measured")
    SQLModel.metadata.create_all(engine.configure(f"sqlite:///{folder / 'lived.sqlite3'}"))
    ids.use_source(random.Random(1))
    try:
        program = MeasuredProgram(seed=1)
        program.live(16)
        with engine.transaction() as session:
            programs.create_program(session, OTHER)
    finally:
        engine.dispose()
        clock.run_real()
        ids.use_source(random.SystemRandom())
    source = create_engine(f"sqlite:///{folder / 'lived.sqlite3'}")
    yield source, program.program_id
    source.dispose()


@pytest.fixture
def rows(database: str, lived: tuple[Engine, str]) -> Iterator[Rows]:
    """The same program in a migrated database of either kind, and its rows."""
    source, program_id = lived
    copy_rows(source, engine.database().write)
    with clock.stopped_at(ASKED_AT), engine.read_session() as session:
        yield _read(session, program_id)


def _read(session: Session, program_id: str) -> Rows:
    attempts: dict[str, list[Attempt]] = {}
    for attempt in session.exec(select(Attempt).where(col(Attempt.is_retracted).is_(False))):
        attempts.setdefault(attempt.referral_id, []).append(attempt)
    events: dict[str, list[Event]] = {}
    for e in session.exec(select(JournalEntry).order_by(col(JournalEntry.stream), col(JournalEntry.seq))):
        entry = Event(e.stream, e.seq, e.event, e.at, e.recorded_at, e.subject_id, e.data)
        events.setdefault(e.stream, []).append(entry)
    undone = {e.subject_id for stream in events.values() for e in stream if e.event == "hold.undone"}
    kept = {key: [hold for hold in held if hold.id not in undone] for key, held in holds_of(session).items()}
    people = {person.id: person.zone for person in session.exec(select(Person))}
    referrals = list(session.exec(select(Referral)))
    return Rows(
        referrals,
        {row.id: people[row.person_id] for row in referrals},
        list(session.exec(select(Contact))),
        attempts,
        list(session.exec(select(Escalation))),
        {key: [h.started_at for h in held if h.reason is HoldReason.READMITTED] for key, held in kept.items()},
        {key: [h.started_at for h in held] for key, held in kept.items()},
        events,
        program_id,
    )


def _measured(program_id: str, period: Period) -> Measured:
    with engine.read_session() as session:
        return measures.measure(session, program_id, period, clock.now())


def _parts(figure: Figure, referral_ids: set[str] | None = None) -> Counter[tuple[str, str]]:
    return Counter(
        (case.referral_id, case.part.value)
        for case in figure.cases
        if referral_ids is None or case.referral_id in referral_ids
    )


def test_the_random_program_has_lived_through_enough_to_prove_something(rows: Rows) -> None:
    seen = {e.event for stream in rows.events.values() for e in stream}
    wanted = {
        "contact.met", "contact.met_late", "contact.missed", "contact.waived", "contact.reopened", "attempt.retracted",
        "contacts.suspended", "contacts.closed", "contacts.superseded", "contacts.corrected", "discharge.cancelled",
        "discharge.corrected", "hold.started", "hold.ended", "hold.undone", "referral.closed", "referral.rejected",
        "end.undone", "escalation.acknowledged", "escalation.resolved", "person.died", "report.sent", "report.withheld",
    }  # fmt: skip
    assert wanted - seen == set()
    assert any(row.cycle > 1 for row in rows.referrals)


def test_contacts_from_the_journal_are_the_contacts_on_record(rows: Rows) -> None:
    for period in PERIODS:
        wanted: Counter[tuple[str, str]] = Counter()
        for contact in rows.contacts:
            row = rows.referral(contact.referral_id)
            if contact.state is ContactState.MET:
                if contact.met_at is None or not period.start_at <= contact.met_at < period.end_at:
                    continue
            elif not period.start_at < contact.due_at <= period.end_at:
                continue
            part = {
                ContactState.MET: Part.MET,
                ContactState.MET_LATE: Part.LATE,
                ContactState.MISSED: Part.NOT,
                ContactState.PLANNED: Part.WAITING if contact.due_at > ASKED_AT else Part.NOT,
            }.get(contact.state, Part.EXCLUDED)
            died = row.closure_reason is ClosureReason.DECEASED and row.ended_at is not None
            if part is Part.NOT and died and row.ended_at is not None and contact.due_at >= row.ended_at:
                part = Part.EXCLUDED
            if row.closure_reason in ERRORS:
                part = Part.EXCLUDED
            if part is not Part.EXCLUDED or period is EVERYTHING:
                wanted[(row.id, part.value)] += 1
        found = _parts(_measured(rows.program_id, period).figures["contacts-kept"])
        if period is not EVERYTHING:
            found = Counter({key: n for key, n in found.items() if key[1] != Part.EXCLUDED.value})
        assert found == wanted
        assert sum(wanted.values()) > 5


@pytest.mark.parametrize("hours", [24, 48, 72])
def test_first_contact_from_the_journal_is_first_contact_by_the_rows(rows: Rows, hours: int) -> None:
    for period in PERIODS:
        figure = _measured(rows.program_id, period).figures[f"first-contact-{hours}h"]
        wanted: Counter[str] = Counter()
        for row in rows.referrals:
            if row.discharged_at is not None and period.start_at <= row.discharged_at < period.end_at:
                until = row.discharged_at + timedelta(hours=hours)
                wanted[_reached(rows, row, row.discharged_at, until)] += 1
        latest = {(row.id, f"cycle {row.cycle}") for row in rows.referrals}
        found = Counter(case.part.value for case in figure.cases if (case.referral_id, case.subject_id) in latest)
        assert found == wanted


@pytest.mark.parametrize(("key", "days", "modes"), [
    ("peer-contact-7d", 7, set(Mode)), ("peer-contact-30d", 30, set(Mode)), ("face-to-face-7d", 7, {Mode.VISIT}),
])  # fmt: skip
def test_windows_of_dates_agree_with_the_rows(rows: Rows, key: str, days: int, modes: set[Mode]) -> None:
    figure = _measured(rows.program_id, EVERYTHING).figures[key]
    wanted: Counter[str] = Counter()
    for row in rows.referrals:
        if row.discharged_at is None:
            continue
        zone = rows.zones[row.id]
        day = local_date(row.discharged_at, zone)
        is_day_counted = row.setting in (Setting.EMERGENCY_DEPARTMENT, Setting.JAIL)
        opens = row.discharged_at if is_day_counted else start_of(day + timedelta(days=1), zone)
        wanted[_reached(rows, row, opens, end_of(day + timedelta(days=days), zone), modes)] += 1
    latest = {(row.id, f"cycle {row.cycle}") for row in rows.referrals}
    assert Counter(c.part.value for c in figure.cases if (c.referral_id, c.subject_id) in latest) == wanted


def _reached(rows: Rows, row: Referral, opens: datetime, until: datetime, modes: set[Mode] | None = None) -> str:
    """Met, late, not, waiting or excluded, by the rows alone."""
    assert row.discharged_at is not None
    live = [
        a.at
        for a in rows.attempts.get(row.id, [])
        if a.outcome in LIVE and a.mode in (modes or set(Mode)) - {Mode.LETTER, Mode.COLLATERAL} and a.at >= opens
    ]
    is_met = any(at <= until for at in live)
    ended_before = row.ended_at is not None and row.ended_at < until
    gone = {ClosureReason.DECEASED, ClosureReason.TRANSFERRED}
    is_out = (
        row.closure_reason in ERRORS
        or row.status is ReferralStatus.REJECTED
        or (ended_before and row.closure_reason in gone)
        or (ended_before and row.closure_reason is ClosureReason.DECLINED and not is_met)
        or any(row.discharged_at <= since < until for since in rows.pauses.get(row.id, []))
    )
    if is_out:
        return "excluded"
    if until > ASKED_AT:
        return "waiting"
    if is_met:
        return "met"
    return "late" if any(at <= row.discharged_at + timedelta(days=31) for at in live) else "not"


def test_readmissions_agree_with_the_holds(rows: Rows) -> None:
    found = {
        (case.referral_id, case.subject_id)
        for case in _measured(rows.program_id, EVERYTHING).figures["readmitted-30d"].of_part(Part.MET)
    }
    wanted = set()
    for row in rows.referrals:
        if row.discharged_at is None or row.closure_reason in ERRORS or row.status is ReferralStatus.REJECTED:
            continue
        for at in rows.readmissions.get(row.id, []):
            month_later = row.discharged_at + timedelta(days=30)
            if row.discharged_at < at <= month_later <= ASKED_AT:
                wanted.add((row.id, f"cycle {row.cycle}"))
    latest = {(row.id, f"cycle {row.cycle}") for row in rows.referrals}
    assert found & latest == wanted
    assert found


def test_referrals_and_endings_agree_with_the_rows(rows: Rows) -> None:
    for period in PERIODS:
        figures = _measured(rows.program_id, period).figures
        accepted = {
            row.id: (row.accepted_at - row.submitted_at).total_seconds() / 3600
            for row in rows.referrals
            if row.submitted_at is not None
            and row.accepted_at is not None
            and period.start_at <= row.submitted_at < period.end_at
            and row.closure_reason not in ERRORS
        }
        assert {c.referral_id: c.hours for c in figures["referral-to-acceptance"].of_part(Part.MET)} == accepted
        over = [row for row in rows.referrals if row.ended_at and period.start_at <= row.ended_at < period.end_at]
        counted = [row for row in over if row.closure_reason not in ERRORS]
        told = {row.id for row in counted if row.reported_at and row.consent is ConsentStatus.GIVEN}
        assert {case.referral_id for case in figures["closed-loop"].of_part(Part.MET)} >= told
        assert {case.referral_id for case in figures["closed-loop"].cases} == {row.id for row in over}


def test_escalations_agree_with_the_rows(rows: Rows) -> None:
    errors = {row.id for row in rows.referrals if row.closure_reason in ERRORS}
    for period in PERIODS:
        figures = _measured(rows.program_id, period).figures
        raised = [
            e for e in rows.escalations
            if period.start_at <= e.raised_at < period.end_at and e.referral_id not in errors
        ]  # fmt: skip
        assert {c.subject_id for c in figures["escalations-resolved"].cases} == {e.id for e in raised}
        assert figures["escalations-resolved"].numerator == sum(e.resolved_at is not None for e in raised)
        taken = {e.id: (e.acknowledged_at - e.raised_at).total_seconds() / 3600 for e in raised if e.acknowledged_at}
        answered = {c.subject_id: c.hours for c in figures["escalations-answered"].cases if c.hours is not None}
        assert taken.items() <= answered.items()
        unanswered = {c.subject_id for c in figures["escalations-unanswered"].of_part(Part.MET)}
        assert unanswered == {c.subject_id for c in figures["escalations-answered"].of_part(Part.NOT)}
        assert not unanswered & taken.keys()


def test_what_is_left_unread_changes_no_figure(rows: Rows) -> None:
    """The queries leave out what cannot matter to a period; the whole journal must come to the same."""
    with engine.read_session() as session:
        calendar = calendar_of(session.get_one(Program, rows.program_id))
        about = {j.referral_id: j.about for j in measures.read_journeys(session, rows.program_id, EVERYTHING).values()}
    whole = [tell(about[stream], events) for stream, events in rows.events.items() if stream in about]
    for period in (*PERIODS, period_between(date(2026, 5, 10), date(2026, 5, 12), NEW_YORK)):
        in_full = catalog.figures(whole, Context(period, ASKED_AT, calendar))
        for key, figure in _measured(rows.program_id, period).figures.items():
            assert sorted(map(repr, figure.cases)) == sorted(map(repr, in_full[key].cases)), key


def test_a_period_takes_a_handful_of_queries_whatever_the_size(rows: Rows) -> None:
    statements: list[str] = []
    database = engine.database()

    def count(_c: object, _cursor: object, statement: str, *_: object) -> None:
        statements.append(statement)

    event.listen(database.read, "before_cursor_execute", count)
    try:
        _measured(rows.program_id, A_MONTH)
    finally:
        event.remove(database.read, "before_cursor_execute", count)
    assert len([s for s in statements if s.lstrip().upper().startswith("SELECT")]) <= 14


def test_another_program_has_its_own_figures(rows: Rows) -> None:
    with engine.read_session() as session:
        other = session.exec(select(Program.id).where(Program.name == OTHER)).one()
    for period in PERIODS:
        assert all(figure.cases == () for figure in _measured(other, period).figures.values())


def test_caseloads_count_open_people_now(rows: Rows) -> None:
    with engine.read_session() as session:
        caseloads = measures.list_caseloads(session, rows.program_id)
    carried = Counter(row.bridger_id for row in rows.referrals if row.status.is_open and row.bridger_id)
    assert {load.bridger_id: load.people for load in caseloads if load.people} == dict(carried)
    assert [load.limit for load in caseloads] == [100] * 6
