"""Automated texts to people: queued, asked about when they are taken up and again when they go, and what became of
them.

Each is one row with one key, sent at most once, as messages to staff are (`records/commands/messages.py`). Whether it
may go is one rule (`domain.texting.judge`). STOP holds from the moment at which it came: whoever hands a text over
holds the shared locks of the referral and of the number until the gateway has answered, and whoever takes in a STOP,
or takes a consent back, waits for them (`records/outgoing.py`).
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from datetime import datetime
from typing import Any

import phonenumbers
from sqlmodel import Session, col, select

from domain.consent import Recipient
from domain.texting import ANSWERS, GOOD_FOR, ONCE_A_DAY, Verdict, judge, language_of, reminder_times
from domain.vocabulary import Category, Channel, NotificationState, Purpose, RecipientKind, TextKind
from records import clock, engine, journal, outgoing
from records.commands.disclosures import disclose, went_out
from records.commands.messages import CLAIM_HOLDS, Claimed
from records.ids import new_id
from records.marks import is_phone, phone_mark
from records.queries.restored import doubt, find_hold
from records.queries.texting import number_to_text, standing_of
from records.tables import Person, PersonText, Program, Referral, Staff

PREFIX = "txt"
"""How the ids of these begin: by it a delivery knows what it is about."""


@dataclass(frozen=True, slots=True)
class ClaimedText(Claimed):
    """A text that this process alone may send now, with what its words need."""

    language: str = "en"
    callback: str = ""
    program_name: str = ""
    zone: str = ""

    @property
    def outbox_name(self) -> str:
        """The outbox names no person's number."""
        return "a person’s phone"


def queue_text(
    session: Session,
    referral: Referral,
    person: Person,
    kind: TextKind,
    *,
    key: str,
    now: datetime,
    number: str | None = None,
    language: str = "",
    not_before: datetime | None = None,
    good_until: datetime | None = None,
    **params: Any,
) -> PersonText | None:
    """Have a text sent, if the person said yes to texts on one of their numbers; once for this key.

    `params` are ids and times, never names. Whether it goes is asked when its time comes.
    """
    to = number or number_to_text(session, person)
    if to is None:
        return None
    full_key = f"{PREFIX}:{kind.value}:{key}"
    if session.exec(select(PersonText.id).where(PersonText.key == full_key)).first() is not None:
        return None
    start, may_have_gone = not_before or now, doubt(session)
    row = PersonText(
        id=new_id(PREFIX),
        program_id=referral.program_id,
        referral_id=referral.id,
        person_id=person.id,
        number=to,
        number_mark=phone_mark(to),
        key=full_key,
        kind=kind,
        language=language_of(language or person.language),
        params=params,
        state=NotificationState.CANCELLED if may_have_gone else NotificationState.QUEUED,
        problem=may_have_gone,
        created_at=now,
        not_before=start,
        good_until=good_until or start + GOOD_FOR[kind] * max(clock.speed(), 1.0),
    )
    session.add(row)
    if start <= now and not may_have_gone:  # a later one is started by upkeep
        engine.leave_word(session, delivery=row.id)
    return row


def answer_by_text(
    session: Session, referral: Referral, person: Person, kind: TextKind, *, number: str, message_id: str, language: str
) -> None:
    """Answer a person's own text at once. What is said once a day is not said again on that day."""
    now = clock.now()
    key = f"{referral.id}:{now.date().isoformat()}" if kind in ONCE_A_DAY else message_id
    queue_text(session, referral, person, kind, key=key, now=now, number=number, language=language)


def remind_of_meeting(session: Session, referral: Referral, person: Person, now: datetime) -> None:
    """The day before, the person is reminded of when they meet; of a meeting that moved, anew."""
    at = referral.meeting_at
    times = reminder_times(at, person.zone, now) if at is not None else None
    if at is None or times is None:
        return
    start, until = times
    queue_text(
        session, referral, person, TextKind.MEETING, key=f"{referral.id}:{at.isoformat()}", now=now,
        not_before=start, good_until=until, at=at.isoformat(),
    )  # fmt: skip


def claim(session: Session, text_id: str) -> ClaimedText | None:
    """Take a queued text for sending; None when it was sent, may not go or not yet, or is another's.

    A claim that was never answered is marked unconfirmed and not sent again, as with messages to staff.
    """
    referral, row = _locked(session, text_id)
    now = clock.now()
    if row is None or referral is None or row.not_before > now:
        return None
    if row.state is NotificationState.SENDING:
        if row.claimed_at is not None and now - row.claimed_at >= CLAIM_HOLDS:
            row.state, row.problem = NotificationState.UNCONFIRMED, "the sender stopped while sending"
        return None
    if row.kind not in ANSWERS and find_hold(session, row.program_id):
        return None  # after a restore it waits: nobody knows of a STOP since the copy
    if row.state is not NotificationState.QUEUED or not _goes(session, referral, row, now):
        return None
    row.state, row.claimed_at, row.tries = NotificationState.SENDING, now, row.tries + 1
    program, person = session.get_one(Program, row.program_id), session.get_one(Person, row.person_id)
    bridger = session.get(Staff, referral.bridger_id) if referral.bridger_id else None
    return ClaimedText(
        notification_id=row.id,
        key=row.key,
        channel=Channel.SMS,
        template=row.kind.value,
        to=row.number,
        staff_name=(bridger.first_name or bridger.name.split()[0]) if bridger is not None else "",
        params=dict(row.params),
        referral_id=referral.id,
        number="",
        is_outward=True,
        language=row.language,
        callback=_as_dialed(program.phone),
        program_name=program.neutral_name,
        zone=person.zone,
    )


def let_go(session: Session, claimed: Claimed) -> Callable[[], None] | None:
    """The last question before a text leaves; None: not any more, or not now, and its row says why.

    A STOP from its number, or a consent taken back, waits from here on until what is returned is called.
    """
    referral, row = _locked(session, claimed.notification_id)
    now = clock.now()
    if referral is None or row is None or row.state is not NotificationState.SENDING:
        return None
    if not _goes(session, referral, row, now):
        return None
    asked = (Recipient(RecipientKind.PERSON), Category.STANDING, Purpose.AT_REQUEST)
    told = disclose(
        session, referral, f"text: {row.kind.value}", *asked, now=now, to="the person", subject_id=row.id, is_out=False
    )
    if not told.is_allowed:
        row.state, row.problem = NotificationState.WITHHELD, told.reason
        return None
    row.said = claimed.said
    of_referral = outgoing.going_out(session, referral.id)
    of_number = outgoing.going_out(session, number_key(row.number))

    def done() -> None:
        of_number()
        of_referral()

    return done


def _locked(session: Session, text_id: str) -> tuple[Referral | None, PersonText | None]:
    """The text, and its referral, which is locked first: every command locks so. Texts to one number take turns."""
    about = session.exec(select(PersonText.referral_id, PersonText.number).where(PersonText.id == text_id)).first()
    if about is None:
        return None, None
    again = {"populate_existing": True}
    referral = session.exec(
        select(Referral).where(Referral.id == about[0]).with_for_update().execution_options(**again)
    ).first()
    outgoing.in_line(session, number_key(about[1]))
    row = session.exec(
        select(PersonText).where(PersonText.id == text_id).with_for_update().execution_options(**again)
    ).first()
    return referral, row


def _goes(session: Session, referral: Referral, row: PersonText, now: datetime) -> bool:
    """Whether it may go now. When it never may, or not now, its row says so."""
    verdict: Verdict = judge(row.kind, standing_of(session, referral, row.number, now, row), row.good_until, now)
    if verdict.later is not None:
        row.state, row.claimed_at, row.not_before = NotificationState.QUEUED, None, verdict.later
    elif verdict.state is not None:
        row.state, row.problem = verdict.state, verdict.why
    return verdict.goes


def release(session: Session, text_id: str, problem: str) -> None:
    """The text was certainly not sent: put it back, to be tried again."""
    row = session.get_one(PersonText, text_id)
    if row.state is NotificationState.SENDING:
        row.state, row.claimed_at, row.problem = NotificationState.QUEUED, None, problem[:200]


def mark_sent(session: Session, text_id: str, provider_id: str) -> None:
    """The gateway took it; the timeline has a line."""
    referral, row = _locked(session, text_id)
    if referral is None or row is None:
        return
    now = clock.now()
    row.state, row.sent_at, row.provider_id, row.problem = NotificationState.SENT, now, provider_id, ""
    went_out(session, row.id, now)
    journal.append(session, referral, "text.sent", actor=journal.SYSTEM, subject_id=row.id, kind=row.kind)


def mark_failed(session: Session, text_id: str, problem: str) -> None:
    """The gateway refused it for good."""
    row = session.get_one(PersonText, text_id)
    row.state, row.problem = NotificationState.FAILED, problem[:200]


def mark_unconfirmed(session: Session, text_id: str, problem: str) -> None:
    """It may have been sent, nobody knows: it is not sent again, and counts for the limits."""
    row = session.get_one(PersonText, text_id)
    row.state, row.problem = NotificationState.UNCONFIRMED, problem[:200]


def cancel_texts(session: Session, reason: str, *, number: str = "", **about: str) -> int:
    """Cancel what waits to go: to a `number`, to a `person_id`, about a `referral_id`. Returns how many."""
    queued = select(PersonText).where(PersonText.state == NotificationState.QUEUED).filter_by(**about)
    if number:
        queued = queued.where(is_phone(col(PersonText.number_mark), number))
    rows = session.exec(queued.where(col(PersonText.kind).not_in(ANSWERS))).all()
    for row in rows:
        row.state, row.problem = NotificationState.CANCELLED, reason
    return len(rows)


def number_key(number: str) -> str:
    """Under what a number is locked (`records/outgoing.py`)."""
    return f"number:{number}"


def _as_dialed(phone: str) -> str:
    """The program's number as people write it; empty for none, or one that cannot be read."""
    try:
        parsed = phonenumbers.parse(phone, "US")
    except phonenumbers.NumberParseException:
        return ""
    style = phonenumbers.PhoneNumberFormat
    return phonenumbers.format_number(parsed, style.NATIONAL if parsed.country_code == 1 else style.INTERNATIONAL)
