"""A database with many referrals, written in bulk: rows as the commands write them, without all their history."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from datetime import timedelta
from typing import Any

from sqlalchemy import insert
from sqlmodel import SQLModel, select

from cli.drill.program import make_program
from domain.consent import FORM, INTAKE, intake_grants
from domain.vocabulary import (
    Channel,
    ClosureReason,
    ConsentStatus,
    ContactState,
    DateCertainty,
    Disposition,
    EscalationState,
    NotificationState,
    OfferState,
    ReferralStatus,
    Setting,
    Subject,
)
from records import clock, engine, migrate
from records.commands.consents import kept_grant
from records.commands.sign_in import set_password
from records.marks import mark_person
from records.tables import (
    Assignment,
    Attempt,
    ConsentVersion,
    Contact,
    Escalation,
    EscalationTold,
    JournalEntry,
    Notification,
    Offer,
    Person,
    ProtocolVersion,
    Referral,
)

PASSWORD = "only-while-measuring"  # noqa: S105 -- nobody signs in with it elsewhere
PER_BRIDGER = 15
CONTACTS = 8
_BATCH = 2000
_TABLES = (
    Person, Referral, ConsentVersion, Offer, Assignment, Contact, Attempt, Escalation, EscalationTold, Notification,
    JournalEntry,
)  # fmt: skip


@dataclass(frozen=True, slots=True)
class Filled:
    """Whose pages are asked for, and how many referrals there are."""

    bridger_email: str
    supervisor_email: str
    referrals: int
    open_referrals: int


def fill(url: str, referrals: int, open_referrals: int) -> Filled:
    """Write so many referrals, the first `open_referrals` of them open and spread over enough bridgers."""
    migrate.upgrade(url)
    engine.configure(url)
    with engine.transaction() as session:
        made = make_program(session, bridgers=max(1, -(-open_referrals // PER_BRIDGER)))
        program, facility, boss, team = made.program, made.facility, made.boss, [staff.id for staff in made.team]
        protocol = session.exec(select(ProtocolVersion.id).where(ProtocolVersion.key == "psychiatric-inpatient")).one()
        common = {"program_id": program.id, "facility_id": facility.id, "protocol_id": protocol, "boss": boss.id}
    set_password_for(boss.id)
    set_password_for(team[0])
    for start in range(0, referrals, _BATCH):
        _write(start, min(start + _BATCH, referrals), open_referrals, team, common)
    with engine.transaction() as session:
        session.connection().exec_driver_sql("ANALYZE")
    engine.dispose()
    return Filled("bridger0@bench.example", "boss@bench.example", referrals, open_referrals)


def set_password_for(staff_id: str) -> None:
    """Let somebody sign in."""
    with engine.transaction() as session:
        set_password(session, staff_id, PASSWORD)


def _write(start: int, end: int, open_referrals: int, team: list[str], common: dict[str, str]) -> None:
    tables: dict[type[SQLModel], list[dict[str, Any]]] = {}
    for number in range(start, end):
        for table, row in _rows(number, open_referrals, team, common):
            tables.setdefault(table, []).append(row)
    with engine.transaction() as session:
        for table in _TABLES:
            if tables.get(table):
                session.connection().execute(insert(table), tables[table])


def _rows(
    number: int, open_referrals: int, team: list[str], common: dict[str, str]
) -> Iterator[tuple[type[SQLModel], dict[str, Any]]]:
    now, is_open = clock.now(), number < open_referrals
    program_id, boss = common["program_id"], common["boss"]
    bridger = team[number // PER_BRIDGER % len(team)] if is_open else team[number % len(team)]
    left = now - timedelta(hours=2 + number % 1900) if is_open else now - timedelta(days=120 + number % 600)
    referral_id, person_id, is_overdue = f"ref_{number:09}", f"per_{number:09}", is_open and number % 10 == 0
    escalated = left + timedelta(hours=1) if is_overdue else None
    yield Person, {
        "id": person_id, "program_id": program_id, "given_name": f"Given {number}", "family_name": f"Family {number}",
        **_marks(program_id, f"Given {number}", f"Family {number}"), "zone": "America/New_York", "created_at": left,
        "phones": [{"number": "+12025550123", "kind": "own"}], "safety_flags": [], "places": [],
    }  # fmt: skip
    yield Referral, {
        "id": referral_id, "program_id": program_id, "number": f"B{number:09}", "person_id": person_id,
        "facility_id": common["facility_id"], "setting": Setting.PSYCHIATRIC_INPATIENT,
        "protocol_id": common["protocol_id"],
        "status": ReferralStatus.IN_PROGRESS if is_open else ReferralStatus.COMPLETED,
        "consent": ConsentStatus.GIVEN, "risks": [], "needs": [], "created_at": left - timedelta(days=2),
        "submitted_at": left - timedelta(days=2), "accepted_at": left - timedelta(days=2), "discharged_at": left,
        "notice_at": left, "disposition": Disposition.HOME, "date_certainty": DateCertainty.CONFIRMED, "undo": {},
        "bridger_id": bridger if is_open else None, "assigned_since": left - timedelta(days=1) if is_open else None,
        "owner_id": bridger if is_open else boss, "version": 5, "journal_seq": CONTACTS,
        "next_at": now + timedelta(hours=1 + number % 50) if is_open else None,
        "next_item": "contact_missed" if is_open else "",
        "ended_at": None if is_open else left + timedelta(days=91),
        "closure_reason": None if is_open else ClosureReason.SERVICES_RECEIVED,
        "reported_at": None if is_open else left + timedelta(days=91),
        "first_days_until": left + timedelta(hours=72) if is_open else None,
        "overdue_since": escalated, "escalated_since": escalated,
        "escalated_rank": escalated and 2, "escalated_by": escalated,
    }  # fmt: skip
    yield ConsentVersion, {
        "id": f"cns_{number:09}", "program_id": program_id, "referral_id": referral_id, "line": INTAKE,
        "answer": ConsentStatus.GIVEN, "grants": [kept_grant(grant) for grant in intake_grants()], "form": FORM,
        "person_name": f"Given {number} Family {number}", "discloser": "Bench Hospital; Drill Peers",
        "expires_when": "it ends", "signer_name": f"Given {number} Family {number}", "signed_on": left.date(),
        "seen_by": boss, "recorded_by": boss, "recorded_at": left - timedelta(days=2),
    }  # fmt: skip
    yield Assignment, {
        "id": f"asg_{number:09}", "program_id": program_id, "referral_id": referral_id, "bridger_id": bridger,
        "started_at": left - timedelta(days=1), "ended_at": None if is_open else left + timedelta(days=91),
    }  # fmt: skip
    yield from _contacts(number, referral_id, program_id, is_open, is_overdue, left)
    yield from _said(number, referral_id, program_id, bridger, left)
    if not is_open:
        yield Escalation, {
            "id": f"esc_{number:09}", "program_id": program_id, "referral_id": referral_id,
            "subject": Subject.CONTACT, "subject_id": f"con_{number:09}_1", "ladder": "prompt", "ask": "answer",
            "told": [{"staff_id": bridger, "name": "Bridger", "role": "bridger"}], "owner_id": bridger,
            "why": "Weekly contact was due.", "due_at": left, "raised_at": left, "answer_by": left,
            "state": EscalationState.RESOLVED, "resolved_at": left,
        }  # fmt: skip
        yield EscalationTold, {"escalation_id": f"esc_{number:09}", "staff_id": bridger, "referral_id": referral_id}
    if is_overdue:
        yield Escalation, {
            "id": f"esc_{number:09}", "program_id": program_id, "referral_id": referral_id,
            "subject": Subject.CONTACT, "subject_id": f"con_{number:09}_0", "ladder": "contact-missed", "ask": "answer",
            "told": [{"staff_id": boss, "name": "Boss", "role": "peer_supervisor"}], "owner_id": boss,
            "why": "First contact was due.", "due_at": escalated, "raised_at": escalated,
            "answer_by": now + timedelta(hours=3), "state": EscalationState.RAISED,
        }  # fmt: skip
        yield EscalationTold, {"escalation_id": f"esc_{number:09}", "staff_id": boss, "referral_id": referral_id}


def _marks(program_id: str, given: str, family: str) -> dict[str, Any]:
    """By what the person is found."""
    person = Person(id="", program_id=program_id, given_name=given, family_name=family, created_at=clock.now())
    mark_person(person)
    return {"name_marks": person.name_marks}


def _said(
    number: int, referral_id: str, program_id: str, bridger: str, left: Any
) -> Iterator[tuple[type[SQLModel], dict[str, Any]]]:
    """The offer that was accepted, and what the bridger was told of it, in the app and by e-mail."""
    yield Offer, {
        "id": f"off_{number:09}", "program_id": program_id, "referral_id": referral_id, "bridger_id": bridger,
        "state": OfferState.ACCEPTED, "made_at": left - timedelta(days=1), "answer_by": left, "closed_at": left,
    }  # fmt: skip
    for channel in (Channel.IN_APP, Channel.EMAIL):
        yield Notification, {
            "id": f"ntf_{number:09}_{channel.value}", "program_id": program_id, "referral_id": referral_id,
            "key": f"offer:{number}:{channel.value}", "template": "offer_made", "channel": channel,
            "staff_id": bridger, "state": NotificationState.SENT, "created_at": left, "not_before": left,
            "sent_at": left, "seen_at": left, "params": {},
        }  # fmt: skip


def _contacts(
    number: int, referral_id: str, program_id: str, is_open: bool, is_overdue: bool, left: Any
) -> Iterator[tuple[type[SQLModel], dict[str, Any]]]:
    for index in range(CONTACTS):
        due = left + timedelta(hours=24 + index * 160)
        state = ContactState.PLANNED if is_open and due > clock.now() else ContactState.MET
        if is_overdue and index == 0:
            state = ContactState.MISSED
        yield Contact, {
            "id": f"con_{number:09}_{index}", "program_id": program_id, "referral_id": referral_id, "key": "weekly",
            "seq": index + 1, "title": "Weekly contact", "opens_at": due - timedelta(hours=150), "due_at": due,
            "state": state, "prompted": [],
        }  # fmt: skip
        if state is not ContactState.MET:
            continue
        yield Attempt, {
            "id": f"att_{number:09}_{index}", "program_id": program_id, "referral_id": referral_id, "at": due,
            "recorded_at": due, "mode": "call", "outcome": "reached", "met": [f"con_{number:09}_{index}"],
        }  # fmt: skip
        yield JournalEntry, {
            "program_id": program_id, "stream": referral_id, "seq": index + 1, "event": "contact.met", "at": due,
            "recorded_at": due, "actor": "system", "subject_id": f"con_{number:09}_{index}", "prev_hash": "",
            "hash": "", "data": {"key": "weekly", "seq": index + 1, "cycle": 1, "due_at": due.isoformat()},
        }  # fmt: skip
