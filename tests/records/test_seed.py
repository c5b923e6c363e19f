"""The demonstration: it loads, breaks no invariant, ends at the present at any hour, and everybody can sign in."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from datetime import UTC, datetime, timedelta
from pathlib import Path

import pytest
from sqlmodel import Session, col, select

from cli.welcome import seed_demonstration
from domain.vocabulary import (
    Channel,
    ConsentStatus,
    ContactState,
    EscalationState,
    HoldReason,
    NotificationState,
    OfferState,
    ReferralStatus,
    Subject,
)
from records import clock, engine, journal, migrate
from records.access import actor_of
from records.commands import sign_in
from records.queries.board import board_of
from records.queries.invariants import broken_invariants
from records.queries.notifications import count_unseen
from records.queries.worklist import worklist_of
from records.seed.people import PASSWORD
from records.tables import (
    Attempt,
    Bridger,
    Contact,
    Disclosure,
    Escalation,
    Hold,
    JournalEntry,
    Notification,
    Offer,
    Outbox,
    Person,
    Program,
    Referral,
    Staff,
)
from tests.support import databases

MONDAY = datetime(2026, 11, 23, 18, 30, tzinfo=UTC)
HOURS = {
    "a minute after midnight on a Tuesday": datetime(2026, 11, 24, 5, 1, tzinfo=UTC),
    "a Sunday night in the holidays": datetime(2026, 12, 27, 8, 12, tzinfo=UTC),
    "the day the clocks go forward": datetime(2027, 3, 14, 8, 30, tzinfo=UTC),
    "late on a leap day": datetime(2028, 3, 1, 4, 55, tzinfo=UTC),
}


@pytest.fixture(scope="module")
def loaded(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A SQLite file with the demonstration on a Monday, made once."""
    path = tmp_path_factory.mktemp("seed") / "demonstration.sqlite3"
    migrate.upgrade(f"sqlite:///{path}")
    with opened(f"sqlite:///{path}", MONDAY):
        assert seed_demonstration()
    return path


@pytest.fixture
def demonstration(loaded: Path, tmp_path: Path) -> Iterator[datetime]:
    """The demonstration in a copy of its own; the value is its present moment."""
    with opened(databases.sqlite_copy(loaded, tmp_path), MONDAY):
        yield MONDAY


@contextmanager
def opened(url: str, now: datetime) -> Iterator[None]:
    """The records of this process, with the clock standing."""
    engine.configure(url)
    try:
        with clock.stopped_at(now):
            yield
    finally:
        engine.dispose()


def staff_at(session: Session, name: str) -> Staff:
    return session.exec(select(Staff).where(Staff.email == f"{name}@footbridge.example")).one()


def check_everything(session: Session, now: datetime) -> None:
    """What must hold at any hour: no invariant is broken, nothing overdue waits for a timer, bridger1 has work."""
    referrals = session.exec(select(Referral)).all()
    for referral in referrals:
        assert broken_invariants(session, referral.id, now) == [], referral.id
        assert referral.next_at is None or referral.next_at > now
        entries = session.exec(
            select(JournalEntry).where(JournalEntry.stream == referral.id).order_by(col(JournalEntry.seq))
        )
        assert journal.verify(entries, head=referral.journal_head) == []
    program = session.exec(select(Program)).one()
    whole = select(JournalEntry).where(JournalEntry.stream == f"program:{program.id}")
    assert journal.verify(session.exec(whole.order_by(col(JournalEntry.seq)))) == []
    for table, column in ((JournalEntry, "recorded_at"), (Attempt, "recorded_at"), (Offer, "made_at")):
        assert all(getattr(row, column) <= now for row in session.exec(select(table))), table.__name__
    today = worklist_of(session, actor_of(staff_at(session, "bridger1")), now)
    assert today.overdue, "nothing is overdue"
    assert today.due, "nothing is due today"
    assert today.coming, "nothing is coming"


def test_it_loads_and_breaks_nothing(database: str) -> None:
    with clock.stopped_at(MONDAY):
        assert seed_demonstration()
        with engine.read_session() as session:
            check_everything(session, MONDAY)


@pytest.mark.parametrize("now", HOURS.values(), ids=HOURS.keys())
def test_it_ends_at_the_present_at_any_hour(now: datetime, tmp_path: Path) -> None:
    url = f"sqlite:///{tmp_path / 'seed.sqlite3'}"
    migrate.upgrade(url)
    with opened(url, now):
        assert seed_demonstration()
        with engine.read_session() as session:
            check_everything(session, now)


def test_every_stage_is_there(demonstration: datetime) -> None:
    now = demonstration
    with engine.read_session() as session:
        referrals = list(session.exec(select(Referral)))
        statuses = {r.status for r in referrals}
        contacts = list(session.exec(select(Contact)))
        calls = list(session.exec(select(Escalation)))
        sections = {
            part.section.key: part.count for part in board_of(session, actor_of(staff_at(session, "manager")), now)
        }
        offers = {o.state for o in session.exec(select(Offer))}
        holds = {h.reason for h in session.exec(select(Hold).where(col(Hold.ended_at).is_(None)))}
        reports = [d for d in session.exec(select(Disclosure)) if d.is_allowed]
    assert 30 <= len(referrals) <= 45
    assert statuses == set(ReferralStatus) - {ReferralStatus.ENTERED_IN_ERROR}
    assert all(count >= 1 for count in sections.values()), sections
    assert offers == set(OfferState)
    assert holds == {HoldReason.READMITTED, HoldReason.IN_CUSTODY}
    assert {c.state for c in contacts} >= {
        ContactState.MET, ContactState.MET_LATE, ContactState.MISSED, ContactState.PLANNED, ContactState.SUSPENDED,
        ContactState.SUPERSEDED, ContactState.CLOSED,
    }  # fmt: skip
    assert {(c.subject, c.state) for c in calls} >= {
        (Subject.CONTACT, EscalationState.RAISED),
        (Subject.CONTACT, EscalationState.ACKNOWLEDGED),
        (Subject.CONTACT, EscalationState.RESOLVED),
        (Subject.SAFETY, EscalationState.ACKNOWLEDGED),
        (Subject.ASSIGNMENT, EscalationState.RAISED),
    }
    assert any(r.submitted_at and now - r.submitted_at <= timedelta(minutes=1) for r in referrals)
    assert any(r.discharged_at and now - r.discharged_at <= timedelta(hours=5) for r in referrals)
    assert any(r.lost_at for r in referrals)
    assert any(r.cancel_requested_at for r in referrals)
    assert any(r.consent is ConsentStatus.PENDING and r.status.is_open for r in referrals)
    assert any(set(r.risks) & {"suicide_risk", "overdose"} for r in referrals)
    assert len(reports) >= 3


def test_only_what_is_meant_is_open(demonstration: datetime) -> None:
    """A call that nobody meant would show a program that does not answer."""
    with engine.read_session() as session:
        names = {p.id: p.family_name for p in session.exec(select(Person))}
        people = {r.id: names[r.person_id] for r in session.exec(select(Referral))}
        calls = [e for e in session.exec(select(Escalation)) if e.state is not EscalationState.RESOLVED]
    assert sorted((people[c.referral_id], c.subject.value, c.rung, c.state.value) for c in calls) == [
        ("Example", "contact", 0, "raised"),
        ("Mithal", "contact", 0, "acknowledged"),
        ("Namune", "safety", 0, "acknowledged"),
        ("Vidu", "assignment", 0, "raised"),
    ]


def test_everybody_can_sign_in(demonstration: datetime) -> None:
    with engine.read_session() as session:
        everybody = list(session.exec(select(Staff)))
        bridgers = list(session.exec(select(Bridger)))
    assert {staff.email for staff in everybody} == {
        *(f"bridger{n}@footbridge.example" for n in range(1, 9)),
        *(f"{name}@footbridge.example" for name in ("supervisor", "clinician", "manager", "admin", "privacy")),
        *(f"planner@{place}.example" for place in ("riverside", "lakeside", "countyjail")),
    }
    assert all(staff.is_demonstration for staff in everybody)
    for staff in everybody:
        assert sign_in.sign_in(staff.email, PASSWORD)
    assert len({tuple(b.languages) for b in bridgers}) >= 6
    assert len({tuple(b.areas) for b in bridgers}) >= 6
    assert len({b.gender for b in bridgers}) == 3


def test_messages_of_the_past_have_left(demonstration: datetime) -> None:
    with engine.read_session() as session:
        rows = list(session.exec(select(Notification)))
        outbox = list(session.exec(select(Outbox)))
    assert {row.state for row in rows} <= {NotificationState.SENT, NotificationState.CANCELLED}
    assert len(outbox) > 50
    assert max(row.at for row in outbox) <= demonstration
    assert demonstration - min(row.at for row in outbox) > timedelta(days=60)
    assert all(row.sent_at and row.sent_at - row.created_at < timedelta(minutes=1) for row in rows if row.sent_at)


def test_nobody_has_another_ones_number(demonstration: datetime) -> None:
    with engine.read_session() as session:
        people = list(session.exec(select(Person)))
    numbers = [phone["number"] for person in people for phone in person.phones]
    assert len(numbers) == len(set(numbers))
    assert all(str(number).startswith("+121255501") for number in numbers), "these numbers are nobody's"
    assert len({person.full_name for person in people}) == len(people)


def test_it_does_not_load_twice_and_leaves_the_clock_alone(demonstration: datetime) -> None:
    with engine.read_session() as session:
        before = len(session.exec(select(JournalEntry)).all())
    assert not seed_demonstration()
    assert clock.now() == demonstration
    with engine.read_session() as session:
        assert len(session.exec(select(JournalEntry)).all()) == before


def test_only_what_is_new_since_yesterday_waits_under_the_bell(demonstration: datetime) -> None:
    with engine.read_session() as session:
        waiting = {s.email: count_unseen(session, s.id) for s in session.exec(select(Staff)).all()}
        old = select(Notification).where(col(Notification.seen_at).is_(None), Notification.channel == Channel.IN_APP)
        assert all(row.created_at > demonstration - timedelta(hours=24) for row in session.exec(old))
    assert max(waiting.values()) <= 5, waiting
    assert sum(1 for count in waiting.values() if count) >= 3, "somebody must have something new to look at"


def test_nothing_of_the_past_was_seen_before_it_was_told(demonstration: datetime) -> None:
    with engine.read_session() as session:
        for row in session.exec(select(Notification).where(col(Notification.seen_at).is_not(None))):
            assert row.seen_at is not None
            assert row.created_at <= row.seen_at <= demonstration
